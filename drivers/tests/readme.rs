//! The README's programs: what it shows can be pasted.
#![expect(clippy::unwrap_used, reason = "it ends a test")]

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Returns a program without its header comment.
fn program(path: &str) -> String {
    let text = read(path);
    let lines = text.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

/// Returns the Rust blocks, each with the line before it.
fn blocks(readme: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = readme.lines().collect();
    let mut blocks = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with("```rust") {
            let block = lines[at + 1..].iter().take_while(|line| **line != "```");
            let block = block.map(|line| format!("{line}\n")).collect();
            blocks.push((lines[at - 1].to_owned(), block));
        }
    }
    blocks
}

#[test]
fn a_program_is_the_example_that_it_names() {
    let mut programs = 0;
    for (before, block) in blocks(&read("README.md")) {
        let Some(path) = before.strip_prefix("<!-- ").and_then(|path| path.strip_suffix(" -->"))
        else {
            assert!(!block.contains("apptheory::start"), "a program without an example:\n{block}");
            continue;
        };
        assert_eq!(block, program(path), "{path}");
        programs += 1;
    }
    assert!(programs >= 3, "{programs}");
}

#[test]
fn nothing_that_a_program_needs_is_hidden() {
    for (_, block) in blocks(&read("README.md")) {
        let hidden = block.lines().find(|line| *line == "#" || line.starts_with("# "));
        assert_eq!(hidden, None, "{block}");
    }
}

#[test]
fn programs_use_this_crate_and_serde_alone() {
    let roots = ["apptheory", "serde", "std", "core"];
    for (before, block) in blocks(&read("README.md")) {
        if !before.starts_with("<!-- drivers/examples/") {
            continue;
        }
        for line in block.lines().filter_map(|line| line.strip_prefix("use ")) {
            let root = line.split("::").next().unwrap();
            assert!(roots.contains(&root), "{before}: use {line}");
        }
    }
}
