//! Metrics as log lines: CloudWatch's embedded metric format.
//!
//! This module decides the bytes of the line that CloudWatch turns into three metrics per request.
//! It refuses to know where the line is written to.
//!
//! ```
//! use apptheory_core::observe::MetricRecord;
//! use apptheory_core::observe::emf::Emf;
//! use apptheory_core::time::Timestamp;
//!
//! let tags = vec![("status", "503".into()), ("method", "GET".into())];
//! let metric = MetricRecord { name: "apptheory.request", value: 1, duration_ms: Some(25), tags };
//! let line = Emf::default().line(&metric, Timestamp::UNIX_EPOCH).expect("a request's metric");
//! assert!(line.ends_with(r#""RequestCount":1,"RequestDuration":25,"RequestErrors":1}"#));
//! ```

use alloc::string::{String, ToString};

use super::MetricRecord;
use crate::json::{ObjectWriter, write_array, write_string};
use crate::time::Timestamp;

/// The metric of requests (`http-runtime.md` §12).
pub const REQUEST_METRIC: &str = "apptheory.request";

/// Under which names the metrics go to CloudWatch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Emf {
    namespace: String,
    service: String,
}

impl Default for Emf {
    /// The namespace `AppTheory` and the service `apptheory`.
    fn default() -> Self {
        Self::new("", "")
    }
}

impl Emf {
    /// Metrics of a service in a namespace. A blank name is that of [`Emf::default`].
    #[must_use]
    pub fn new(namespace: &str, service: &str) -> Self {
        let or = |name: &str, default: &str| match name.trim() {
            "" => default.to_string(),
            name => name.to_string(),
        };
        Self { namespace: or(namespace, "AppTheory"), service: or(service, "apptheory") }
    }

    /// The line of a request's metric, without a line end. `None` for other metrics.
    #[must_use]
    pub fn line(&self, metric: &MetricRecord<'_>, at: Timestamp) -> Option<String> {
        if metric.name.trim() != REQUEST_METRIC {
            return None;
        }
        let tag = |name| metric.tag(name).trim();
        let failed = tag("status").parse().is_ok_and(|status: u16| status >= 400);
        let errors = u8::from(failed || !tag("error_code").is_empty());

        let mut line = String::new();
        let mut object = ObjectWriter::begin(&mut line);
        self.directive(at, object.member("_aws"));
        object.text("service", &self.service);
        for name in TAGS {
            object.text(name, tag(name));
        }
        object.member(COUNT).push_str(&metric.value.to_string());
        object.member(DURATION).push_str(&metric.duration_ms.unwrap_or_default().to_string());
        object.member(ERRORS).push_str(&errors.to_string());
        object.end();
        Some(line)
    }

    /// What tells CloudWatch which members are metrics, and by which others they are broken down.
    fn directive(&self, at: Timestamp, out: &mut String) {
        let millis = at.unix_nanos().div_euclid(1_000_000);
        let mut aws = ObjectWriter::begin(out);
        aws.member("Timestamp").push_str(&millis.to_string());
        write_array([()], aws.member("CloudWatchMetrics"), |(), out| {
            let mut metrics = ObjectWriter::begin(out);
            metrics.text("Namespace", &self.namespace);
            write_array([()], metrics.member("Dimensions"), |(), out| {
                let dimensions = ["service"].into_iter().chain(TAGS);
                write_array(dimensions, out, write_string);
            });
            write_array(METRICS, metrics.member("Metrics"), |(name, unit), out| {
                let mut metric = ObjectWriter::begin(out);
                metric.text("Name", name);
                metric.text("Unit", unit);
                metric.end();
            });
            metrics.end();
        });
        aws.end();
    }
}

const TAGS: [&str; 5] = ["method", "path", "status", "tenant_id", "error_code"];
const COUNT: &str = "RequestCount";
const DURATION: &str = "RequestDuration";
const ERRORS: &str = "RequestErrors";
const METRICS: [(&str, &str); 3] =
    [(COUNT, "Count"), (DURATION, "Milliseconds"), (ERRORS, "Count")];

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
        let metric = MetricRecord { name: REQUEST_METRIC, value: 1, duration_ms: Some(25), tags };
        let at = Timestamp::from_unix_nanos(25_999_999).unwrap();
        let line = Emf::new(" ns ", " ").line(&metric, at).unwrap();
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
    fn other_metrics_have_no_line_and_an_error_code_is_an_error() {
        let metric = |name, code: &'static str| MetricRecord {
            name,
            value: 1,
            duration_ms: None,
            tags: alloc::vec![("error_code", code.into())],
        };
        let line = |metric| Emf::default().line(&metric, Timestamp::UNIX_EPOCH);
        assert_eq!(line(metric("apptheory.event", "")), None);
        let errors = |code| line(metric(REQUEST_METRIC, code)).unwrap().pop().is_some();
        assert!(errors("x"));
        assert!(line(metric(REQUEST_METRIC, "x")).unwrap().contains(r#""RequestErrors":1"#));
        assert!(line(metric(REQUEST_METRIC, " ")).unwrap().contains(r#""RequestErrors":0"#));
    }
}
