//! Signatures of requests, and the clock that they are made with.

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use std::time::UNIX_EPOCH;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use http::header::DATE;
use http::{HeaderMap, Request};

use crate::clock::{Clock as _, SystemClock};

/// A difference of clocks from which a refused signature is signed again: the AWS SDK's threshold.
const SKEW_THRESHOLD: Duration = Duration::from_secs(4 * 60);

/// The codes of refusals that a wrong clock may cause, as the AWS SDK lists them.
const SKEW_CODES: [&str; 5] = [
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "RequestTimeTooSkewed",
    "AccessDeniedException",
];

/// A request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The builder lacks a part.
    #[error(transparent)]
    Parameters(#[from] v4::signing_params::BuildError),
}

/// Signs requests with the credentials of the process.
#[derive(Debug)]
pub(super) struct Signer {
    service: &'static str,
    region: String,
    identity: Identity,
    /// By how many seconds the service's clock is ahead of this machine's.
    skew: AtomicI64,
}

impl Signer {
    pub(super) const fn new(service: &'static str, region: String, identity: Identity) -> Self {
        Self { service, region, identity, skew: AtomicI64::new(0) }
    }

    /// Signs a request to `url` with `body`; covers the headers that it has by now. Returns the
    /// time of the signature, in seconds since 1970.
    pub(super) fn sign<B>(
        &self,
        url: &str,
        request: &mut Request<B>,
        body: &[u8],
    ) -> Result<i64, Unsigned> {
        let skew = self.skew.load(Ordering::Relaxed);
        let now = SystemClock.now().unix_seconds().saturating_add(skew);
        let seconds = u64::try_from(now).unwrap_or_default();
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(self.service)
            .time(UNIX_EPOCH + Duration::from_secs(seconds))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request.headers().iter();
        // All values are written by this crate, in ASCII.
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = SignableBody::Bytes(body);
        let signable = SignableRequest::new(request.method().as_str(), url, headers, body)?;
        let (signed, _) = sign(signable, &params)?.into_parts();
        // It panics where a credential is no header value: `credentials` returns no such ones.
        signed.apply_to_request_http1x(request);
        Ok(now)
    }

    /// Sets the clock if `code` may be due to a wrong one, and the reply's date shows that the
    /// request was signed at another time. Returns whether it did: another signature may be
    /// accepted.
    pub(super) fn learns(&self, code: &str, reply: &HeaderMap, signed_at: i64) -> bool {
        if !SKEW_CODES.contains(&code) {
            return false;
        }
        let date = reply.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let Some(date) = date else { return false };
        if date.secs().abs_diff(signed_at) < SKEW_THRESHOLD.as_secs() {
            return false;
        }
        let skew = date.secs().saturating_sub(SystemClock.now().unix_seconds());
        self.skew.store(skew, Ordering::Relaxed);
        true
    }
}
