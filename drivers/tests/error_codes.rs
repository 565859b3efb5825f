//! The guide's page of errors is what the code says: every code of an answer, every type of a
//! failed invocation, and the text and meaning of every error.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --workspace --all-features --test error_codes` writes the page.
#![expect(clippy::panic, clippy::unwrap_used, reason = "it ends a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use apptheory::error::code;

const PAGE: &str = "drivers/docs/error_codes.md";

/// Where errors are defined, under which heading they are listed, and the page about them. The
/// first that fits counts.
const SECTIONS: [(&str, &str, &str); 36] = [
    ("core/src/http/exchange/", BUILDING, "errors"),
    ("core/src/http/router/", BUILDING, "errors"),
    ("drivers/src/app/build", BUILDING, "errors"),
    ("drivers/src/lambda/", STARTING, "deployment"),
    ("drivers/src/local/", STARTING, "deployment"),
    ("drivers/src/start/", STARTING, "deployment"),
    ("drivers/src/https/", STARTING, "deployment"),
    ("core/src/limiter/", LIMITS, "rate_limiting"),
    ("core/src/eventbus/", BUS, "event_bus"),
    ("core/src/idempotency/", IDEMPOTENCY, "idempotency"),
    ("drivers/src/idempotency/", IDEMPOTENCY, "idempotency"),
    ("core/src/store/", STORES, "deployment"),
    ("drivers/src/store/", STORES, "deployment"),
    ("drivers/src/lean/", STORES, "deployment"),
    ("core/src/kinesis/", KINESIS, "deployment"),
    ("core/src/gateway/", WEBSOCKETS, "websockets"),
    ("core/src/registry/", WEBSOCKETS, "websockets"),
    ("drivers/src/websocket/", WEBSOCKETS, "websockets"),
    ("drivers/src/app/websocket/", WEBSOCKETS, "websockets"),
    ("core/src/events/http/", REQUESTS, "errors"),
    ("core/src/events/", EVENTS, "events"),
    ("drivers/src/app/events/", EVENTS, "events"),
    ("drivers/src/app/invoke.rs", EVENTS, "events"),
    ("drivers/src/app/raw.rs", EVENTS, "events"),
    ("drivers/src/app/subject.rs", EVENTS, "events"),
    ("core/src/observe/", LOGS, "observability"),
    ("core/src/sanitize/", LOGS, "observability"),
    ("drivers/src/logs/", LOGS, "observability"),
    ("core/src/stream/", STREAMS, "streaming"),
    ("drivers/src/app/frame_body.rs", STREAMS, "streaming"),
    ("core/src/http/", REQUESTS, "errors"),
    ("core/src/utf8.rs", REQUESTS, "errors"),
    ("core/src/json.rs", REQUESTS, "errors"),
    ("drivers/src/app/", REQUESTS, "errors"),
    ("drivers/src/validation/", REQUESTS, "errors"),
    ("core/src/", VALUES, "getting_started"),
];

const BUILDING: &str = "Building an application";
const STARTING: &str = "Starting and running";
const REQUESTS: &str = "Requests and answers";
const EVENTS: &str = "Events";
const STREAMS: &str = "Streams";
const WEBSOCKETS: &str = "WebSockets";
const LIMITS: &str = "Rate limits";
const BUS: &str = "The event bus";
const IDEMPOTENCY: &str = "Idempotency";
const STORES: &str = "Stores and tables";
const KINESIS: &str = "Kinesis data streams";
const LOGS: &str = "Logs and metrics";
const VALUES: &str = "Names, times and secrets";

/// In the order of the page.
const HEADINGS: [&str; 13] = [
    BUILDING,
    STARTING,
    REQUESTS,
    EVENTS,
    STREAMS,
    WEBSOCKETS,
    LIMITS,
    BUS,
    IDEMPOTENCY,
    STORES,
    KINESIS,
    LOGS,
    VALUES,
];

