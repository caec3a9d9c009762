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
            _ if opens(line) => inside = true,
            "}" => inside = false,
            _ if inside => names.extend(function(line)),
            _ => {}
        }
    }
    names
}

/// Whether a block of `Cache` begins, however it is named.
fn opens(line: &str) -> bool {
    let name = line.strip_prefix("impl ").and_then(|rest| rest.strip_suffix(" {"));
    name.is_some_and(|name| name == "Cache" || name.ends_with("::Cache") && !name.contains(' '))
}

fn function(line: &str) -> Option<String> {
    let (before, rest) = line.strip_prefix("    pub ")?.split_once("fn ")?;
    let qualifiers = ["const", "async", "unsafe", "extern", "\"C\""];
    if !before.split_whitespace().all(|word| qualifiers.contains(&word)) {
        return None;
    }
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
    pub const NUMBER: u32 = some(fn_of(1));
}

impl crate::Cache {
    pub async unsafe fn elsewhere(&self) {}
}

impl From<Cache> for super::Cache {
    pub fn of_a_trait() {}
}
";
        assert_eq!(functions(source), ["plain", "constant", "split", "elsewhere"]);
    }
}
