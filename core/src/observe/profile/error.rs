//! Errors of profiles.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use crate::json::Misread;
use crate::sanitize::log_text;

/// A profile is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The text is not a JSON object, or a member has the wrong type.
    #[error("logging profile json: {0}")]
    NotJson(Misread),
    /// Everything that is wrong with the profile: unknown members first, then in the order of the
    /// members of [`ProfileConfig`](super::ProfileConfig).
    #[error("logging profile validation failed: {}", join(.0))]
    Invalid(Vec<Violation>),
}

/// One violation in a profile. Its text is `<path>: <problem>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// The path of the member, such as `encoding.format` or `required_fields[2]`.
    pub path: String,
    /// What is wrong with the member.
    pub problem: Problem,
}

/// Says what is wrong with a member of a profile.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// The member is unknown.
    UnknownOption,
    /// The member is missing or blank.
    Required,
    /// The member's text is unknown.
    Unsupported(MemberKind, String),
    /// An enrichment would replace the time, the level or the message.
    Owned,
}

/// The kind of value that a member should have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MemberKind {
    /// One of a few texts.
    Value,
    /// A field of lines.
    Field,
    /// A source of an event's data.
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
