//! Why a request does not bind, and what its client is told.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Map, Value as Json};

use super::field::{Field, Source};
use crate::error::AppError;
use crate::http::json_request::{another_shape, no_json, unsupported_type};
use crate::json::JsonError;

/// Why a request does not bind. Nobody but the client can mend it; each is a 400 answer unless it says
/// otherwise, and quotes no value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BindingError {
    /// There is no body, and fields come from one.
    #[error("request body is empty")]
    EmptyBody,
    /// The body is not exactly one JSON object, or a member of it is not of its field's type, where
    /// the [contract](crate::http::JsonReading::Contract) has one error for both.
    #[error("invalid json")]
    InvalidJson,
    /// The body is of a media type that is not one of JSON: 415.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// The body is no JSON.
    #[error("{0}")]
    NoJson(JsonError),
    /// The body is no object, or a member of it is not of its field's type: 422.
    #[error("invalid json of {name:?}: expected {expected}")]
    Mistyped {
        /// The member's name; empty for the body itself.
        name: String,
        /// What had to be there.
        expected: &'static str,
    },
    /// A strict body has a member that no field takes from it.
    #[error("invalid body binding: {name}")]
    UnknownMember {
        /// The member's name: the first such in the body.
        name: String,
    },
    /// A text is not of its field's type, or a value is missing that has to be there.
    #[error("invalid {from} binding for {field}: expected {expected}")]
    Invalid {
        /// Where the text comes from.
        from: Source,
        /// What the field is called there.
        name: String,
        /// What the field is called in the application.
        field: String,
        /// What had to be there, in words for the log.
        expected: Cow<'static, str>,
    },
}

impl BindingError {
    pub(super) fn invalid(from: Source, wire: &str, field: &Field) -> Self {
        Self::Invalid {
            from,
            name: wire.to_string(),
            field: field.name.clone(),
            expected: field.kind.expected().into(),
        }
    }

    /// What the client is told; what was expected stays in the log.
    fn message(&self) -> String {
        match self {
            Self::EmptyBody
            | Self::InvalidJson
            | Self::UnsupportedMediaType
            | Self::NoJson(_)
            | Self::Mistyped { .. }
            | Self::UnknownMember { .. } => self.to_string(),
            Self::Invalid { from, field, .. } => format!("invalid {from} binding for {field}"),
        }
    }

    fn details(&self) -> Map<String, Json> {
        let members: &[(&str, &str)] = match self {
            Self::EmptyBody
            | Self::InvalidJson
            | Self::UnsupportedMediaType
            | Self::NoJson(_)
            | Self::Mistyped { .. } => &[],
            Self::UnknownMember { name } => &[("source", Source::Body.as_str()), ("name", name)],
            Self::Invalid { from, name, field, .. } => {
                &[("source", from.as_str()), ("name", name), ("field", field)]
            }
        };
        members.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()
    }
}

impl From<BindingError> for AppError {
    fn from(error: BindingError) -> Self {
        match &error {
            BindingError::UnsupportedMediaType => return unsupported_type().with_cause(error),
            BindingError::NoJson(at) => return no_json(*at).with_cause(error),
            BindingError::Mistyped { name, expected } => {
                return another_shape(name, expected).with_cause(error);
            }
            BindingError::EmptyBody
            | BindingError::InvalidJson
            | BindingError::UnknownMember { .. }
            | BindingError::Invalid { .. } => {}
        }
        Self::bad_request(error.message())
            .with_status(400)
            .with_details(error.details())
            .with_cause(error)
    }
}
