//! The documents say what is there: their examples run as doctests, their paths exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use apptheory_core::eventbus::BusConfig;
use apptheory_core::idempotency::IdempotencyConfig;
use apptheory_core::limiter::{FixedWindow, Limiter};
use apptheory_core::registry::RegistryConfig;
use apptheory_core::store::{KeySchema, TableDefinition};

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

/// Returns whether a text names a path in this repository.
fn is_path(name: &str) -> bool {
    ["core/", "drivers/", "fixtures/", "proptests/", ".ci/"].iter().any(|dir| name.starts_with(dir))
}

/// Returns whether a file has a test with this name.
fn has_test(code: &str, name: &str) -> bool {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let is_named = |line: &&str| line.contains(&format!("fn {name}("));
    let Some(at) = lines.iter().position(is_named) else { return false };
    let before = lines[..at].iter().rev();
    let mut attributes = before.take_while(|line| line.starts_with('#') || line.starts_with("//"));
    attributes.any(|line| line.contains("test]") || line.starts_with("#[tokio::test"))
}

#[test]
fn figures_are_those_of_the_page_of_figures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = |path: &str| std::fs::read_to_string(root.join(path)).expect("a file");
    let (readme, page) = (text("README.md"), text("drivers/benches/README.md"));
    let mut parts = readme.split("<!-- figures: ");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (table, after) = part.split_once("<!-- end of figures -->").expect("its end");
        assert!(page.contains(table), "not on the page: {table}");
        rest.push_str(after);
    }
    assert!(readme.len() > rest.len(), "tables have been read");
    let others = rest.lines().filter(|line| ["µs", " ns "].iter().any(|unit| line.contains(unit)));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0], "figures that nobody measures again");
}

#[test]
fn no_module_of_the_core_needs_one_that_needs_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut files = vec![root.clone()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(path.read_dir().expect("a folder").flatten().map(|entry| entry.path()));
            continue;
        }
        let inner = path.strip_prefix(&root).expect("below the root").with_extension("");
        let module = inner.iter().next().expect("a name").to_string_lossy().into_owned();
        if module == "lib" || inner.iter().any(|part| part == "tests") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        let (code, _) = text.split_once("\n#[cfg(test)]\nmod tests {").unwrap_or((&text, ""));
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let named = code.flat_map(|line| line.split("crate::").skip(1)).filter_map(|rest| {
            let name = rest
                .split(|c: char| c != '_' && !c.is_ascii_lowercase() && !c.is_ascii_digit())
                .next()?;
            (!name.is_empty() && name != module).then(|| name.to_owned())
        });
        needs.entry(module.clone()).or_default().extend(named);
    }
    assert!(needs.len() > 30 && needs["limiter"].contains("store"), "read: {needs:?}");
    // Modules that depend on none of the rest are removed; those that remain are in a cycle, or
    // depend on one.
    while let Some(done) = needs
        .iter()
        .find(|(_, needed)| needed.iter().all(|name| !needs.contains_key(name)))
        .map(|(module, _)| module.clone())
    {
        needs.remove(&done);
    }
    assert!(needs.is_empty(), "in or above a circle: {needs:#?}");
}

#[test]
fn the_deploy_page_quotes_templates_that_are_checked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = |path: &str| std::fs::read_to_string(root.join(path)).expect("a file");
    let (page, gate) = (text("drivers/docs/deployment.md"), text(".ci/run"));
    let lines: Vec<&str> = page.lines().collect();
    let mut quotes = BTreeMap::<&str, usize>::new();
    for (at, line) in lines.iter().enumerate() {
        if !["```yaml", "```hcl"].contains(line) {
            continue;
        }
        let path = lines[at - 1].strip_prefix("<!-- ").and_then(|path| path.strip_suffix(" -->"));
        let path = path.expect("the file that is quoted");
        let block = lines[at + 1..].iter().take_while(|line| **line != "```");
        let block: String = block.map(|line| format!("{line}\n")).collect();
        assert!(text(path).contains(&block), "{path} has no\n{block}");
        *quotes.entry(path).or_default() += 1;
    }
    assert!(quotes.values().sum::<usize>() > 10, "blocks have been read: {quotes:?}");
    // Templates of projects are checked by `.ci/templates`, once they are a project's.
    let is_checked = |path: &str| match path.rsplit_once('/').expect("a folder") {
        ("drivers/docs/deploy", _) => gate.contains("drivers/docs/deploy/*.yaml"),
        ("drivers/docs/deploy/terraform", _) => gate.contains(".ci/terraform"),
        (folder, _) if folder.starts_with("drivers/templates/") => gate.contains(".ci/templates"),
        _ => gate.contains(path),
    };
    let unchecked: Vec<_> = quotes.keys().filter(|path| !is_checked(path)).collect();
    assert!(unchecked.is_empty(), "nothing checks {unchecked:?}");
}

#[test]
fn the_tables_of_the_terraform_are_those_of_the_code() {
    let path = "docs/deploy/terraform/tables.tf";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(path).expect("a file");
    let (_, text) = text.split_once("resource ").expect("a table");
    let found: Vec<String> = text
        .split("resource ")
        .filter(|block| block.starts_with("\"aws_dynamodb_table\""))
        .map(words)
        .collect();
    let limit = FixedWindow::per_minute(1);
    let wanted = [
        ("rate_limits", Limiter::fail_closed(limit).build().table()),
        ("events", BusConfig::builder().build().expect("a bus").table()),
        ("idempotency", IdempotencyConfig::builder().build().table()),
        ("connections", RegistryConfig::builder().build().table()),
    ];
    let wanted: Vec<String> = wanted.map(|(name, table)| words(&terraform(name, &table))).into();
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!(found.starts_with(wanted), "{wanted}\n{found}");
    }
    assert_eq!(found.len(), wanted.len());
}

/// A text whose lines are aligned in no way.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A table as Terraform has it.
fn terraform(name: &str, table: &TableDefinition) -> String {
    let key = |key: &KeySchema| {
        let sort = key.sort.as_ref().map(|sort| format!("range_key = \"{sort}\" "));
        format!("hash_key = \"{}\" {}", key.partition, sort.unwrap_or_default())
    };
    let mut attributes: Vec<String> = Vec::new();
    for key in [&table.key].into_iter().chain(table.indexes.iter().map(|index| &index.key)) {
        for name in [&key.partition].into_iter().chain(&key.sort) {
            let block = format!("attribute {{ name = \"{name}\" type = \"S\" }} ");
            if !attributes.contains(&block) {
                attributes.push(block);
            }
        }
    }
    let indexes = table.indexes.iter().map(|index| {
        let (name, key) = (&index.name, key(&index.key));
        format!("global_secondary_index {{ name = \"{name}\" {key} projection_type = \"ALL\" }} ")
    });
    format!(
        "\"aws_dynamodb_table\" \"{name}\" {{ name = \"${{var.name}}-{}\" billing_mode = \"PAY_PER_REQUEST\" \
         {} {} {} ttl {{ attribute_name = \"{}\" enabled = true }} \
         point_in_time_recovery {{ enabled = true }} }}",
        name.replace('_', "-"),
        key(&table.key),
        attributes.concat(),
        indexes.collect::<String>(),
        table.ttl,
    )
}
