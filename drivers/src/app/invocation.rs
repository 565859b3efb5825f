//! The invocation that an event came with.

use core::fmt;
use core::net::SocketAddr;
use std::sync::Arc;

use apptheory_core::http::platform::CognitoIdentity;
use apptheory_core::time::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

/// The invocation that an event came with. What is unknown is empty or `None`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Invocation {
    /// The id that Lambda gave the invocation, or an empty text.
    pub request_id: String,
    /// When Lambda ends the invocation. Its work is cut short a
    /// [reserve](super::App::reserve) before that. Without a deadline, nothing is.
    pub deadline: Option<Timestamp>,
    /// The trace that Lambda gave the invocation, as an `x-amzn-trace-id` field spells it; or an
    /// empty text. AWS calls [send](crate::trace) it. Requests that come with a trace of their own
    /// keep theirs.
    pub trace: String,
    /// The tenant that Lambda runs the invocation for, where the function isolates its tenants. It
    /// outranks every tenant that a client names.
    pub tenant_id: Option<String>,
    /// The ARN that was invoked, with its version or alias; or an empty text.
    /// [`qualifier`](Self::qualifier) is the latter.
    pub invoked_function_arn: String,
    /// The function that runs. `None` outside of Lambda.
    pub function: Option<Arc<Function>>,
    /// What the caller of a direct invocation sent beside the event, unchecked.
    pub client_context: Option<ClientContext>,
    /// The identity of a Cognito identity pool whose credentials made a direct invocation.
    pub cognito_identity: Option<CognitoIdentity>,
    /// Whether it is the first invocation of its process.
    pub is_cold_start: bool,
    /// The other end of the connection that the request came over. `None` for an event.
    pub peer: Option<SocketAddr>,
}

/// A function, as Lambda describes it in the environment of its process (*AWS Lambda Developer Guide*,
/// "Defined runtime environment variables"). A text that is not there is empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The version that runs: a number, or `$LATEST`. An alias runs the version that it stands for.
    pub version: String,
    /// Its memory, in MB: 128 to 10,240.
    pub memory_mb: Option<u32>,
    /// The group of its logs in CloudWatch.
    pub log_group: String,
    /// The stream in that group that the process writes to.
    pub log_stream: String,
}

impl Invocation {
    /// Returns the alias or version that was invoked, as its caller spelled it; `None` where the caller
    /// named the function alone.
    ///
    /// ```
    /// use apptheory::app::Invocation;
    ///
    /// let arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live";
    /// let invocation = Invocation { invoked_function_arn: arn.into(), ..Invocation::default() };
    /// assert_eq!(invocation.qualifier(), Some("live"));
    /// ```
    #[must_use]
    pub fn qualifier(&self) -> Option<&str> {
        // arn:partition:lambda:region:account:function:name:qualifier
        self.invoked_function_arn.split(':').nth(7).filter(|qualifier| !qualifier.is_empty())
    }
}

/// What the caller of a direct invocation sent beside the event (`ClientContext` of Lambda's
/// `Invoke`). It is the caller's word, and is not printed.
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ClientContext {
    /// What the application of the caller chose to send.
    #[serde(deserialize_with = "members")]
    pub custom: Map<String, Json>,
    /// The environment of the caller, as mobile SDKs describe it.
    #[serde(deserialize_with = "members")]
    pub env: Map<String, Json>,
    /// The application of the caller, as mobile SDKs describe it.
    #[serde(deserialize_with = "members")]
    pub client: Map<String, Json>,
}

/// An object, or null for an empty one.
fn members<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Json>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl fmt::Debug for ClientContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientContext").finish_non_exhaustive()
    }
}
