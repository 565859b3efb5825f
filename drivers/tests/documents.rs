//! The documents say what is there: their examples run as doctests, their paths exist.

use std::path::Path;

#[test]
fn every_path_of_the_code_map_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, map) = text.split_once("## Code map").expect("a code map");
    let (map, _) = map.split_once("\n## ").expect("a section after it");
    let paths: Vec<&str> = map
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|column| column.split(", "))
        .map(|path| path.trim_matches(['`', ' ']))
        .collect();
    assert!(paths.len() > 15, "the code map has been read: {paths:?}");
    let missing: Vec<_> = paths.iter().filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "not there: {missing:?}");
}
