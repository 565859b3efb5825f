//! Where requests go and who sends them, as the environment says.

use apptheory_core::store::Misconfiguration;
use aws_smithy_runtime_api::client::identity::Identity;

use crate::env::filled;
use crate::lean::{Endpoint, MissingCredential, credentials};

/// The settings of a store. The environment of a function never changes, and neither do they.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) endpoint: Endpoint,
    pub(super) region: String,
    pub(super) identity: Identity,
}

/// Why a store cannot call DynamoDB.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum SettingsError {
    /// There is no region.
    #[error("there is no region: set AWS_REGION")]
    NoRegion,
    /// There are no credentials.
    #[error(
        "{0}; profiles, SSO and other sources of credentials need the feature `aws` and `Store::aws`"
    )]
    NoCredentials(MissingCredential),
    /// A variable does not name a server.
    #[error("{variable} is not a URL such as https://dynamodb.eu-central-1.amazonaws.com")]
    NotAnEndpoint { variable: &'static str },
    /// A variable asks for an endpoint that is not derived here.
    #[error(
        "{0} is set, but only the ordinary endpoint of a region is known here: name the endpoint \
         in AWS_ENDPOINT_URL_DYNAMODB"
    )]
    OtherEndpoint(&'static str),
}

impl SettingsError {
    /// Returns what every effect fails with.
    pub(super) const fn misconfiguration(&self) -> Misconfiguration {
        match self {
            Self::NoCredentials(_) => Misconfiguration::MissingCredentials,
            // Without a server there is no table either.
            Self::NoRegion | Self::NotAnEndpoint { .. } | Self::OtherEndpoint(_) => {
                Misconfiguration::MissingTable
            }
        }
    }
}

impl Settings {
    /// Reads `AWS_REGION` (or `AWS_DEFAULT_REGION`), `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and `AWS_ENDPOINT_URL_DYNAMODB` (or
    /// `AWS_ENDPOINT_URL`).
    pub(super) fn read(env: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let variable = |name: &str| filled(&env, name);
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.ok_or(SettingsError::NoRegion)?;
        let identity = credentials(&env).map_err(SettingsError::NoCredentials)?;
        let endpoint = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"]
            .into_iter()
            .find_map(|name| Some((name, variable(name)?)));
        let endpoint = match endpoint {
            Some((variable, url)) => {
                Endpoint::parse(&url).ok_or(SettingsError::NotAnEndpoint { variable })?
            }
            None => {
                let wanted = |name: &&str| variable(name).is_some_and(|value| value == "true");
                let others = ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"];
                if let Some(other) = others.into_iter().find(wanted) {
                    return Err(SettingsError::OtherEndpoint(other));
                }
                endpoint_of(&region).ok_or(SettingsError::NoRegion)?
            }
        };
        Ok(Self { endpoint, region, identity })
    }
}

/// Returns the endpoint of a region, in the partitions of AWS that are open to everyone.
fn endpoint_of(region: &str) -> Option<Endpoint> {
    let domain = match region {
        _ if region.starts_with("cn-") => "amazonaws.com.cn",
        _ if region.starts_with("eusc-") => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    Endpoint::parse(&format!("https://dynamodb.{region}.{domain}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALWAYS: [(&str, &str); 3] = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "hidden"),
    ];

    /// Reads the settings from an environment with one more variable.
    fn read(name: &str, value: &str) -> Result<Settings, SettingsError> {
        Settings::read(|asked| {
            let known = [(name, value)].into_iter().chain(ALWAYS).find(|known| known.0 == asked);
            known.map(|known| known.1.to_owned())
        })
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, kind) in [
            ("AWS_REGION", Misconfiguration::MissingTable),
            ("AWS_SECRET_ACCESS_KEY", Misconfiguration::MissingCredentials),
            ("AWS_ACCESS_KEY_ID", Misconfiguration::MissingCredentials),
        ] {
            let error = read(name, " ").unwrap_err();
            assert_eq!(error.misconfiguration(), kind);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn the_endpoint_is_that_of_the_region_or_the_one_that_is_named() {
        for (name, value, url) in [
            ("", "", "https://dynamodb.eu-central-1.amazonaws.com/"),
            ("AWS_REGION", "us-gov-west-1", "https://dynamodb.us-gov-west-1.amazonaws.com/"),
            ("AWS_REGION", "cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn/"),
            ("AWS_REGION", "eusc-de-east-1", "https://dynamodb.eusc-de-east-1.amazonaws.eu/"),
            ("AWS_USE_FIPS_ENDPOINT", "false", "https://dynamodb.eu-central-1.amazonaws.com/"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "https://[::1]:4566/db", "https://[::1]:4566/db"),
        ] {
            assert_eq!(read(name, value).unwrap().endpoint.url(), url);
        }
    }

    #[test]
    fn other_endpoints_are_errors() {
        for name in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
            assert_eq!(read(name, "true").unwrap_err(), SettingsError::OtherEndpoint(name));
        }
        for value in ["localhost:8000", "ftp://db", "/db", "http://"] {
            let variable = "AWS_ENDPOINT_URL_DYNAMODB";
            let error = read(variable, value).unwrap_err();
            assert_eq!(error, SettingsError::NotAnEndpoint { variable }, "{value}");
        }
        assert_eq!(read("AWS_REGION", "no region").unwrap_err(), SettingsError::NoRegion);
    }
}
