//! Rules over the source files that no compiler knows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::workspace;

/// No file is longer than this.
const MOST_LINES: usize = 900;

/// Half of the files are shorter than this.
const MEDIAN_LINES: usize = 200;

/// Where the sources are. A folder that is not there has none.
const FOLDERS: [&str; 5] = ["crates", "tests", "benches", "bindings", "python"];

/// What is source.
const EXTENSIONS: [&str; 8] = ["rs", "py", "c", "h", "cpp", "hpp", "lua", "php"];

struct Source {
    /// From the workspace root.
    path: PathBuf,
    text: String,
}

/// The size rule.
pub(crate) fn sizes() -> Result<(), String> {
    let sources = all()?;
    let lines = sources.iter().map(|source| (source.path.as_path(), source.text.lines().count()));
    let summary = judge_sizes(lines.collect())?;
    println!("{summary}");
    Ok(())
}

fn judge_sizes(mut files: Vec<(&Path, usize)>) -> Result<String, String> {
    files.sort_by_key(|(_, lines)| *lines);
    let Some((_, median)) = files.get(files.len() / 2) else { return Err("no sources".to_owned()) };
    let mut problems: Vec<String> = files
        .iter()
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| format!("{} has {lines} lines: {MOST_LINES} at most", path.display()))
        .collect();
    if *median >= MEDIAN_LINES {
        problems.push(format!("the median file has {median} lines: fewer than {MEDIAN_LINES}"));
    }
    if problems.is_empty() {
        let longest = files.last().map_or(0, |(_, lines)| *lines);
        Ok(format!("{} files, median {median} lines, longest {longest}", files.len()))
    } else {
        Err(problems.join("\n"))
    }
}

/// The core's atomics come from one module, so that loom can replace every one of them.
pub(crate) fn atomics() -> Result<(), String> {
    let core = Path::new("crates/hostcache-core/src");
    let door = core.join("sync.rs");
    let problems: Vec<String> = all()?
        .iter()
        .filter(|source| source.path.starts_with(core) && source.path != door)
        .flat_map(|source| {
            foreign_atomics(&source.text).map(|number| {
                format!("{}:{number}: atomics come from sync.rs", source.path.display())
            })
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// Numbers of the lines that reach for atomics past `sync.rs`.
fn foreign_atomics(text: &str) -> impl Iterator<Item = usize> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| {
            let code = line.trim_start();
            let direct = ["std::sync::atomic", "core::sync::atomic", "loom::"];
            let grouped = code.contains("sync::{") && code.contains("atomic");
            !code.starts_with("//") && (grouped || direct.iter().any(|path| code.contains(path)))
        })
        .map(|(index, _)| index + 1)
}

fn all() -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for folder in FOLDERS {
        let path = workspace::root().join(folder);
        if path.is_dir() {
            collect(&path, &mut sources)
                .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
        }
    }
    Ok(sources)
}

/// Adds the sources below a folder; build output and hidden folders are not sources.
fn collect(folder: &Path, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") || name == "target" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&path, sources)?;
        } else if path.extension().is_some_and(|end| EXTENSIONS.iter().any(|known| end == *known)) {
            let text = fs::read_to_string(&path)?;
            let path = path.strip_prefix(workspace::root()).unwrap_or(&path).to_owned();
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(lines: &[usize]) -> Result<String, String> {
        judge_sizes(lines.iter().map(|lines| (Path::new("a.rs"), *lines)).collect())
    }

    #[test]
    fn small_files_pass_with_a_summary() {
        assert_eq!(judge(&[900, 10, 20]), Ok("3 files, median 20 lines, longest 900".to_owned()));
    }

    #[test]
    fn a_long_file_and_a_high_median_are_both_named() {
        let problems = judge(&[10, 200, 901]).expect_err("two rules are broken");
        assert_eq!(problems.lines().count(), 2, "{problems}");
    }

    #[test]
    fn an_empty_tree_is_no_success() {
        assert!(judge(&[]).is_err());
    }

    #[test]
    fn atomics_past_the_door_are_found() {
        let text = "use crate::sync::AtomicU64;\n// std::sync::atomic is banned here\n\
                    use std::sync::atomic::AtomicU32;\nuse core::sync::{atomic::fence};\n";
        assert_eq!(foreign_atomics(text).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn the_walk_finds_this_file() {
        let sources = all().expect("the tree is readable");
        assert!(sources.iter().any(|source| source.path.ends_with("xtask/src/sources.rs")));
    }
}
