//! Which root certificates connections trust.

use std::fs;

use http::Uri;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::env::{Env, filled};

/// The roots of [Amazon Trust Services](https://www.amazontrust.com/repository/), which sign the
/// certificates of AWS's endpoints: Amazon Root CA 1 to 4, and Starfield Services G2, which
/// cross-signs them.
pub(crate) const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// The variables that select the system's roots: the first two locate these roots, and the others
/// name a proxy, which may present its own certificate for AWS's endpoints.
const NAME_OTHERS: [&str; 8] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Which roots are trusted for servers.
#[derive(Debug)]
pub(crate) enum Trust {
    /// Amazon's roots for AWS's endpoints, the system's for all others.
    ByEndpoint,
    /// The system's roots.
    System,
    /// The roots in the PEM file that `AWS_CA_BUNDLE` names.
    Bundle(Vec<u8>),
    /// No roots, because that file cannot be used.
    Nobody(BundleError),
}

/// The root certificates that a connection is checked against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Roots<'t> {
    Amazon,
    System,
    Bundle(&'t [u8]),
}

/// The file that `AWS_CA_BUNDLE` names cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("AWS_CA_BUNDLE is `{path}`, {reason}: it has to be a file of root certificates in PEM")]
pub(crate) struct BundleError {
    path: String,
    reason: String,
}

impl Trust {
    /// Reads the environment, and the file that it names.
    pub(super) fn read(env: Env<'_>) -> Self {
        if let Some(path) = filled(env, "AWS_CA_BUNDLE") {
            return match bundle(&path) {
                Ok(pem) => Self::Bundle(pem),
                Err(reason) => {
                    let error = BundleError { path, reason };
                    #[cfg(feature = "tracing")]
                    tracing::error!("{error}");
                    Self::Nobody(error)
                }
            };
        }
        match NAME_OTHERS.iter().any(|name| filled(env, name).is_some()) {
            true => Self::System,
            false => Self::ByEndpoint,
        }
    }

    /// Returns the roots for the server of a URL. A URL without TLS needs no roots.
    pub(crate) fn roots_for(&self, url: &str) -> Result<Roots<'_>, BundleError> {
        match self {
            Self::ByEndpoint if is_plain(url) || is_aws(url) => Ok(Roots::Amazon),
            Self::ByEndpoint | Self::System => Ok(Roots::System),
            Self::Bundle(pem) => Ok(Roots::Bundle(pem)),
            Self::Nobody(error) => Err(error.clone()),
        }
    }
}

impl Roots<'_> {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Amazon => "Amazon's root certificates",
            Self::System => "the system's root certificates",
            Self::Bundle(_) => "the root certificates of AWS_CA_BUNDLE",
        }
    }
}

/// Reads a file and checks each certificate, because the connector panics on a malformed one.
fn bundle(path: &str) -> Result<Vec<u8>, String> {
    let pem = fs::read(path).map_err(|error| format!("which cannot be read ({error})"))?;
    let mut roots = RootCertStore::empty();
    for (n, certificate) in (1..).zip(CertificateDer::pem_slice_iter(&pem)) {
        let certificate = certificate.map_err(|error| error.to_string());
        let read = certificate.and_then(|read| roots.add(read).map_err(|error| error.to_string()));
        read.map_err(|error| format!("whose certificate {n} cannot be read ({error})"))?;
    }
    if roots.is_empty() { Err("which holds no certificate".to_owned()) } else { Ok(pem) }
}

fn is_plain(url: &str) -> bool {
    url.starts_with("http://")
}

/// Returns whether Amazon's roots sign the host's certificate: true for endpoints of AWS's
/// commercial regions and of GovCloud. China and the isolated regions have other names, and other
/// roots.
fn is_aws(url: &str) -> bool {
    host(url).is_some_and(|host| {
        [".amazonaws.com", ".api.aws"].iter().any(|domain| host.ends_with(domain))
    })
}

/// The host of a URL.
pub(super) fn host(url: &str) -> Option<String> {
    Some(url.parse::<Uri>().ok()?.host()?.to_owned())
}
