//! Features: each is described, built alone, and counted; and items say which one they need.
#![expect(clippy::expect_used, reason = "it ends a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_feature_is_described_twice_and_built_alone() {
    let root = root();
    let text = |path: &str| std::fs::read_to_string(root.join(path)).expect("a file");
    let manifest = text("drivers/Cargo.toml");
    let (_, features) = manifest.split_once("[features]\n").expect("features");
    let (features, _) = features.split_once("\n\n").expect("a section after them");
    let features = features.lines().filter_map(|line| Some(line.split_once(" = [")?.0));
    // One that begins with `_` is for the others alone.
    let features: BTreeSet<&str> =
        features.filter(|name| *name != "default" && !name.starts_with('_')).collect();
    assert!(features.len() > 15, "the features have been read: {features:?}");

    let table = |path: &str, row: &str| -> BTreeSet<String> {
        let text = text(path);
        let (_, table) = text.split_once("| Feature | For |").expect("a table of features");
        let rows = table.lines().skip(2).map_while(|line| line.strip_prefix(row));
        rows.filter_map(|cell| Some(cell.strip_prefix('`')?.split_once('`')?.0.to_owned()))
            .collect()
    };
    let features: BTreeSet<String> = features.into_iter().map(str::to_owned).collect();
    assert_eq!(table("README.md", "| "), features);
    assert_eq!(table("drivers/src/lib.rs", "//! | "), features);

    let gate = text(".ci/run");
    let lists = gate.lines().filter_map(|line| line.split_once("check_alone "));
    let words = lists.flat_map(|(_, list)| list.trim_end_matches(" &").split(' '));
    let listed = words.filter(|name| !name.contains('"')).map(str::to_owned);
    assert_eq!(listed.collect::<BTreeSet<_>>(), features);
}

/// How many crates a build with a feature has.
fn crates(feature: &str) -> usize {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--package", "apptheory", "--no-default-features", "--features", feature]);
    cargo.args(["--edges", "normal", "--prefix", "none", "--format", "{p}", "--no-dedupe"]);
    let output = cargo.args(["--locked", "--offline"]).current_dir(root()).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("a text");
    let named = |line: &str| line.split(" (").next().unwrap_or_default().to_owned();
    listed.lines().map(named).collect::<BTreeSet<_>>().len()
}

#[test]
fn the_front_page_counts_the_crates_of_each_feature() {
    let text = std::fs::read_to_string(root().join("drivers/src/lib.rs")).expect("lib.rs");
    let always = crates("");
    let mut expected = text.clone();
    for row in text.lines().filter(|line| line.starts_with("//! | `")) {
        let feature = row.split('`').nth(1).expect("a feature");
        let (described, _) = row.trim_end_matches(" |").rsplit_once(" | ").expect("a column");
        let added = crates(feature).saturating_sub(always);
        expected = expected.replace(row, &format!("{described} | {added} |"));
    }
    let (before, after) = expected.split_once(" adds to the ").expect("how many there are always");
    let (_, after) = after.split_once(' ').expect("more words");
    let expected = format!("{before} adds to the {always} {after}");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        std::fs::write(root().join("drivers/src/lib.rs"), &expected).expect("it is written");
        return;
    }
    let differs = text.lines().zip(expected.lines()).find(|(is, should)| is != should);
    assert_eq!(
        differs, None,
        "write it with UPDATE_SNAPSHOTS=1 cargo test --workspace --all-features --test features"
    );
}

/// The lines of each source file.
fn sources() -> BTreeMap<PathBuf, Vec<String>> {
    let (mut sources, mut folders) = (BTreeMap::new(), vec![root().join("drivers/src")]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path())
        {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a text");
                sources.insert(path, text.lines().map(str::to_owned).collect());
            }
        }
    }
    sources
}

/// What is said above a line of a file.
fn documentation(lines: &[String], at: usize) -> String {
    let above = lines[..at].iter().rev().map(|line| line.trim());
    let is_of_item = |line: &&str| !line.is_empty() && !line.ends_with(['{', '}']);
    let above = above.take_while(|line| line.starts_with("///") || is_of_item(line));
    above.filter(|line| line.starts_with("///")).collect::<Vec<_>>().join("\n")
}

/// Returns the feature that an attribute requires, if it does.
fn required(line: &str) -> Option<&str> {
    line.trim().strip_prefix("#[cfg(feature = \"")?.strip_suffix("\")]")
}

