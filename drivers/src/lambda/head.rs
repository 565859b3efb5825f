//! The invocation's data in the head of an event.

use apptheory_core::http::platform::CognitoIdentity;
use apptheory_core::json::read_object;
use apptheory_core::sanitize::log_text;
use http::header::{HeaderMap, HeaderName};
use serde::Deserialize;

use crate::app::{ClientContext, Invocation};

/// The headers of an event.
pub(super) struct Head {
    pub(super) request_id: String,
    pub(super) fields: HeaderMap,
}

const DEADLINE_MS: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const TRACE_ID: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");
const FUNCTION_ARN: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
const CLIENT_CONTEXT: HeaderName = HeaderName::from_static("lambda-runtime-client-context");
const COGNITO_IDENTITY: HeaderName = HeaderName::from_static("lambda-runtime-cognito-identity");
const TENANT_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-tenant-id");

/// The identity, with the Runtime API's names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    cognito_identity_id: String,
    cognito_identity_pool_id: String,
}

impl Head {
    /// Returns the invocation, without its deadline and function. A malformed header is ignored,
    /// and logged.
    pub(super) fn invocation(&self) -> Invocation {
        let client_context =
            self.read(&CLIENT_CONTEXT, |text| read_object::<ClientContext>(text).ok());
        let identity = self.read(&COGNITO_IDENTITY, |text| read_object::<Identity>(text).ok());
        Invocation {
            request_id: self.request_id.clone(),
            deadline: None,
            trace: self.text(&TRACE_ID).unwrap_or_default(),
            tenant_id: self.text(&TENANT_ID),
            invoked_function_arn: self.text(&FUNCTION_ARN).unwrap_or_default(),
            function: None,
            client_context,
            cognito_identity: identity.map(|identity| CognitoIdentity {
                identity_id: identity.cognito_identity_id,
                identity_pool_id: identity.cognito_identity_pool_id,
                amr: Vec::new(),
            }),
            is_cold_start: false,
            peer: None,
        }
    }

    /// Returns the instant of the deadline, in milliseconds since 1970.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        self.read(&DEADLINE_MS, |text| text.parse().ok())
    }

    fn text(&self, name: &HeaderName) -> Option<String> {
        self.read(name, |text| Some(text.to_owned()))
    }

    /// Parses a header's trimmed value; `None` for a blank one.
    fn read<T>(&self, name: &HeaderName, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.fields.get(name)?;
        let text = core::str::from_utf8(value.as_bytes()).ok().map(str::trim);
        if text == Some("") {
            return None;
        }
        let value = text.and_then(read);
        if value.is_none() {
            tracing::warn!(
                request_id = &*log_text(&self.request_id),
                field = name.as_str(),
                "ignoring a malformed header of the Runtime API"
            );
        }
        value
    }
}
