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

#[test]
fn every_file_and_test_of_the_threat_model_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join(".github/SECURITY.md")).expect("SECURITY.md");
    let quoted = text.split('`').skip(1).step_by(2);
    let named: Vec<&str> = quoted.filter(|name| is_path(name)).collect();
    assert!(named.iter().filter(|name| name.contains("::")).count() > 20, "read: {named:?}");
    let is_there = |name: &str| match name.split_once("::") {
        Some((file, test)) => {
            std::fs::read_to_string(root.join(file)).is_ok_and(|code| has_test(&code, test))
        }
        None => root.join(name).exists(),
    };
    let missing: Vec<_> = named.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "not there: {missing:?}");
}

/// Whether a text names something in this repository.
fn is_path(name: &str) -> bool {
    ["core/", "drivers/", "fixtures/", "proptests/", ".ci/"].iter().any(|dir| name.starts_with(dir))
}

/// Whether a file has a test with a name.
fn has_test(code: &str, name: &str) -> bool {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let is_named = |line: &&str| line.contains(&format!("fn {name}("));
    let Some(at) = lines.iter().position(is_named) else { return false };
    let before = lines[..at].iter().rev();
    let mut attributes = before.take_while(|line| line.starts_with('#') || line.starts_with("//"));
    attributes.any(|line| line.contains("test]") || line.starts_with("#[tokio::test"))
}