/// The names that a line exports: `pub use a::{B, c};`.
fn exported(line: &str) -> Vec<&str> {
    let Some(path) = line.strip_prefix("pub use ") else { return Vec::new() };
    let names = path.split_once('{').map_or_else(
        || path.rsplit("::").next().unwrap_or_default(),
        |(_, names)| names.trim_end_matches("};"),
    );
    names.split([',', ';']).map(str::trim).filter(|name| !name.is_empty()).collect()
}

#[test]
fn what_needs_a_feature_says_so() {
    let sources = sources();
    let defines = |line: &str, name: &str| {
        let item = line.strip_prefix("pub ").unwrap_or_default();
        let item = item.strip_prefix("async ").unwrap_or(item);
        let named = ["fn ", "struct ", "enum ", "trait ", "const ", "type "]
            .iter()
            .find_map(|kind| item.strip_prefix(kind));
        let end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        named.and_then(|rest| rest.strip_prefix(name)).is_some_and(end)
    };
    let (mut silent, mut seen) = (Vec::new(), 0);
    for (path, lines) in &sources {
        for (at, line) in lines.iter().enumerate() {
            let Some(feature) = required(line) else { continue };
            let item = lines[at..].iter().position(|line| line.trim().starts_with("pub "));
            let Some(item) = item.map(|after| at + after) else { continue };
            let between = lines[at + 1..item].iter().map(|line| line.trim());
            if feature.starts_with('_') || between.clone().any(|line| !line.starts_with(['#', '/']))
            {
                continue;
            }
            let text = lines[item].trim();
            let mut docs: Vec<String> = Vec::new();
            if let Some(module) = text.strip_prefix("pub mod ") {
                let module = module.trim_end_matches(';');
                let folder = path.parent().expect("a folder");
                let inside = [format!("{module}.rs"), format!("{module}/mod.rs")];
                let inside = inside.iter().find_map(|name| sources.get(&folder.join(name)));
                docs.push(inside.expect("the module").join("\n"));
            } else if text.starts_with("pub use ") {
                let names = exported(text).into_iter().filter(|name| !name.starts_with("aws_sdk_"));
                for name in names {
                    let defined = sources.values().flat_map(|lines| {
                        let found =
                            lines.iter().enumerate().filter(|(_, line)| defines(line, name));
                        found.map(|(at, _)| documentation(lines, at)).collect::<Vec<_>>()
                    });
                    docs.push(defined.collect());
                }
            } else {
                docs.push(documentation(lines, item));
            }
            seen += docs.len();
            if docs.iter().any(|docs| !docs.contains(&format!("Needs the feature `{feature}`"))) {
                silent.push(format!("{}:{}: {feature}: {text}", path.display(), item + 1));
            }
        }
    }
    assert!(seen > 40, "they have been read: {seen}");
    assert!(silent.is_empty(), "these do not say \"Needs the feature `x`\": {silent:#?}");
}

/// The compiler does not name the feature of a missing method or of a missing name of the prelude.
#[test]
fn the_table_names_every_method_and_name_of_the_prelude_that_needs_a_feature() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let sources = sources();
    let (mut missing, mut seen) = (Vec::new(), 0);
    for (path, lines) in &sources {
        for (at, line) in lines.iter().enumerate() {
            let Some(feature) = required(line) else { continue };
            let below = lines[at + 1..].iter().find(|line| !line.trim().starts_with('#'));
            let item = below.expect("an item");
            let method = item.strip_prefix("    pub ").and_then(|item| {
                let (_, named) = item.split_once("fn ")?;
                named.split(['<', '(']).next()
            });
            let names = match method {
                Some(name) => vec![name],
                None if path.ends_with("src/prelude.rs") => exported(item),
                None => continue,
            };
            let row = readme.lines().find(|line| line.starts_with(&format!("| `{feature}`")));
            let words: BTreeSet<&str> =
                row.unwrap_or_default().split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            seen += names.len();
            missing.extend(
                names.into_iter().filter(|name| !words.contains(name)).map(|name| (feature, name)),
            );
        }
    }
    assert!(seen > 8, "they have been read: {seen}");
    assert!(missing.is_empty(), "these are not in the table of README.md: {missing:?}");
}

#[test]
fn exports_are_read_as_they_are_written() {
    assert_eq!(exported("pub use a::{B, c};"), ["B", "c"]);
    assert_eq!(exported("pub use self::a::B;"), ["B"]);
    assert_eq!(exported("pub fn a() {"), [""; 0]);
}
