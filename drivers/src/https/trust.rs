//! Which root certificates connections trust, as the environment says.

use std::fs;

use aws_smithy_http_client::tls::TrustStore;
use http::Uri;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::env::{Env, filled};

/// The roots of [Amazon Trust Services](https://www.amazontrust.com/repository/), from which the
/// certificates of AWS's endpoints come: Amazon Root CA 1 to 4, and Starfield Services G2, by which
/// these are signed as well.
pub(super) const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// The variables for which the system's roots are used: the first two say where these are, and the others
/// name a proxy, which may present a certificate of its own for AWS's endpoints.
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

/// Which roots vouch for the certificates of servers.
#[derive(Debug)]
pub(super) enum Trust {
    /// Amazon's for AWS's own endpoints, and the system's for all others.
    ByEndpoint,
    /// The system's.
    System,
    /// Those of the file that `AWS_CA_BUNDLE` names, in PEM.
    Bundle(Vec<u8>),
    /// No roots: that file cannot be used.
    Nobody(BundleError),
}

/// The root certificates that a connection is checked against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Roots<'t> {
    Amazon,
    System,
    Bundle(&'t [u8]),
}

/// The file that `AWS_CA_BUNDLE` names cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("AWS_CA_BUNDLE is `{path}`, {reason}: it has to be a file of root certificates in PEM")]
pub(super) struct BundleError {
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

    /// The roots for a server, by the URL of a request to it. For a URL without TLS they do not matter.
    pub(super) fn roots_for(&self, url: &str) -> Result<Roots<'_>, BundleError> {
        match self {
            Self::ByEndpoint if is_plain(url) || is_aws(url) => Ok(Roots::Amazon),
            Self::ByEndpoint | Self::System => Ok(Roots::System),
            Self::Bundle(pem) => Ok(Roots::Bundle(pem)),
            Self::Nobody(error) => Err(error.clone()),
        }
    }
}

impl Roots<'_> {
    pub(super) fn store(self) -> TrustStore {
        match self {
            Self::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
            Self::System => TrustStore::default(),
            Self::Bundle(pem) => TrustStore::empty().with_pem_certificate(pem),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Amazon => "Amazon's root certificates",
            Self::System => "the system's root certificates",
            Self::Bundle(_) => "the root certificates of AWS_CA_BUNDLE",
        }
    }
}

/// Reads a file and checks each of its certificates: the connector would panic at a malformed one.
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

/// Whether Amazon's roots vouch for the host of a URL: an endpoint of AWS's commercial regions or of
/// GovCloud. Those of China and of isolated regions have other names, and other roots.
fn is_aws(url: &str) -> bool {
    host(url).is_some_and(|host| {
        [".amazonaws.com", ".api.aws"].iter().any(|domain| host.ends_with(domain))
    })
}

/// The host of a URL.
pub(super) fn host(url: &str) -> Option<String> {
    Some(url.parse::<Uri>().ok()?.host()?.to_owned())
}
