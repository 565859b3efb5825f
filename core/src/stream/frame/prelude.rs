//! Heads, and how they are written in front of a body.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::types::{FrameOutput, Target};
use crate::error::AppError;
use crate::http::sending::{check_head, is_field_value, is_final_status, is_token};
use crate::http::{HeaderMap, HttpResponse, Values};
use crate::printing::prints;

/// What is sent before the body. It is normalised: names are in lower case, and cookies are no
/// header fields.
#[derive(Clone, Eq, PartialEq)]
pub struct Head {
    /// The status, 200 to 599.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// Values of `set-cookie` fields, one per cookie.
    pub cookies: Vec<String>,
}

prints!(Head: status, headers);

impl Head {
    /// A head without header fields and cookies.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), cookies: Vec::new() }
    }

    /// Returns the head as JSON, as `target` reads it in front of a body. Header fields that are not
    /// for clients are left out.
    #[must_use]
    pub fn prelude(&self, target: Target) -> Vec<u8> {
        let sent = || self.headers.sent();
        let prelude = match target {
            Target::FunctionUrl => serde_json::to_vec(&FunctionUrlPrelude {
                status: self.status,
                headers: sent().map(|(name, values)| (name, values.join(","))).collect(),
                cookies: &self.cookies,
            }),
            Target::RestApi => serde_json::to_vec(&RestApiPrelude {
                status: self.status,
                headers: sent().filter_map(|(n, v)| Some((n, v.first()?))).collect(),
                all_headers: sent().collect(),
                cookies: &self.cookies,
            }),
        };
        // Texts under texts can always be written as JSON.
        prelude.unwrap_or_default()
    }

    /// Checks that the head is valid, and that its prelude and delimiter are at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// A masked 500 with the reason as its cause.
    pub(super) fn check(&self, target: Target, max_bytes: usize) -> Result<(), AppError> {
        check_head(self.status, &self.headers, &self.cookies)?;
        let delimiter = FrameOutput::DELIMITER.len();
        // Nearly every head is so small that nobody needs to write it to know that it fits.
        if self.most_bytes() > max_bytes
            && self.prelude(target).len().saturating_add(delimiter) > max_bytes
        {
            return Err(AppError::internal().with_cause(PreludeTooLarge { max_bytes }));
        }
        Ok(())
    }

    /// Returns a bound of the size of prelude and delimiter, for either target. Names and values of
    /// valid heads are tabs, blanks and visible ASCII: JSON writes each as two bytes at most, and
    /// both fields of a REST API's prelude hold a value at most once.
    pub(super) fn most_bytes(&self) -> usize {
        const FRAME: usize = 128;
        const PUNCTUATION: usize = 16;
        let texts = self.headers.iter().flat_map(|(name, values)| {
            core::iter::once(name.len()).chain(values.iter().map(str::len))
        });
        let texts = texts.chain(self.cookies.iter().map(String::len));
        let bytes = texts.map(|len| len.saturating_add(PUNCTUATION).saturating_mul(4));
        bytes.fold(FRAME, usize::saturating_add)
    }

    /// The head of an error that is answered in place of this one: what lets a browser read the
    /// answer and a human find it in the log stays, as far as it is valid.
    pub(in crate::stream) fn of_error(&self, error: &HttpResponse) -> Self {
        let mut headers = HeaderMap::new();
        let own = error.headers.iter();
        let kept = self.headers.iter().filter(|(name, _)| is_kept(name));
        for (name, values) in own.chain(kept) {
            if is_token(name) && values.iter().all(is_field_value) {
                headers.set_all(name, values.iter());
            }
        }
        let status = if is_final_status(error.status) { error.status } else { 500 };
        let cookies = headers.remove("set-cookie");
        Self { status, headers, cookies }
    }

    /// This head with nothing but its `content-type`.
    pub(super) fn bare(&self) -> Self {
        let mut bare = Self::new(self.status);
        bare.headers.set_all("content-type", self.headers.get_all("content-type").iter());
        bare
    }
}

impl<S> From<&HttpResponse<S>> for Head {
    fn from(response: &HttpResponse<S>) -> Self {
        let HttpResponse { status, headers, cookies, .. } = response;
        Self { status: *status, headers: headers.clone(), cookies: cookies.clone() }
    }
}

/// The members in the order of the contract; header fields sorted by name.
#[derive(Serialize)]
struct FunctionUrlPrelude<'a> {
    #[serde(rename = "statusCode")]
    status: u16,
    headers: BTreeMap<&'a str, String>,
    cookies: &'a [String],
}

#[derive(Serialize)]
struct RestApiPrelude<'a> {
    #[serde(rename = "statusCode")]
    status: u16,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(rename = "multiValueHeaders", skip_serializing_if = "BTreeMap::is_empty")]
    all_headers: BTreeMap<&'a str, Values<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cookies: &'a [String],
}

/// The prelude and its delimiter do not fit where the service looks for them.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response's head and its delimiter are over {max_bytes} bytes")]
struct PreludeTooLarge {
    max_bytes: usize,
}

fn is_kept(name: &str) -> bool {
    matches!(name, "x-request-id" | "vary") || name.starts_with("access-control-")
}
