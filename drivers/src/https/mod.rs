//! HTTPS requests to AWS, and which certificates they trust.
//!
//! The host of a request decides which root certificates its connection is checked against. Loading
//! the system's roots takes longer than everything else that a function does before its first
//! event, so they are loaded only for hosts whose certificates do not come from Amazon's own roots.

#[cfg(feature = "_https")]
mod connector;
mod trust;

#[cfg(test)]
#[cfg(feature = "_https")]
mod tests;

use core::error::Error;
use std::io;
use std::sync::{Arc, LazyLock};

use rustls::CertificateError;

use crate::env::process_env;
#[cfg(feature = "_https")]
pub(crate) use connector::HttpsConnector;
use trust::Trust;
#[cfg(feature = "aws-lean")]
pub(crate) use trust::{AMAZON_ROOTS, BundleError, Roots};

/// The trust settings of the process: the environment and the file that it names are read once.
pub(crate) static TRUST: LazyLock<Arc<Trust>> =
    LazyLock::new(|| Arc::new(Trust::read(&process_env)));

/// The server's certificate does not come from a trusted root.
#[derive(Debug, thiserror::Error)]
#[error(
    "the certificate of {host} does not come from {roots}: to trust its root, name a file with it in \
     AWS_CA_BUNDLE"
)]
pub(crate) struct Untrusted<E: Error + 'static> {
    pub(crate) host: String,
    pub(crate) roots: &'static str,
    pub(crate) source: E,
}

/// Returns whether a connection failed because no trusted root signed the server's certificate.
pub(crate) fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    let is_unknown = |error: &(dyn Error + 'static)| {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        error.downcast_ref() == Some(&unknown)
    };
    core::iter::successors(Some(error), |&error| inner(error)).any(is_unknown)
}

/// Returns the cause of an error. `source` of an I/O error skips the error that it wraps.
fn inner<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    }
}
