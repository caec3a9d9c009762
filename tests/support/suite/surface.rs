//! The public functions of `Cache`, read from the crate's sources.
//!
//! The sources are formatted, so a scan by lines suffices: an `impl Cache {` in the first column, functions
//! one step in, a closing brace in the first column.

use std::collections::BTreeSet;
use std::path::Path;

/// Names of the public functions in `impl Cache` blocks of one source.
#[must_use]
pub fn functions(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in source.lines() {
        match line {
            "impl Cache {" => inside = true,
            "}" => inside = false,
            _ if inside => names.extend(function(line)),
            _ => {}
        }
    }
    names
}

fn function(line: &str) -> Option<String> {
    let rest = line.strip_prefix("    pub ")?;
    let rest = ["const ", "unsafe "]
        .iter()
        .fold(rest, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
    let rest = rest.strip_prefix("fn ")?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(rest[..end].to_owned())
}

/// Those of all sources below a directory.
pub fn functions_below(directory: &Path) -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            names.extend(functions_below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(functions(&std::fs::read_to_string(&path)?));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn public_functions_of_the_handle_and_no_others_are_found() {
        let source = "\
impl Cache {
    /// Docs with pub fn in them.
    pub fn plain(&self) {}
    pub const fn constant<T>(&self) {}
    pub(crate) fn hidden(&self) {
        pub fn nested() {}
    }
    fn private(&self) {}
}

impl Other {
    pub fn other() {}
}

impl Cache {
    #[inline]
    pub fn split(
        &self,
    ) {
    }
}
";
        assert_eq!(functions(source), ["plain", "constant", "split"]);
    }
}
