//! Which region requests are signed for.

use alloc::string::{String, ToString};

use super::endpoint::RequestBase;
use super::error::{Error, ErrorKind};

/// Where a region can come from. Blank texts count as none.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegionSources<'a> {
    /// What the application says.
    pub explicit: Option<&'a str>,
    /// The environment variable `AWS_REGION`.
    pub aws_region: Option<&'a str>,
    /// The environment variable `AWS_DEFAULT_REGION`.
    pub aws_default_region: Option<&'a str>,
    /// The profile in the shared configuration file.
    pub profile: Option<&'a str>,
    /// The endpoint, whose host may name a region.
    pub endpoint: Option<&'a RequestBase>,
    /// Whether the endpoint comes before the environment and the profile, and not after them. Turn
    /// it on to send to APIs of other regions than the function's own.
    pub prefer_endpoint: bool,
}

/// A region, and who said it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResolvedRegion {
    /// The region's name.
    pub name: String,
    /// Who said it.
    pub source: RegionSource,
    /// The region that the endpoint's host names, whether or not it was taken.
    pub endpoint_region: Option<String>,
}

/// Who said which region it is.
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
    /// The source's name: `explicit`, `env`, `profile` or `endpoint`.
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
    /// The first region that is said: explicitly, by `AWS_REGION`,
    /// by `AWS_DEFAULT_REGION`, by the profile, by the endpoint's host.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingRegion`] when nobody says one; [`ErrorKind::InvalidRegion`] when the
    /// first one said is no region's name.
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
    /// Whether the endpoint's host names another region: AWS then answers 403 to what is signed for
    /// this one. Worth a warning.
    #[must_use]
    pub fn contradicts_endpoint(&self) -> bool {
        self.endpoint_region.as_ref().is_some_and(|region| *region != self.name)
    }
}

/// Whether a text can stand in a signature's scope and in a host: `[a-z0-9-]{1,63}`.
fn is_region_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::{ErrorKind, RegionSource, RegionSources, RequestBase};

    #[test]
    fn the_first_that_is_said_counts() {
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
    fn a_contradiction_is_told() {
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
