//! CloudWatch's embedded metric format: metrics as log lines.
//!
//! [`Emf`] writes the line of a request, and a [`Directive`] those of any measurements. This module
//! also checks names and values for which CloudWatch would drop a metric.
//!
//! CloudWatch bills every combination of dimension values as a metric. Therefore only values that
//! the application's configuration bounds are dimensions: the route's pattern instead of the path,
//! known methods and `_OTHER`, the status, and the error's code. The tenant is only a dimension if
//! it is authenticated and listed in [`with_tenants`](Emf::with_tenants).
//!
//! ```
//! use apptheory_core::observe::MetricRecord;
//! use apptheory_core::observe::emf::Emf;
//! use apptheory_core::time::Timestamp;
//!
//! let metric = MetricRecord {
//!     name: "apptheory.request",
//!     value: 1,
//!     duration_ms: Some(25),
//!     tags: vec![("status", "503".into()), ("method", "GET".into()), ("path", "/7".into())],
//!     dimensions: vec![("method", "GET".into()), ("path", "/orders/{id}".into())],
//! };
//! let line = Emf::default().line(&metric, Timestamp::UNIX_EPOCH).expect("a request's metric");
//! assert!(line.contains(r#""Dimensions":[["service","method","path"]]"#));
//! assert!(line.ends_with(
//!     r#""path":"/orders/{id}","RequestCount":1,"RequestDuration":25,"RequestErrors":1}"#
//! ));
//! ```

mod dimension;
mod directive;
mod error;
mod metric;
mod unit;

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use self::dimension::{Breakdown, Dimension};
use self::directive::{Definition, write_metadata};
pub use self::directive::{Directive, MetricValues};
pub use self::error::Error;
use self::metric::METADATA;
pub use self::metric::{Measurement, Metric};
pub use self::unit::Unit;
use super::MetricRecord;
use crate::json::ObjectWriter;
use crate::sanitize::log_text;
use crate::time::Timestamp;

/// The name of the request metric.
pub const REQUEST_METRIC: &str = "apptheory.request";

/// Stands for all values that are not in the configuration: methods without a route, and tenants
/// that are not listed.
pub const OTHER: &str = "_OTHER";

/// Configures the namespace, service and dimensions of request metrics.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Emf {
    namespace: String,
    service: String,
    source: Source,
}

/// The source of a record's dimensions.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Source {
    /// The record's dimensions; tenants only if they are listed.
    Dimensions { tenants: BTreeSet<String> },
    /// The record's tags, whose values clients choose.
    Tags,
}

impl Default for Emf {
    /// Returns the namespace `AppTheory` and the service `apptheory`.
    fn default() -> Self {
        Self::new("", "")
    }
}

impl Emf {
    /// Creates the configuration for a service in a namespace. A blank name becomes that of
    /// [`Emf::default`].
    #[must_use]
    pub fn new(namespace: &str, service: &str) -> Self {
        let or = |name: &str, default: &str| match name.trim() {
            "" => default.to_string(),
            name => name.to_string(),
        };
        let source = Source::Dimensions { tenants: BTreeSet::new() };
        let (namespace, service) = (or(namespace, "AppTheory"), or(service, "apptheory"));
        Self { namespace, service, source }
    }

    /// Adds authenticated tenants as a dimension: these tenants, and [`OTHER`] for all others. Each
    /// tenant multiplies the number of billed metrics. Replaces tenants that were set before.
    #[must_use]
    pub fn with_tenants(self, tenants: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tenants = tenants.into_iter().map(Into::into).collect();
        Self { source: Source::Dimensions { tenants }, ..self }
    }

    /// Uses every tag of a request's metric as a dimension: see [`contract`](crate::contract).
    pub(crate) fn by_tags() -> Self {
        Self { source: Source::Tags, ..Self::default() }
    }

    /// Returns the line of a request's metric, without a line end. `None` for other metrics.
    #[must_use]
    pub fn line(&self, metric: &MetricRecord<'_>, at: Timestamp) -> Option<String> {
        if metric.name.trim() != REQUEST_METRIC {
            return None;
        }
        let tag = |name| metric.tag(name).trim();
        let failed = tag("status").parse().is_ok_and(|status: u16| status >= 400);
        let errors = u8::from(failed || !tag("error_code").is_empty());
        let dimensions = self.dimensions(metric);

        let mut line = String::new();
        let mut object = ObjectWriter::begin(&mut line);
        let names = ["service"].into_iter().chain(dimensions.iter().map(|(name, _)| *name));
        write_metadata(&self.namespace, at, [names], METRICS, object.member(METADATA));
        object.text("service", &log_text(&self.service));
        for (name, value) in dimensions {
            object.text(name, value);
        }
        object.member(COUNT).push_str(&metric.value.to_string());
        object.member(DURATION).push_str(&metric.duration_ms.unwrap_or_default().to_string());
        object.member(ERRORS).push_str(&errors.to_string());
        object.end();
        Some(line)
    }

