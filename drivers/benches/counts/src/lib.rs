//! Counts instructions with valgrind's callgrind: a figure that does not depend on how busy the
//! machine is.

pub mod samples;

use core::fmt;
use std::ffi::OsStr;
use std::io;
use std::process::Command;

/// Why there is no count.
#[derive(Debug)]
pub enum Uncounted {
    /// Valgrind is not installed.
    NoValgrind,
    /// The program failed, or valgrind did.
    Failed(String),
}

impl fmt::Display for Uncounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoValgrind => f.write_str("valgrind"),
            Self::Failed(how) => f.write_str(how),
        }
    }
}

impl core::error::Error for Uncounted {}

/// Returns how many instructions each repetition of a program takes: the difference of `few` and
/// `many` repetitions, so that its start and end do not count. The number of repetitions is its
/// last argument.
///
/// # Errors
///
/// [`Uncounted`] without valgrind, or if the program fails.
pub fn instructions<S: AsRef<OsStr>>(command: &[S], few: u32, many: u32) -> Result<u64, Uncounted> {
    let difference = whole(command, many)?.saturating_sub(whole(command, few)?);
    Ok(difference / u64::from(many.saturating_sub(few).max(1)))
}

/// Returns how many instructions a program takes from start to end.
fn whole<S: AsRef<OsStr>>(command: &[S], times: u32) -> Result<u64, Uncounted> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let ran = valgrind.args(command).arg(times.to_string()).output();
    let ran = ran.map_err(|error| {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        if is_missing { Uncounted::NoValgrind } else { Uncounted::Failed(error.to_string()) }
    })?;
    let said = String::from_utf8_lossy(&ran.stderr);
    // `==4711== Collected : 12345`, in its summary.
    let collected = said.lines().filter_map(|line| line.split_once("Collected : "));
    let counted = collected.filter_map(|(_, count)| count.trim().parse().ok()).next_back();
    match counted {
        Some(counted) if ran.status.success() => Ok(counted),
        _ => Err(Uncounted::Failed(format!("valgrind: {}, {said}", ran.status))),
    }
}
