//! The measurements: rows, and their form on the page.

use core::fmt;

use crate::measure::{Contender, Effort, Taken, race};

/// Rows about one subject, and how they were measured.
pub(crate) struct Group {
    /// Selects the group on the command line, and marks its table in README.md.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// How each row is measured, for readers of the page.
    pub(crate) how: &'static str,
    pub(crate) run: fn(Effort) -> Vec<Row>,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) figures: Result<Figures, Blocked>,
}

/// Why there are no figures: the missing tool.
pub(crate) type Blocked = String;

/// The cost of ours, and of a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) unit: Unit,
    pub(crate) ours: f64,
    pub(crate) peer: Option<(&'static str, f64)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    Instructions,
}

impl Figures {
    /// Returns our cost divided by the peer's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.peer.map(|(_, peer)| self.ours / peer)
    }
}

/// Times ours beside its peers: a row for each peer.
pub(crate) fn beside<'a>(
    effort: Effort,
    what: impl Into<String>,
    ours: Contender<'a>,
    peers: impl IntoIterator<Item = Contender<'a>>,
) -> Vec<Row> {
    rows(what, &race(effort, core::iter::once(ours).chain(peers).collect()))
}

/// Times ours, without a peer.
pub(crate) fn alone(effort: Effort, what: impl Into<String>, ours: Contender<'_>) -> Vec<Row> {
    beside(effort, what, ours, [])
}

/// Returns rows of what was timed, ours first.
fn rows(what: impl Into<String>, taken: &[Taken]) -> Vec<Row> {
    let (what, (_, ours)) = (what.into(), taken[0]);
    let row = |peer| {
        let figures = Figures { unit: Unit::Seconds, ours, peer };
        Row { what: what.clone(), figures: Ok(figures) }
    };
    match &taken[1..] {
        [] => vec![row(None)],
        peers => peers.iter().map(|peer| row(Some(*peer))).collect(),
    }
}

impl Unit {
    fn text(self, figure: f64) -> String {
        let scales: &[(f64, &str)] = match self {
            Self::Seconds => &[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")],
            Self::Bytes => &[(1e6, "MB"), (1e3, "kB"), (1.0, "B")],
            Self::Instructions => &[(1e6, "million"), (1e3, "thousand"), (1.0, "")],
        };
        let scale = scales.iter().find(|(scale, _)| figure >= *scale);
        let (scale, name) = scale.or_else(|| scales.last()).copied().unwrap_or((1.0, ""));
        format!("{} {name}", digits(figure / scale)).trim_end().to_owned()
    }
}

/// Returns a figure with three significant digits.
fn digits(figure: f64) -> String {
    match figure {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// The head of every table.
pub(crate) const HEAD: &str =
    "| | Ratio | AppTheory | Beside it | Which is |\n|---|---|---|---|---|\n";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, figures } = self;
        match figures {
            Err(why) => write!(f, "| {what} | BLOCKED: {why} | | | |"),
            Ok(Figures { unit, ours, peer: None }) => {
                write!(f, "| {what} | – | {} | | |", unit.text(*ours))
            }
            Ok(Figures { unit, ours, peer: Some((name, peer)) }) => {
                let (ratio, ours, peer) = (digits(ours / peer), unit.text(*ours), unit.text(*peer));
                write!(f, "| {what} | **{ratio}** | {ours} | {peer} | {name} |")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, Row, Unit};

    fn row(unit: Unit, ours: f64, peer: f64) -> String {
        let figures = Figures { unit, ours, peer: Some(("a peer", peer)) };
        Row { what: "a thing".into(), figures: Ok(figures) }.to_string()
    }

    #[test]
    fn a_row_begins_with_the_ratio() {
        let time = row(Unit::Seconds, 2.5e-6, 1.25e-7);
        assert_eq!(time, "| a thing | **20.0** | 2.50 µs | 125 ns | a peer |");
        let size = row(Unit::Bytes, 1_820_000.0, 5_600_000.0);
        assert_eq!(size, "| a thing | **0.33** | 1.82 MB | 5.60 MB | a peer |");
        let count = row(Unit::Instructions, 626_000.0, 900.0);
        assert_eq!(count, "| a thing | **696** | 626 thousand | 900 | a peer |");
    }

    #[test]
    fn what_could_not_be_measured_says_why() {
        let row = Row { what: "a thing".into(), figures: Err("valgrind".into()) };
        assert_eq!(row.to_string(), "| a thing | BLOCKED: valgrind | | | |");
    }
}
