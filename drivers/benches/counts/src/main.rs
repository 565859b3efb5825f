//! Counts the instructions of seven hot paths, and compares them with `figures.txt`.
//!
//! ```text
//! cargo run --release -p apptheory-counts               # fails for a path more than 3 % off
//! cargo run --release -p apptheory-counts -- --update   # writes the file
//! ```
//!
//! Other compilers and C libraries need other numbers of instructions, so figures are compared only
//! if both are those of the file. Each path runs in a process of its own: this program with the
//! path's name and the number of repetitions.

#![expect(clippy::expect_used, reason = "a path that cannot be gone counts nothing")]

mod paths;

use std::process::{Command, ExitCode};

use apptheory_counts::{Uncounted, instructions};
use paths::PATHS;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/figures.txt");

/// How far a path's count may be from its figure, in thousandths.
const TOLERANCE: u64 = 30;

/// The numbers of repetitions whose difference is counted.
const FEW: u32 = 100;
const MANY: u32 = 600;

type Failed = Box<dyn core::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match *arguments {
        [] => compare(),
        ["--update"] => update(),
        [path, times] => run(path, times),
        _ => Err("usage: apptheory-counts [--update]".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a path, under valgrind.
fn run(path: &str, times: &str) -> Result<(), Failed> {
    let times = times.parse()?;
    let path = PATHS.iter().find(|(name, _)| *name == path).ok_or("no such path")?;
    (path.1)(times);
    Ok(())
}

fn count(path: &str) -> Result<u64, Uncounted> {
    let own = std::env::current_exe().map_err(|error| Uncounted::Failed(error.to_string()))?;
    instructions(&[own.as_os_str(), path.as_ref()], FEW, MANY)
}

fn update() -> Result<(), Failed> {
    let mut text = format!("{HEAD}{TOOLCHAIN}{}\n\n", toolchain()?);
    for (path, _) in PATHS {
        text.push_str(&format!("{path} = {}\n", count(path)?));
    }
    print!("{text}");
    Ok(std::fs::write(FILE, text)?)
}

const HEAD: &str = "\
# Instructions of hot paths, each time that one is gone, counted by callgrind in a release build:
# cargo run --release -p apptheory-counts -- --update
";

const TOOLCHAIN: &str = "toolchain = ";

fn compare() -> Result<(), Failed> {
    let text = std::fs::read_to_string(FILE)?;
    let value = |name: &str| {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
        values.next().ok_or_else(|| format!("{FILE} has no line \"{name}\""))
    };
    let (expected, actual) = (value(TOOLCHAIN)?, toolchain()?);
    if expected != actual {
        println!("BLOCKED: another toolchain: {actual}, where the figures are of {expected}");
        return Ok(());
    }
    let mut is_off = false;
    for (path, _) in PATHS {
        let figure: u64 = value(&format!("{path} = "))?.parse()?;
        let counted = match count(path) {
            Err(Uncounted::NoValgrind) => {
                println!("BLOCKED: valgrind");
                return Ok(());
            }
            counted => counted?,
        };
        let verdict = if is_near(counted, figure) { "" } else { ": off" };
        is_off |= !is_near(counted, figure);
        println!("{path}: {counted} instructions, the figure is {figure}{verdict}");
    }
    if is_off {
        return Err("more than 3 % off: if that is meant, update the figures and say why".into());
    }
    Ok(())
}

/// Returns whether a count is within the tolerance around its figure.
const fn is_near(counted: u64, figure: u64) -> bool {
    counted.abs_diff(figure).saturating_mul(1_000) <= figure.saturating_mul(TOLERANCE)
}

/// Returns what else decides about the number of instructions: the compiler, and the C library with
/// its allocator.
fn toolchain() -> Result<String, Failed> {
    let first_line = |program: &str| -> Result<String, Failed> {
        let said = Command::new(program).arg("--version").output()?.stdout;
        Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned())
    };
    Ok(format!("{}, {}", first_line("rustc")?, first_line("ldd")?))
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn three_percent_either_way_is_near() {
        assert!([970, 1_000, 1_030].map(|counted| is_near(counted, 1_000)) == [true; 3]);
        assert!([969, 1_031, 0].map(|counted| is_near(counted, 1_000)) == [false; 3]);
    }
}
