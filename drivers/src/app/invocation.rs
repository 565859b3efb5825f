//! The Lambda invocation that an event belongs to.

use core::fmt;
use core::net::SocketAddr;
use std::sync::Arc;

use apptheory_core::http::platform::CognitoIdentity;
use apptheory_core::time::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

/// The Lambda invocation that an event belongs to. Unknown values are empty or `None`.
///
/// ```
/// use apptheory::app::{App, Invocation};
///
/// async fn version(invocation: Invocation) -> String {
///     invocation.function.as_ref().map(|function| function.version.clone()).unwrap_or_default()
/// }
///
/// let app = App::new().get("/version", version).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Invocation {
    /// The id of the invocation, or an empty text.
    pub request_id: String,
    /// When Lambda ends the invocation. Its work is cancelled a [reserve](super::App::reserve)
    /// before that. Without a deadline, work is never cancelled.
    pub deadline: Option<Timestamp>,
    /// The invocation's X-Ray trace, in the format of the `x-amzn-trace-id` header, or an empty
    /// text. AWS calls [send it](crate::trace). Requests that bring a trace of their own keep
    /// theirs.
    pub trace: String,
    /// The tenant that Lambda runs the invocation for, if the function isolates tenants. It has
    /// priority over every tenant that a client names.
    pub tenant_id: Option<String>,
    /// The ARN that was invoked, with its version or alias, or an empty text. See also
    /// [`qualifier`](Self::qualifier).
    pub invoked_function_arn: String,
    /// The function that runs; `None` outside of Lambda.
    pub function: Option<Arc<Function>>,
    /// The client context that the caller of a direct invocation sent, unchecked.
    pub client_context: Option<ClientContext>,
    /// The Cognito identity whose credentials made a direct invocation.
    pub cognito_identity: Option<CognitoIdentity>,
    /// Whether this is the first invocation of its process.
    pub is_cold_start: bool,
    /// The peer address of the connection that the request came over; `None` for an event.
    pub peer: Option<SocketAddr>,
}

/// A Lambda function, as described by the environment of its process (*AWS Lambda Developer Guide*,
/// "Defined runtime environment variables"). Missing values are empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The version that runs: a number, or `$LATEST`. For an alias, the version that the alias
    /// points to.
    pub version: String,
    /// The memory in MB: 128 to 10,240.
    pub memory_mb: Option<u32>,
    /// The name of its log group in CloudWatch.
    pub log_group: String,
    /// The log stream in that group that the process writes to.
    pub log_stream: String,
}

impl Invocation {
    /// Returns the alias or version that was invoked, as the caller spelled it; `None` if the
    /// caller named the function alone.
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

/// The client context of a direct invocation (`ClientContext` of Lambda's `Invoke`). The caller may
/// send anything, so `Debug` does not print it.
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ClientContext {
    /// Custom values of the calling application.
    #[serde(deserialize_with = "members")]
    pub custom: Map<String, Json>,
    /// The environment of the caller, as mobile SDKs describe it.
    #[serde(deserialize_with = "members")]
    pub env: Map<String, Json>,
    /// The application of the caller, as mobile SDKs describe it.
    #[serde(deserialize_with = "members")]
    pub client: Map<String, Json>,
}

/// Reads an object; `null` is an empty one.
fn members<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Json>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl fmt::Debug for ClientContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientContext").finish_non_exhaustive()
    }
}
