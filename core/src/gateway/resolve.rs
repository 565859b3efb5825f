//! Determines the region that requests are signed for.

use alloc::string::{String, ToString};

use super::endpoint::RequestBase;
use super::error::{Error, ErrorKind};

/// The possible sources of a region. Blank texts count as missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegionSources<'a> {
    /// The application's setting.
    pub explicit: Option<&'a str>,
    /// The environment variable `AWS_REGION`.
    pub aws_region: Option<&'a str>,
    /// The environment variable `AWS_DEFAULT_REGION`.
    pub aws_default_region: Option<&'a str>,
    /// The region of the profile in the shared configuration file.
    pub profile: Option<&'a str>,
    /// The endpoint, whose host may contain a region.
    pub endpoint: Option<&'a RequestBase>,
    /// Whether the endpoint takes precedence over the environment and the profile. Set it to send
    /// to APIs in other regions than the function's own.
    pub prefer_endpoint: bool,
}

/// A region and its source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResolvedRegion {
    /// The region's name.
    pub name: String,
    /// The region's source.
    pub source: RegionSource,
    /// The region in the endpoint's host, whether or not it was used.
    pub endpoint_region: Option<String>,
}

/// The source of a region.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegionSource {
    /// The application.
    Explicit,
    /// The environment.
    Env,
    /// The profile.
    Profile,
    /// The endpoint's host.
    Endpoint,
}

impl RegionSource {
    /// Returns the source's name: `explicit`, `env`, `profile` or `endpoint`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::Env => "env",
            Self::Profile => "profile",
            Self::Endpoint => "endpoint",
        }
    }
}

impl RegionSources<'_> {
    /// Returns the first region that is set: explicitly, by `AWS_REGION`, by `AWS_DEFAULT_REGION`,
    /// by the profile, by the endpoint's host.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingRegion`] if no source has a region; [`ErrorKind::InvalidRegion`] if the
    /// first region that is set is not a valid name.
    pub fn resolve(&self) -> Result<ResolvedRegion, Error> {
        let endpoint_region = self.endpoint.and_then(RequestBase::region);
        let from_endpoint = (endpoint_region.as_deref(), RegionSource::Endpoint);
        let preferred = if self.prefer_endpoint { from_endpoint.0 } else { None };
        let candidates = [
            (self.explicit, RegionSource::Explicit),
            (preferred, RegionSource::Endpoint),
            (self.aws_region, RegionSource::Env),
            (self.aws_default_region, RegionSource::Env),
            (self.profile, RegionSource::Profile),
            from_endpoint,
        ];
        let said = candidates.into_iter().find_map(|(name, source)| {
            let name = name.map(str::trim).filter(|name| !name.is_empty())?;
            Some((name.to_string(), source))
        });
        let (name, source) = said.ok_or(ErrorKind::MissingRegion)?;
        if !is_region_name(&name) {
            return Err(ErrorKind::InvalidRegion.into());
        }
        Ok(ResolvedRegion { name, source, endpoint_region })
    }
}

impl ResolvedRegion {
    /// Returns whether the endpoint's host contains another region. AWS then responds with 403, so
    /// this is worth a warning.
    #[must_use]
    pub fn contradicts_endpoint(&self) -> bool {
        self.endpoint_region.as_ref().is_some_and(|region| *region != self.name)
    }
}

/// Returns whether a text is a valid region name for signatures and hosts: `[a-z0-9-]{1,63}`.
fn is_region_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::{ErrorKind, RegionSource, RegionSources, RequestBase};

    #[test]
    fn the_first_source_that_is_set_decides_the_region() {
        let endpoint = RequestBase::parse("a.execute-api.eu-west-1.amazonaws.com/dev").unwrap();
        let resolve = |sources: RegionSources<'_>| {
            let sources = RegionSources { endpoint: Some(&endpoint), ..sources };
            sources.resolve().map(|region| (region.name, region.source))
        };
        let none = RegionSources::default();
        let found = |name: &str, source| Ok((String::from(name), source));
        assert_eq!(resolve(none), found("eu-west-1", RegionSource::Endpoint));
        let profile = RegionSources { profile: Some("eu-north-1"), ..none };
        assert_eq!(resolve(profile), found("eu-north-1", RegionSource::Profile));
        let env = RegionSources { aws_region: Some(" "), aws_default_region: Some("a"), ..profile };
        assert_eq!(resolve(env), found("a", RegionSource::Env));
        let preferring = RegionSources { prefer_endpoint: true, ..env };
        assert_eq!(resolve(preferring), found("eu-west-1", RegionSource::Endpoint));
        let explicit = RegionSources { explicit: Some(" b "), ..preferring };
        assert_eq!(resolve(explicit), found("b", RegionSource::Explicit));
        let long = "a".repeat(64);
        for name in ["US EAST 1", "us_east_1", &long] {
            let invalid = RegionSources { explicit: Some(name), ..explicit };
            assert_eq!(resolve(invalid), Err(ErrorKind::InvalidRegion.into()));
        }
        assert_eq!(none.resolve(), Err(ErrorKind::MissingRegion.into()));
    }

    #[test]
    fn a_region_that_contradicts_the_endpoint_is_reported() {
        let endpoint = RequestBase::parse("a.execute-api.eu-west-1.amazonaws.com/dev").unwrap();
        let of = |name| {
            let sources = RegionSources {
                aws_region: Some(name),
                endpoint: Some(&endpoint),
                ..RegionSources::default()
            };
            sources.resolve().map(|region| region.contradicts_endpoint())
        };
        assert_eq!((of("us-east-1"), of("eu-west-1")), (Ok(true), Ok(false)));
    }
}