/// What the types of failed invocations mean, which Lambda shows as `errorType`.
const TYPES: [(&str, &str, &str); 8] = [
    (
        "Function.Aborted",
        "a shutdown began before the first chunk of a stream was sent",
        "streaming",
    ),
    ("Function.InitFailed", "the application does not start; the message says why", "deployment"),
    ("Function.InvalidAnswer", "an answer is not JSON: a bug of this crate", "errors"),
    (
        "Function.InvalidEvent",
        "the event cannot be read, or no handler is registered for it",
        "events",
    ),
    ("Function.Panicked", "code outside of handlers panicked", "errors"),
    (
        "Function.ResponseSizeTooLarge",
        "the answer is larger than Lambda takes: stream it",
        "streaming",
    ),
    ("Function.RestoreFailed", "the hook after the restore of a snapshot failed", "deployment"),
    ("Function.TimedOut", "the handler of an event was not done before the deadline", "deployment"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// An error as its source says it.
struct Entry {
    /// `BuildError::Event`; empty for one that has no public name.
    name: String,
    /// Empty for a kind: its errors have the texts of other entries.
    text: String,
    meaning: String,
}

/// The source files, by their paths from the root, without those of tests.
fn sources() -> BTreeMap<String, String> {
    let (mut files, mut folders) = (BTreeMap::new(), Vec::new());
    folders.extend(["core/src", "drivers/src"].map(|path| root().join(path)));
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "tests" && name != "testkit" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
                let short = path.strip_prefix(root()).unwrap().to_str().unwrap();
                files.insert(short.to_owned(), code.to_owned());
            }
        }
    }
    files
}

