//! The client's address, as verified by the provider.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::{IpAddr, Ipv6Addr};

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// The client's address from the provider's request context, if there is one. Never taken from
/// headers such as `x-forwarded-for`, which clients can forge.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SourceProvenance(Option<(Provider, String)>);

/// The provider that verifies an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Provider {
    /// API Gateway, HTTP API (payload format 2.0).
    ApiGatewayV2,
    /// API Gateway, REST API (payload format 1.0).
    ApiGatewayV1,
    /// A Lambda function URL.
    FunctionUrl,
}

impl SourceProvenance {
    /// No verified address: requests from load balancers, or without a provider.
    pub const UNKNOWN: Self = Self(None);

    /// Creates the provenance of an address in a provider's request context; `UNKNOWN` if it is not
    /// a valid address.
    #[must_use]
    pub fn verified(provider: Provider, source_ip: &str) -> Self {
        Self(canonical_ip(source_ip.trim()).map(|ip| (provider, ip)))
    }

    /// Returns the address in canonical form, or an empty text.
    #[must_use]
    pub fn source_ip(&self) -> &str {
        self.0.as_ref().map_or("", |(_, ip)| ip)
    }

    /// Returns `apigw-v2`, `apigw-v1`, `lambda-url`, or `unknown`.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.0.as_ref().map_or(UNKNOWN, |(provider, _)| provider.name())
    }

    /// Returns `provider_request_context`, or `unknown`.
    #[must_use]
    pub fn source(&self) -> &'static str {
        if self.is_valid() { "provider_request_context" } else { UNKNOWN }
    }

    /// Returns whether a provider verifies the address.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.0.is_some()
    }
}

impl Provider {
    const fn name(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "apigw-v2",
            Self::ApiGatewayV1 => "apigw-v1",
            Self::FunctionUrl => "lambda-url",
        }
    }
}

/// Serializes as `{"source_ip", "provider", "source", "valid"}`.
impl Serialize for SourceProvenance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SourceProvenance", 4)?;
        object.serialize_field("source_ip", self.source_ip())?;
        object.serialize_field("provider", self.provider())?;
        object.serialize_field("source", self.source())?;
        object.serialize_field("valid", &self.is_valid())?;
        object.end()
    }
}

/// Returns an address in the form of RFC 5952, including its zone.
pub(super) fn canonical_ip(text: &str) -> Option<String> {
    match text.split_once('%') {
        None => text.parse().ok().map(|ip| match ip {
            // An IPv4 address has only one text form.
            IpAddr::V4(_) => text.to_string(),
            IpAddr::V6(ip) => ip.to_string(),
        }),
        Some((_, zone)) if zone.is_empty() || zone.contains(is_unprintable) => None,
        Some((ip, zone)) => ip.parse().ok().map(|ip: Ipv6Addr| format!("{ip}%{zone}")),
    }
}

fn is_unprintable(c: char) -> bool {
    c.is_control() || c.is_whitespace()
}

const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::{Provider, SourceProvenance, canonical_ip};

    #[test]
    fn addresses_have_one_form() {
        for (text, expected) in [
            ("198.51.100.7", Some("198.51.100.7")),
            ("2001:DB8:0:0::1", Some("2001:db8::1")),
            ("::FFFF:1.2.3.4", Some("::ffff:1.2.3.4")),
            ("::1.2.3.4", Some("::102:304")),
            ("FE80::1%eth0", Some("fe80::1%eth0")),
            ("01.2.3.4", None),
            ("1.2.3.4%eth0", None),
            ("fe80::1%", None),
            ("fe80::1%a\nb", None),
            ("[::1]", None),
            ("localhost", None),
            ("", None),
        ] {
            assert_eq!(canonical_ip(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_a_parsable_address_is_verified() {
        let known = SourceProvenance::verified(Provider::FunctionUrl, " 198.51.100.7 ");
        assert_eq!(
            serde_json::to_string(&known).unwrap(),
            r#"{"source_ip":"198.51.100.7","provider":"lambda-url","source":"provider_request_context","valid":true}"#
        );
        let unknown = SourceProvenance::verified(Provider::ApiGatewayV1, "not-an-ip");
        assert_eq!(unknown, SourceProvenance::UNKNOWN);
        assert_eq!((unknown.provider(), unknown.source()), ("unknown", "unknown"));
    }
}
