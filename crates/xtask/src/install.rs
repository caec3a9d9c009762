//! `cargo xtask install-c --prefix DIR`: the C library, laid out as C programs look for it.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use crate::child;
use crate::workspace::{cargo, root, target_dir};

include!("../../../bindings/c/abi.rs");

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where each file comes from, below `bindings/c`, and where it goes. `@VERSION@` and `@ABI@` are filled in.
const TEXTS: [(&str, &str); 6] = [
    ("include/hostcache.h", "include/hostcache.h"),
    ("include/hostcache.hpp", "include/hostcache.hpp"),
    ("install/hostcache.pc.in", "lib/pkgconfig/hostcache.pc"),
    ("install/hostcacheConfig.cmake", "lib/cmake/hostcache/hostcacheConfig.cmake"),
    ("install/hostcacheConfigVersion.cmake.in", "lib/cmake/hostcache/hostcacheConfigVersion.cmake"),
    ("man/hostcache.3", "share/man/man3/hostcache.3"),
];

/// Builds and installs; `Err` is wrong usage.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let prefix = match args {
        [flag, prefix] if flag == "--prefix" => prefix,
        _ => return Err("install-c wants --prefix DIR".to_owned()),
    };
    // The caller's directory counts, and cargo runs us there.
    let prefix = env::current_dir().map_or_else(|_| prefix.into(), |here| here.join(prefix));
    let built = child::run(&mut cargo(["build", "--quiet", "--release", "-p", "hostcache-c"]));
    let installed = built.and_then(|()| {
        lay_out(&prefix).map_err(|error| format!("installing in {}: {error}", prefix.display()))
    });
    Ok(match installed {
        Ok(files) => {
            files.iter().for_each(|file| println!("{}", file.display()));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    })
}

/// Puts everything in its place; what is there already is replaced.
fn lay_out(prefix: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for (from, to) in TEXTS {
        let (from, to) = (root().join("bindings/c").join(from), prefix.join(to));
        let text = fs::read_to_string(&from).map_err(failed(&from))?;
        let text = text.replace("@VERSION@", VERSION).replace("@ABI@", &abi_of(VERSION));
        replace(&to, |to| fs::write(to, text))?;
        files.push(to);
    }
    let built = root().join(target_dir()).join("release");
    let lib = prefix.join("lib");
    let whole = format!("libhostcache.so.{VERSION}");
    for (from, to) in
        [("libhostcache_c.so", whole.as_str()), ("libhostcache_c.a", "libhostcache.a")]
    {
        let (from, to) = (built.join(from), lib.join(to));
        replace(&to, |to| fs::copy(&from, to).map(drop))?;
        files.push(to);
    }
    // The loader looks for the ABI's name, the linker for the plain one.
    let of_abi = format!("libhostcache.so.{}", abi_of(VERSION));
    for (link, to) in [(of_abi.as_str(), &whole), ("libhostcache.so", &of_abi)] {
        let link = lib.join(link);
        replace(&link, |link| symlink(to, link))?;
        files.push(link);
    }
    Ok(files)
}

/// Makes a file under another name and then gives it its own: programs that run go on with the old one.
fn replace(to: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), String> {
    let mut beside = to.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    if let Some(directory) = to.parent() {
        fs::create_dir_all(directory).map_err(failed(directory))?;
    }
    make(&beside).map_err(failed(&beside))?;
    fs::rename(&beside, to).map_err(failed(to))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::abi_of;

    #[test]
    fn the_abi_is_the_part_of_the_version_that_may_break_it() {
        assert_eq!(["0.1.0", "0.12.3", "1.2.3", "10.0.0"].map(abi_of), ["0.1", "0.12", "1", "10"]);
    }
}
