//! What is wrong with a profile.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use crate::json::Misread;
use crate::sanitize::log_text;

/// A profile cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The text is no JSON object of a profile.
    #[error("logging profile json: {0}")]
    NotJson(Misread),
    /// All that is wrong with it: members that profiles do not have first, then by the order of members
    /// in [`ProfileConfig`](super::ProfileConfig).
    #[error("logging profile validation failed: {}", join(.0))]
    Invalid(Vec<Violation>),
}

/// Something that is wrong with a profile. Its text is `<path>: <problem>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// The member, such as `encoding.format` or `required_fields[2]`.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a member of a profile.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// Profiles have no such member.
    UnknownOption,
    /// It is missing or blank.
    Required,
    /// Profiles do not know its text.
    Unsupported(MemberKind, String),
    /// An enrichment would replace the time, the level or the message.
    Owned,
}

/// What a member should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MemberKind {
    /// One of a few texts.
    Value,
    /// A field of lines.
    Field,
    /// Something that is known of events.
    Source,
    /// A level.
    Level,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", log_text(&self.path), self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption => f.write_str("unsupported option"),
            Self::Required => f.write_str("required"),
            Self::Unsupported(kind, value) => {
                write!(f, "unsupported {kind} {}", log_text(value))
            }
            Self::Owned => {
                f.write_str("the line's own field, which nothing else can be written to")
            }
        }
    }
}

impl fmt::Display for MemberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value => "value",
            Self::Field => "field",
            Self::Source => "source",
            Self::Level => "level",
        })
    }
}

fn join(violations: &[Violation]) -> String {
    violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ")
}