    /// Returns the dimensions of a metric. CloudWatch does not accept empty values.
    fn dimensions<'m>(&self, metric: &'m MetricRecord<'_>) -> Vec<(&'static str, &'m str)> {
        let tenants = match &self.source {
            Source::Tags => return TAGS.map(|name| (name, metric.tag(name).trim())).to_vec(),
            Source::Dimensions { tenants } => tenants,
        };
        let known = metric.dimensions.iter().map(|(name, value)| (*name, value.trim()));
        let filled = known.filter(|(_, value)| !value.is_empty());
        let bounded = filled.filter_map(|(name, value)| match name {
            TENANT if tenants.is_empty() => None,
            TENANT if !tenants.contains(value) => Some((name, OTHER)),
            _ => Some((name, value)),
        });
        bounded.collect()
    }
}

const TENANT: &str = "tenant_id";
const TAGS: [&str; 5] = ["method", "path", "status", TENANT, "error_code"];
const COUNT: &str = "RequestCount";
const DURATION: &str = "RequestDuration";
const ERRORS: &str = "RequestErrors";
const METRICS: [Definition<'static>; 3] = [
    Definition { name: COUNT, unit: Unit::Count, is_high_resolution: false },
    Definition { name: DURATION, unit: Unit::Milliseconds, is_high_resolution: false },
    Definition { name: ERRORS, unit: Unit::Count, is_high_resolution: false },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_members_in_order() {
        let tags = alloc::vec![
            ("method", "GET".into()),
            ("path", " /a ".into()),
            ("status", "200".into()),
            ("error_code", "".into()),
            ("tenant_id", "t".into()),
        ];
        let metric = MetricRecord {
            name: REQUEST_METRIC,
            value: 1,
            duration_ms: Some(25),
            tags,
            dimensions: Vec::new(),
        };
        let at = Timestamp::from_unix_nanos(25_999_999).unwrap();
        let emf = Emf { namespace: "ns".into(), ..Emf::by_tags() };
        let line = emf.line(&metric, at).unwrap();
        let expected = concat!(
            r#"{"_aws":{"Timestamp":25,"CloudWatchMetrics":[{"Namespace":"ns","Dimensions":"#,
            r#"[["service","method","path","status","tenant_id","error_code"]],"Metrics":"#,
            r#"[{"Name":"RequestCount","Unit":"Count"},"#,
            r#"{"Name":"RequestDuration","Unit":"Milliseconds"},"#,
            r#"{"Name":"RequestErrors","Unit":"Count"}]}]},"service":"apptheory","method":"GET","#,
            r#""path":"/a","status":"200","tenant_id":"t","error_code":"","#,
            r#""RequestCount":1,"RequestDuration":25,"RequestErrors":0}"#,
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn only_what_configuration_bounds_is_a_dimension() {
        let metric = |tenant: Option<&'static str>| MetricRecord {
            name: REQUEST_METRIC,
            value: 1,
            duration_ms: None,
            tags: alloc::vec![("path", "/a/7".into()), ("tenant_id", "spoofed".into())],
            dimensions: [
                Some(("path", "/a/{id}")),
                Some(("error_code", " ")),
                tenant.map(|t| ("tenant_id", t)),
            ]
            .into_iter()
            .flatten()
            .map(|(name, value)| (name, value.into()))
            .collect(),
        };
        let line = |emf: &Emf, tenant| emf.line(&metric(tenant), Timestamp::UNIX_EPOCH).unwrap();
        let plain = Emf::new(" ns ", " ");
        for tenant in [None, Some("t1")] {
            let line = line(&plain, tenant);
            assert!(
                line.contains(r#""Namespace":"ns","Dimensions":[["service","path"]]"#),
                "{line}"
            );
            assert!(line.contains(r#""service":"apptheory","path":"/a/{id}","RequestCount""#));
            assert!(!line.contains("spoofed") && !line.contains("t1") && !line.contains("/a/7"));
        }
        let tenants = plain.with_tenants(["t1", "t2"]);
        for (tenant, shown) in [("t1", "t1"), ("t3", "_OTHER")] {
            let line = line(&tenants, Some(tenant));
            assert!(line.contains(r#"[["service","path","tenant_id"]]"#), "{line}");
            assert!(line.contains(&alloc::format!(r#""tenant_id":"{shown}""#)), "{line}");
        }
        assert!(!line(&tenants, None).contains("tenant"));
    }

    #[test]
    fn other_metrics_have_no_line_and_an_error_code_is_an_error() {
        let metric = |name, code: &'static str| MetricRecord {
            name,
            value: 1,
            duration_ms: None,
            tags: alloc::vec![("error_code", code.into())],
            dimensions: Vec::new(),
        };
        let line = |metric| Emf::default().line(&metric, Timestamp::UNIX_EPOCH);
        assert_eq!(line(metric("apptheory.event", "")), None);
        let errors = |code| line(metric(REQUEST_METRIC, code)).unwrap().pop().is_some();
        assert!(errors("x"));
        assert!(line(metric(REQUEST_METRIC, "x")).unwrap().contains(r#""RequestErrors":1"#));
        assert!(line(metric(REQUEST_METRIC, " ")).unwrap().contains(r#""RequestErrors":0"#));
    }
}
