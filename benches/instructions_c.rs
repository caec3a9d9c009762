//! Instructions of `hostcache_get` in the shared library of C, beside those of the crate's `get_slice`: 10,000 hits of 100 bytes on
//! 1,000 keys of 16 bytes, each counted by callgrind from the function's entry to its return.
//!
//! Fails if C costs more than [`MOST`] instructions above Rust.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use hostcache::Cache;
use hostcache_benches::callgrind;
use hostcache_benches::record::{self, Table};

const CALLS: u32 = 10_000;
const KEYS: u32 = 1_000;
/// What checking the arguments, catching panics and the way through a shared library may cost.
const MOST: f64 = 25.0;

#[inline(never)]
fn counted_get_slice(cache: &Cache, key: &[u8], buf: &mut [u8]) -> Option<usize> {
    // The black box keeps the call from becoming a jump, which would end this function early.
    black_box(cache.get_slice(key, buf))
}

/// What runs under callgrind.
fn work() -> Result<(), Box<dyn Error>> {
    let cache = Cache::private(16 << 20)?;
    let key = |number: u32| format!("key-{number:012}");
    for number in 0..KEYS {
        cache.set(key(number), [b'v'; 100])?;
        // The use marks are at their highest before counting, as of any item that is read often.
        cache.get(key(number)).ok_or("a miss")?;
    }
    let mut buf = [0; 128];
    for call in 0..CALLS {
        // As C's caller knows them: a length that the compiler sees would make it a special case.
        let (key, buf) = (key(call % KEYS), black_box(&mut buf[..]));
        let len = counted_get_slice(&cache, black_box(key.as_bytes()), buf);
        assert!(len == Some(100) && buf[0] == b'v' && buf[99] == b'v');
    }
    Ok(())
}

/// The library installed in a scratch directory, and the C program compiled against it.
fn c_program(scratch: &Path) -> Result<std::path::PathBuf, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let run = |command: &mut Command| match command.current_dir(&root).status()?.success() {
        true => Ok(()),
        false => Err(Box::<dyn Error>::from(format!("{command:?} failed"))),
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut install = Command::new(cargo);
    install.args(["run", "--quiet", "--package", "xtask", "--", "install-c", "--prefix"]);
    run(install.arg(scratch).stdout(std::process::Stdio::null()))?;
    let (lib, program) = (scratch.join("lib"), scratch.join("count_get"));
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "bindings/c/tests/c/count_get.c", "-lhostcache", "-o"]).arg(&program);
    gcc.arg("-I").arg(scratch.join("include")).arg("-L").arg(&lib);
    run(gcc.arg(format!("-Wl,-rpath,{}", lib.display())))?;
    Ok(program)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some("--work") {
        return work().map(|()| ExitCode::SUCCESS);
    }
    let scratch = env::temp_dir().join(format!("hostcache-instructions-c-{}", std::process::id()));
    let counted = c_program(&scratch).and_then(|program| {
        let rust =
            callgrind::count(&["*counted_get_slice*"], &env::current_exe()?, &["--work"], CALLS)?;
        Ok((rust, callgrind::count(&["hostcache_get"], &program, &[], CALLS)?))
    });
    fs::remove_dir_all(&scratch)?;
    let (rust, c) = counted?;
    let mut table = Table::new(&["operation", "subject", "instructions"]);
    table.row(vec!["get hit".into(), "get_slice".into(), format!("{rust:.1}")]);
    table.row(vec!["get hit".into(), "hostcache_get".into(), format!("{c:.1}")]);
    let command = "cargo run --release -p hostcache-benches --bin instructions-c";
    record::print_head("Instructions of hostcache_get", command, 0);
    print!("{table}");
    let more = c - rust;
    println!("\nC costs {more:.1} more; {MOST} are allowed.");
    Ok(if more <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
