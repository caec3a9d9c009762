//! Every place of the core that stores into a region is listed with what allows it (`docs/stores.md` of the core).
//!
//! By the text of the source: calls of the names that stores have.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

const CORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/hostcache-core");

/// Not shipped: models drive and tests.
const BESIDE: [&str; 2] = ["steps.rs", "fixture.rs"];

/// (file, function) and its number of stores.
type Sites = BTreeMap<(String, String), usize>;

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in directory.read_dir().expect("the core's source") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs")
            && !name.ends_with("_tests.rs")
            && !BESIDE.contains(&name.as_str())
        {
            found.push(path);
        }
    }
}

/// The name of the function that begins on a line.
fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (before, after) = line.split_once("fn ")?;
    let is_start = before.split_whitespace().all(|word| {
        word.starts_with("pub") || ["const", "unsafe", "extern", "\"C\""].contains(&word)
    });
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (is_start && end > 0).then(|| &after[..end])
}

fn stores(line: &str) -> usize {
    let called = |name: &str| line.matches(&format!(".{name}(")).count();
    let added = line.matches(".fetch_").count();
    let names = ["store", "swap", "compare_exchange", "compare_exchange_weak"];
    names.into_iter().map(called).sum::<usize>() + added
}

fn in_source() -> Sites {
    let root = Path::new(CORE).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut sites = Sites::new();
    for path in files {
        let file = path.strip_prefix(&root).expect("below the root").display().to_string();
        let text = read_to_string(&path).expect("a source");
        let mut inside = String::new();
        let shipped = text.lines().take_while(|line| {
            !(line.starts_with("#[cfg(") && line.contains("test")) || file == "lib.rs"
        });
        for line in shipped.filter(|line| !line.trim_start().starts_with("//")) {
            if let Some(name) = function(line) {
                name.clone_into(&mut inside);
            }
            let stores = stores(line);
            if stores > 0 {
                *sites.entry((file.clone(), inside.clone())).or_default() += stores;
            }
        }
    }
    sites
}

fn in_list() -> Sites {
    let text = read_to_string(Path::new(CORE).join("docs/stores.md")).expect("the list");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, file, name, places, allowed, _] = cells[..] else { return None };
        let places = places.parse().ok()?;
        assert!(!allowed.is_empty(), "{file} {name}: nothing allows it");
        Some(((file.to_owned(), name.to_owned()), places))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn every_store_is_listed_with_what_allows_it() {
    let (source, list) = (in_source(), in_list());
    assert!(source.len() > 50, "the source was not read");
    let differ = |a: &Sites, b: &Sites| -> Vec<String> {
        let other = a.iter().filter(|(site, places)| b.get(site) != Some(places));
        other.map(|((file, name), places)| format!("{file} {name} {places}")).collect()
    };
    let (new, gone) = (differ(&source, &list), differ(&list, &source));
    assert!(
        new.is_empty() && gone.is_empty(),
        "docs/stores.md of the core is not what the source has: new {new:?}, gone {gone:?}"
    );
}
