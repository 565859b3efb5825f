//! Response heads, and their form in front of a body.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::types::{FrameOutput, Target};
use crate::error::AppError;
use crate::http::sending::{check_head, is_field_value, is_final_status, is_token};
use crate::http::{HeaderMap, HttpResponse, Values};
use crate::printing::prints;

/// The status, headers and cookies of a response. Normalized: names are in lower case, and cookies
/// are separate from headers.
#[derive(Clone, Eq, PartialEq)]
pub struct Head {
    /// The status, 200 to 599.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// Values of `set-cookie` headers, one per cookie.
    pub cookies: Vec<String>,
}

prints!(Head: status, headers);

impl Head {
    /// Creates a head without headers and cookies.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), cookies: Vec::new() }
    }

    /// Returns the head as JSON, as `target` expects it in front of a body. Headers that are not
    /// sent to clients are left out.
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
        // Strings can always be serialized to JSON.
        prelude.unwrap_or_default()
    }

    /// Checks that the head is valid, and that its prelude and delimiter have at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// A masked 500 with the reason as its cause.
    pub(super) fn check(&self, target: Target, max_bytes: usize) -> Result<(), AppError> {
        check_head(self.status, &self.headers, &self.cookies)?;
        let delimiter = FrameOutput::DELIMITER.len();
        // Nearly all heads are so small that they need not be written to see that they fit.
        if most_bytes(&self.headers, &self.cookies) > max_bytes
            && self.prelude(target).len().saturating_add(delimiter) > max_bytes
        {
            return Err(AppError::internal().with_cause(PreludeTooLarge { max_bytes }));
        }
        Ok(())
    }

    /// Returns the head of an error response in place of this one. It keeps the valid headers with
    /// which a browser can read the response and a person can find it in the log.
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

    /// Returns this head with only its `content-type`.
    pub(super) fn bare(&self) -> Self {
        let mut bare = Self::new(self.status);
        bare.headers.set_all("content-type", self.headers.get_all("content-type").iter());
        bare
    }
}

/// Returns an upper bound for the size of a head's prelude and delimiter, for either target. Names
/// and values of valid heads consist of tabs, spaces and visible ASCII, which JSON writes as at
/// most two bytes each, and a REST API's prelude contains each value at most once.
pub(super) fn most_bytes(headers: &HeaderMap, cookies: &[String]) -> usize {
    const FRAME: usize = 128;
    const PUNCTUATION: usize = 16;
    let most = |len: usize| len.saturating_add(PUNCTUATION).saturating_mul(4);
    let mut bytes = FRAME;
    for (name, values) in headers.iter() {
        bytes = bytes.saturating_add(most(name.len()));
        bytes = values.iter().map(str::len).map(most).fold(bytes, usize::saturating_add);
    }
    cookies.iter().map(String::len).map(most).fold(bytes, usize::saturating_add)
}

impl<S> From<&HttpResponse<S>> for Head {
    fn from(response: &HttpResponse<S>) -> Self {
        let HttpResponse { status, headers, cookies, .. } = response;
        Self { status: *status, headers: headers.clone(), cookies: cookies.clone() }
    }
}

/// The members in the order of the contract, and headers sorted by name.
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

/// The prelude and its delimiter exceed the service's limit.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response's head and its delimiter are over {max_bytes} bytes")]
struct PreludeTooLarge {
    max_bytes: usize,
}

fn is_kept(name: &str) -> bool {
    matches!(name, "x-request-id" | "vary") || name.starts_with("access-control-")
}