/// The errors that a file defines: variants of enums, and structs, with a text of their own, and
/// the kinds of errors, which have a meaning alone.
fn entries(code: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    // The enum around the line, unless it is private: its name, and whether it is of kinds.
    let mut around: Option<(&str, bool)> = None;
    let (mut docs, mut attribute, mut is_open) = (String::new(), String::new(), false);
    for line in code.lines() {
        let trimmed = line.trim();
        if is_open || trimmed.starts_with("#[error(") {
            attribute.push_str(line);
            attribute.push('\n');
            is_open = !trimmed.ends_with(")]");
            continue;
        }
        if let Some(doc) = trimmed.strip_prefix("///") {
            docs.push_str(doc);
            docs.push('\n');
            continue;
        }
        if trimmed.starts_with("#[") {
            continue;
        }
        let is_public = line.starts_with("pub ");
        let item = line.strip_prefix("pub").map_or(line, |line| {
            line.strip_prefix("(super)")
                .or_else(|| line.strip_prefix("(crate)"))
                .unwrap_or(line)
                .trim_start()
        });
        let name =
            |item: &'_ str| item.split([' ', '(', '{', ';', '<', ',']).next().unwrap().to_owned();
        if let Some(item) = item.strip_prefix("enum ") {
            let name = item.split([' ', '<']).next().unwrap();
            around = Some((if is_public { name } else { "" }, name == "ErrorKind"));
        } else if line == "}" {
            around = None;
        } else if let Some((of, is_kind)) = around
            && line.starts_with("    ")
            && line[4..].starts_with(char::is_uppercase)
        {
            let text = text(&attribute);
            if !text.is_empty() || is_kind {
                let name =
                    if of.is_empty() { String::new() } else { format!("{of}::{}", name(trimmed)) };
                entries.push(Entry { name, text, meaning: meaning(&docs) });
            }
        } else if let Some(item) = item.strip_prefix("struct ") {
            let text = text(&attribute);
            if !text.is_empty() {
                let name = if is_public { name(item) } else { String::new() };
                entries.push(Entry { name, text, meaning: meaning(&docs) });
            }
        }
        docs.clear();
        attribute.clear();
    }
    entries
}

/// The text of an `#[error(…)]`: what it fills in as `…`, and nothing for that of a cause alone.
fn text(attribute: &str) -> String {
    let Some((_, literal)) = attribute.split_once('"') else { return String::new() };
    let (mut text, mut rest) = (String::new(), literal.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' if rest.next_if_eq(&'\n').is_some() => while rest.next_if_eq(&' ').is_some() {},
            '\\' => text.extend(rest.next()),
            '{' | '}' if rest.next_if_eq(&c).is_some() => text.push(c),
            '{' => {
                while rest.next().is_some_and(|c| c != '}') {}
                text.push('…');
            }
            c => text.push(c),
        }
    }
    // The page is named at the end.
    let text = if attribute.contains("see()") || attribute.contains("See(") {
        text.strip_suffix("; …").unwrap_or(&text)
    } else {
        &text
    };
    if text.contains(char::is_alphabetic) { text.to_owned() } else { String::new() }
}

/// The first paragraph of a comment, without links.
fn meaning(docs: &str) -> String {
    let lines = docs.lines().map(str::trim).take_while(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join(" ");
    let (mut meaning, mut rest) = (String::new(), &*text);
    while let Some((before, link)) = rest.split_once('[') {
        meaning.push_str(before);
        let Some((label, after)) = link.split_once(']') else { break };
        meaning.push_str(label);
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    meaning + rest
}

/// A cell of a table in which the text is code.
fn cell(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

fn link(page: &str) -> String {
    format!("[{}][{page}]", page.replace('_', " "))
}

/// The codes of answers, with what their constants say of them.
fn codes(sources: &BTreeMap<String, String>) -> String {
    let mut table = String::from("| Code | Status | Meaning |\n|---|---|---|\n");
    let mut docs = String::new();
    for line in sources["core/src/error/code.rs"].lines() {
        if let Some(doc) = line.strip_prefix("///") {
            docs.push_str(doc);
            docs.push('\n');
        } else {
            if let Some((_, value)) = line.split_once(": &str = \"") {
                let code = value.trim_end_matches("\";");
                let status = code::status(code);
                let meaning = meaning(&docs);
                let (meaning, _) =
                    meaning.split_once(&format!(": {status}")).unwrap_or((&meaning, ""));
                writeln!(table, "| `{code}` | {status} | {meaning} |").unwrap();
            }
            docs.clear();
        }
    }
    table
}

fn page() -> String {
    let sources = sources();
    let mut sections: BTreeMap<&str, (BTreeSet<&str>, Vec<Entry>)> = BTreeMap::new();
    for (path, code) in &sources {
        let entries = entries(code);
        if !entries.is_empty() {
            let found = SECTIONS.iter().find(|(prefix, ..)| path.starts_with(prefix));
            let (_, heading, page) = found.unwrap_or_else(|| panic!("{path} has no section"));
            let (pages, all) = sections.entry(heading).or_default();
            pages.insert(page);
            // All kinds have the same name: they are told apart by their module.
            let module = path.split('/').nth(2).unwrap();
            all.extend(entries.into_iter().map(|entry| match entry.text.is_empty() {
                true => Entry { name: format!("{module}::{}", entry.name), ..entry },
                false => entry,
            }));
        }
    }
    let mut page = format!(
        "Lists the codes that clients see, the types of failed invocations, and the texts of errors.\n\n\
         The page is generated from the code. A `…` stands for a name, a number or a cause. Errors of\n\
         `App::build` and of the start, and failures in the log, end with the page of this guide that\n\
         helps: `see apptheory::guide::routing`.\n\n\
         # Codes of answers\n\n\
         See {}.\n\n{}\n# Types of failed invocations\n\n\
         Lambda shows the type as `errorType`. A handler of an event of any kind fails with the code of its\n\
         own error.\n\n| Type | Meaning | See |\n|---|---|---|\n",
        link("errors"),
        codes(&sources)
    );
    for (name, meaning, see) in TYPES {
        writeln!(page, "| `{name}` | {meaning} | {} |", link(see)).unwrap();
    }
    for heading in HEADINGS {
        let (pages, entries) = sections.remove(heading).unwrap();
        let pages: Vec<String> = pages.into_iter().map(link).collect();
        write!(
            page,
            "\n# {heading}\n\nSee {}.\n\n| Text | Error | Meaning, and what to do |\n|---|---|---|\n",
            pages.join(" and ")
        )
        .unwrap();
        let (kinds, errors): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.text.is_empty());
        for Entry { name, text, meaning } in errors {
            let name = if name.is_empty() { name } else { format!("`{name}`") };
            let meaning = meaning.replace('|', "\\|");
            writeln!(page, "| {} | {name} | {meaning} |", cell(&text)).unwrap();
        }
        if !kinds.is_empty() {
            page.push_str(
                "\nThe kinds of these errors, which their `kind` returns:\n\n\
                 | Kind | Meaning, and what to do |\n|---|---|\n",
            );
        }
        for Entry { name, meaning, .. } in kinds {
            writeln!(page, "| `{name}` | {} |", meaning.replace('|', "\\|")).unwrap();
        }
    }
    let labels = page.split("][").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
    let labels: BTreeSet<String> = labels.map(str::to_owned).collect();
    page.push_str("\n<!-- links -->\n");
    for label in labels {
        writeln!(page, "[{label}]: {label}.md").unwrap();
    }
    page
}

#[test]
fn the_page_of_errors_is_what_the_code_says() {
    let (path, now) = (root().join(PAGE), page());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs::write(&path, now).unwrap();
        return;
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let differs = there.lines().zip(now.lines()).find(|(there, now)| there != now);
    assert!(
        there == now,
        "{PAGE} is not what the code says, at {differs:?}: write it with\n\
         UPDATE_SNAPSHOTS=1 cargo test --workspace --all-features --test error_codes"
    );
}

#[test]
fn the_types_of_failed_invocations_are_those_of_the_code() {
    let sources = sources();
    let quoted = sources.values().flat_map(|code| code.split("\"Function.").skip(1));
    let used: BTreeSet<String> =
        quoted.map(|rest| format!("Function.{}", rest.split('"').next().unwrap())).collect();
    let listed: BTreeSet<String> = TYPES.map(|(name, ..)| name.to_owned()).into();
    assert_eq!(used, listed);
}

#[test]
fn every_page_that_an_error_names_is_there() {
    let sources = sources();
    let named = sources.values().flat_map(|code| code.split("See(\"").skip(1));
    let named: BTreeSet<&str> = named.map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(named.len() > 4, "read: {named:?}");
    let pages = named.into_iter().chain(SECTIONS.map(|(.., page)| page));
    for page in pages.chain(TYPES.map(|(.., page)| page)) {
        assert!(root().join(format!("drivers/docs/{page}.md")).exists(), "{page}");
    }
}

#[test]
fn texts_are_read_as_they_are_written() {
    let entries = entries(
        "/// Wrong.\n#[derive(Debug, thiserror::Error)]\npub enum Odd {\n    /// A [`name`](super::X) is\n    \
         /// wrong: [mend](y) it.\n    ///\n    /// More.\n    #[error(\n        \"{0:?} is {{odd}}: \\\n         \
         mend it; {}\",\n        See(\"x\")\n    )]\n    Name(String),\n    #[error(transparent)]\n    Of(X),\n}\n\
         #[error(\"gone\")]\nstruct Gone;\n",
    );
    let read: Vec<_> =
        entries.iter().map(|Entry { name, text, meaning }| [&**name, text, meaning]).collect();
    let odd = ["Odd::Name", "… is {odd}: mend it", "A `name` is wrong: mend it."];
    assert_eq!(read, [odd, ["", "gone", ""]]);
}
