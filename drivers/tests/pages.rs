//! Pages and comments: their links lead somewhere, their lines fit, and the list of the guide is
//! whole.
#![expect(clippy::expect_used, reason = "it ends a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Markdown that is read on a forge or as the guide.
fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut pages: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "drivers/benches/README.md"]
        .iter()
        .map(|path| root.join(path))
        .collect();
    let is_text = |extension: &OsStr| extension == "md" || extension == "txt";
    for folder in [".github", "drivers/docs"] {
        let files = std::fs::read_dir(root.join(folder)).expect("a folder").flatten();
        let files = files.map(|file| file.path());
        pages.extend(files.filter(|path| path.extension().is_some_and(is_text)));
    }
    pages.sort();
    pages
}

/// The lines of Markdown that are not code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The anchors of a page: its headings, as forges and rustdoc spell them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let slug = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

/// Where links of a page lead: the text in parentheses after `]`, and the targets of definitions.
fn links(text: &str) -> Vec<String> {
    let lines = prose(text).flat_map(|line| line.split("](").skip(1));
    let inline = lines.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
    inline.chain(definitions(text).into_values()).collect()
}

/// The labels that a page defines, and where each leads.
fn definitions(text: &str) -> BTreeMap<String, String> {
    let lines = prose(text).filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    lines.map(|(label, target)| (label.to_owned(), target.to_owned())).collect()
}

/// The labels that links of a page name.
fn labels(text: &str) -> BTreeSet<String> {
    let text = prose(text).collect::<Vec<_>>().join("\n");
    let labels = text.split("][").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
    labels.map(str::to_owned).collect()
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let (mut broken, mut followed) = (Vec::new(), 0);
    for page in pages() {
        let text = read(&page).expect("a page");
        for link in links(&text) {
            let (target, anchor) = link.split_once('#').unwrap_or((&link, ""));
            // rustdoc checks the links to items.
            if target.contains("://") || page.ends_with("links.txt") {
                continue;
            }
            let path = match target {
                "" => page.clone(),
                target => page.parent().expect("a folder").join(target),
            };
            let has_anchor = || {
                anchor.is_empty() || read(&path).is_some_and(|text| anchors(&text).contains(anchor))
            };
            if !path.exists() || !has_anchor() {
                broken.push(format!("{}: {link}", page.display()));
            }
            followed += 1;
        }
    }
    assert!(followed > 60, "links have been read: {followed}");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_guide_defines_each_label_for_forges_and_for_rustdoc() {
    let read = |path: &Path| std::fs::read_to_string(path).expect("a page");
    let folder = root().join("drivers/docs");
    let for_rustdoc = definitions(&read(&folder.join("links.txt")));
    let mut used = BTreeSet::new();
    for page in pages().iter().filter(|page| page.starts_with(&folder)) {
        let text = read(page);
        assert!(!text.contains("](crate::"), "a link that no forge follows: {}", page.display());
        let labels = labels(&text);
        let defined: BTreeSet<String> = definitions(&text).into_keys().collect();
        if !page.ends_with("links.txt") {
            assert_eq!(labels, defined, "{}", page.display());
        }
        used.extend(labels);
    }
    assert_eq!(used, for_rustdoc.into_keys().collect());
}

#[test]
fn anchors_are_spelt_as_they_are_linked() {
    let text = "# Errors of `build`\n```\n# use a;\n```\n## What is what?\n";
    assert_eq!(anchors(text), ["errors-of-build", "what-is-what"].map(str::to_owned).into());
    assert_eq!(links("[a](b#c) [d]\n```\n[e](f)\n```\n[g]: h\n"), ["b#c", "h"]);
}

#[test]
fn comments_and_pages_fit_into_a_hundred_columns() {
    let mut files: Vec<PathBuf> = pages();
    files.retain(|path| path.parent().is_some_and(|folder| folder.ends_with("drivers/docs")));
    let mut folders: Vec<PathBuf> =
        ["core", "drivers", "fixtures", "proptests"].map(|name| root().join(name)).into();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path())
        {
            if path.is_dir() && !path.ends_with("target") && !path.ends_with("diagnostics") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 900, "they have been found: {}", files.len());
    let mut long = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a text");
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        // The width of a line of code counts without the comment that it is in.
        let mut block: Option<bool> = None;
        for (at, line) in text.lines().enumerate() {
            if is_rust && !line.trim_start().starts_with("//") {
                block = None;
                continue;
            }
            let words = line.trim_start().trim_start_matches(['/', '!']);
            let words = words.strip_prefix(' ').unwrap_or(words);
            if let Some(language) = words.trim_start().strip_prefix("```") {
                let is_code = language.is_empty() || ["rust", "no_run"].contains(&language);
                block = if block.is_some() { None } else { Some(is_code) };
                continue;
            }
            let is_free = |line: &str| {
                line.starts_with('|') || ["](", "][", "://"].iter().any(|link| line.contains(link))
            };
            let is_long = match block {
                Some(is_code) => is_code && words.chars().count() > 100,
                None => line.chars().count() > 100 && !is_free(words),
            };
            if is_long {
                let path = path.strip_prefix(root()).unwrap_or(&path);
                long.push(format!("{}:{}", path.display(), at + 1));
            }
        }
    }
    assert!(long.is_empty(), "more than 100 columns: {} lines, {long:#?}", long.len());
}

/// The list of the guide's pages for readers that are programs: what each is about, by its first
/// line.
fn llms_txt() -> String {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a file");
    let guide = read("drivers/src/guide.rs");
    let (_, names) = guide.split_once("\npages! {").expect("the list of pages");
    let names: Vec<&str> = names.trim_end_matches(['}', '\n']).split_whitespace().collect();
    let files = std::fs::read_dir(root().join("drivers/docs")).expect("a folder").flatten();
    let files =
        files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".md")?.to_owned()));
    assert_eq!(files.collect::<BTreeSet<_>>(), names.iter().map(ToString::to_string).collect());

    let mut text = String::from(
        "# AppTheory\n\n> A Rust framework for AWS Lambda: HTTP, queues, streams, WebSockets, rate limits and an \
         event bus,\n> in one application that runs on Lambda, on your machine and in tests.\n\n\
         ## Guide\n\n",
    );
    for name in names {
        let (before, _) = guide.split_once(&format!("]({name})")).expect("a link to each page");
        let title = before.rsplit('[').next().unwrap_or_default().replace('`', "");
        let (first, rest) = title.split_at(1);
        let page = read(&format!("drivers/docs/{name}.md"));
        let summary = page.lines().next().unwrap_or_default().replace('`', "");
        let title = format!("{}{rest}", first.to_uppercase());
        text.push_str(&format!("- [{title}]({name}.md): {summary}\n"));
    }
    text + "\n## Project\n\n\
            - [README](../../README.md): What it is, and the first programs.\n\
            - [Architecture](../../ARCHITECTURE.md): How it is built, and why.\n\
            - [Figures](../benches/README.md): What was measured, compared with other crates.\n\
            - [Security](../../.github/SECURITY.md): Which attacks are prevented, and how to report one.\n\
            - [Contributing](../../.github/CONTRIBUTING.md): How to change it.\n\
            - [Changes](../../.github/CHANGELOG.md): What each version changes.\n"
}

#[test]
fn llms_txt_lists_the_guide() {
    let (path, now) = (root().join("drivers/docs/llms.txt"), llms_txt());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &now).expect("it is written");
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        now,
        "write it with UPDATE_SNAPSHOTS=1 cargo test --workspace --all-features --test pages"
    );
}
