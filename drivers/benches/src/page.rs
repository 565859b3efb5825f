//! The page with the figures, and the tables that README.md quotes.

use std::fs;
use std::io;
use std::path::Path;

use crate::measure::Effort;
use crate::plots;
use crate::table::{Group, HEAD, Row};

/// Groups and their rows, in the order of the page.
pub(crate) type Measured = [(Group, Vec<Row>)];

const INTRODUCTION: &str = "\
# What things cost

Written by `cargo run --release -p apptheory-bench`; do not edit it. Allocations, store calls and capacity are
counted by tests instead: `ARCHITECTURE.md` has their tables.

Every row is the work of AppTheory beside the same work of a peer, in one process or on one machine, in turns;
figures are medians. **The ratio is what to look at: below 1, AppTheory needs less.** Absolute figures are of this
machine, and others have others.
";

const COMMANDS: &str = "
```text
cargo run --release -p apptheory-bench               # all of it, two minutes after the builds; writes this page
cargo run --release -p apptheory-bench -- look-ups   # a section, by the name of its table; writes nothing
cargo run --release -p apptheory-bench -- --quick    # all of it with a fifth of the turns
```

Cold starts need what they start to be built, which the command does. Instructions are counted by valgrind; where a
tool is missing, the row says so: BLOCKED.

![All ratios](ratios.svg)
";

/// Writes the page, its plots, and the tables that README.md quotes.
pub(crate) fn write(
    measured: &Measured,
    effort: Effort,
    began: &[(&str, String)],
) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(folder.join("README.md"), page(measured, effort, began))?;
    for (name, plot) in plots::all(measured) {
        fs::write(folder.join(name), plot)?;
    }
    let readme = folder.join("../../README.md");
    let quoting = fs::read_to_string(&readme)?;
    fs::write(readme, quote(&quoting, measured))
}

fn page(measured: &Measured, effort: Effort, began: &[(&str, String)]) -> String {
    let mut page = format!("{INTRODUCTION}\n| Measured on | |\n|---|---|\n");
    for (what, is) in began {
        page.push_str(&format!("| {what} | {is} |\n"));
    }
    let turns = effort.turns();
    page.push_str(&format!("| Turns of each contender | {turns} |\n{COMMANDS}"));
    for (group, rows) in measured {
        page.push_str(&format!("\n## {}\n\n{}\n\n{}", group.title, group.how, block(group, rows)));
        if let Some(plot) = plots::of(group.name) {
            page.push_str(&format!("\n![{}]({plot})\n", group.title));
        }
    }
    page
}

/// Returns the mark where a group's table begins.
fn opening(group: &Group) -> String {
    format!("<!-- figures: {} -->\n", group.name)
}

const CLOSING: &str = "<!-- end of figures -->\n";

/// Returns a table between its marks.
fn block(group: &Group, rows: &[Row]) -> String {
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    format!("{}{HEAD}{rows}{CLOSING}", opening(group))
}

/// Replaces the tables that a text quotes.
fn quote(text: &str, measured: &Measured) -> String {
    let mut quoting = text.to_owned();
    for (group, rows) in measured {
        let opening = opening(group);
        if let Some((before, after)) = quoting.split_once(&opening)
            && let Some((_, after)) = after.split_once(CLOSING)
        {
            quoting = format!("{before}{}{after}", block(group, rows));
        }
    }
    quoting
}

#[cfg(test)]
mod tests {
    use super::{Group, page, quote};
    use crate::measure::Effort;
    use crate::table::{Figures, Row, Unit};

    fn measured() -> [(Group, Vec<Row>); 1] {
        let group = Group { name: "g", title: "A group", how: "So.", run: |_| vec![] };
        let figures = Figures { unit: Unit::Seconds, ours: 2e-9, peer: Some(("peer", 4e-9)) };
        [(group, vec![Row { what: "w".into(), figures: Ok(figures) }])]
    }

    const TABLE: &str = "<!-- figures: g -->\n| | Ratio | AppTheory | Beside it | Which is |\n\
        |---|---|---|---|---|\n| w | **0.50** | 2.00 ns | 4.00 ns | peer |\n<!-- end of figures -->\n";

    #[test]
    fn a_quoted_table_is_that_of_the_page() {
        let text = "before\n<!-- figures: g -->\nold\n<!-- end of figures -->\nafter\n";
        assert_eq!(quote(text, &measured()), format!("before\n{TABLE}after\n"));
        let page = page(&measured(), Effort::Quick, &[("Cores", "2".into())]);
        assert!(page.contains(&format!("## A group\n\nSo.\n\n{TABLE}")), "{page}");
        assert!(page.contains("| Cores | 2 |\n| Turns of each contender | 5 |\n"), "{page}");
    }

    #[test]
    fn what_is_not_measured_stays() {
        let text = "<!-- figures: other -->\nold\n<!-- end of figures -->\n";
        assert_eq!(quote(text, &measured()), text);
    }
}
