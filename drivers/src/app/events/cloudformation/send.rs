//! Sending responses to CloudFormation.

use core::fmt;
use core::future::Future;
use core::mem;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::backoff::Backoff;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::app::BoxFuture;
use crate::causes::WithCauses;
use crate::clock::{Clock as _, SharedClock};
use crate::https::HttpsConnector;

/// Why a response did not reach CloudFormation. Never contains the URL, which is a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NotSent {
    #[error("the response to CloudFormation was not sent: its URL is malformed")]
    Url,
    #[error("the response to CloudFormation was not accepted: S3 returned status {0}")]
    Refused(u16),
    #[error("the response to CloudFormation was not sent: {0}")]
    Unreachable(String),
    #[error("the response to CloudFormation was not sent in time")]
    TimedOut,
    #[error("the response to CloudFormation was not sent: the runtime has shut down")]
    NoRuntime,
}

impl NotSent {
    /// Returns whether a retry may succeed.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut => true,
            Self::Refused(status) => *status >= 500 || *status == 429,
            Self::Url | Self::NoRuntime => false,
        }
    }
}

/// Sends a text to a URL with PUT, once.
pub(crate) type SendReply =
    Arc<dyn Fn(String, String) -> BoxFuture<Result<(), NotSent>> + Send + Sync>;

/// The most attempts to send a response.
const MAX_ATTEMPTS: u32 = 5;

/// The timeout of one attempt.
const ATTEMPT_TIME: Duration = Duration::from_secs(5);

/// The wait between attempts. Each response has a single sender, so no jitter is needed.
const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(100), cap: Duration::from_millis(1_600) };

/// How an application sends responses to CloudFormation.
pub(in crate::app) struct Replies {
    pub(super) goes_anywhere: bool,
    send: SendReply,
    /// Responses of cancelled invocations that are still being sent.
    given_up: Mutex<JoinSet<()>>,
}

impl Default for Replies {
    fn default() -> Self {
        Self {
            goes_anywhere: false,
            send: Arc::new(|url, body| Box::pin(put(url, body))),
            given_up: Mutex::default(),
        }
    }
}

impl Replies {
    /// Sends responses with `send`, to any host.
    #[cfg(feature = "testkit")]
    pub(in crate::app) fn by(send: SendReply) -> Self {
        Self { goes_anywhere: true, send, ..Self::default() }
    }

    /// Sends a response until it is accepted, or refused for good.
    pub(super) async fn send(
        &self,
        clock: &SharedClock,
        url: &str,
        answer: &str,
    ) -> Result<(), NotSent> {
        let mut attempt = 1;
        loop {
            let by = clock.now().saturating_add(ATTEMPT_TIME);
            let sent = clock.race(Some(by), (self.send)(url.to_owned(), answer.to_owned())).await;
            match sent.unwrap_or(Err(NotSent::TimedOut)) {
                Err(error) if error.may_pass() && attempt < MAX_ATTEMPTS => {
                    clock.sleep(BACKOFF.ceiling(attempt)).await;
                    attempt = attempt.saturating_add(1);
                }
                sent => return sent,
            }
        }
    }

    /// Continues to send the response of a cancelled invocation in the background.
    pub(super) fn give_up(
        &self,
        sending: impl Future<Output = ()> + Send + 'static,
        runtime: &Handle,
    ) {
        self.lock().spawn_on(sending, runtime);
    }

    pub(super) fn take_given_up(&self) -> JoinSet<()> {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies")
            .field("goes_anywhere", &self.goes_anywhere)
            .finish_non_exhaustive()
    }
}

/// Sends a response to S3. Each attempt opens a connection, because the process may be frozen
/// between two of them.
async fn put(url: String, body: String) -> Result<(), NotSent> {
    // The URL is signed for a request without a content type.
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("PUT").map_err(|_| NotSent::Url)?;
    request.set_uri(url).map_err(|_| NotSent::Url)?;
    match HttpsConnector::new().call(request).await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(NotSent::Refused(response.status().as_u16())),
        Err(error) => Err(NotSent::Unreachable(WithCauses(&error).to_string())),
    }
}
