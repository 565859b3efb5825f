//! Documents of measurements: groups of metrics, and their lines.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::dimension::{Breakdown, Dimension};
use super::error::{Error, is_namespace};
use super::metric::{METADATA, Measurement, Metric};
use super::unit::Unit;
use crate::json::{ObjectWriter, write_array, write_float, write_string};
use crate::time::Timestamp;

/// A group of metrics with the same dimensions.
///
/// CloudWatch gets a total of each metric by the fixed dimensions, and, if there is a breakdown,
/// another metric for every combination of its values.
///
/// ```
/// use apptheory_core::observe::emf::{
///     Breakdown, Dimension, Directive, Measurement, Metric, MetricValues, Unit,
/// };
/// use apptheory_core::time::Timestamp;
///
/// let by = Breakdown::new([Dimension::new("method", ["card", "cash"])?])?;
/// let combination = by.index_of(["card"]);
/// let mut payments = Directive::new("Shop", &[("service", "orders")], by)?;
/// let amount = payments.declare(Metric::new("Amount", Unit::None)?)?;
///
/// let values = [9.5, 20.0].map(|value| Measurement::new(value).expect("a number"));
/// let measured = MetricValues { metric: amount, values: &values };
/// let mut lines = String::new();
/// payments.write(combination, &[measured], Timestamp::UNIX_EPOCH, &mut lines);
/// assert_eq!(lines, concat!(
///     r#"{"_aws":{"Timestamp":0,"CloudWatchMetrics":[{"Namespace":"Shop","#,
///     r#""Dimensions":[["service"],["service","method"]],"#,
///     r#""Metrics":[{"Name":"Amount","Unit":"None"}]}]},"#,
///     r#""service":"orders","method":"card","Amount":[9.5,20]}"#, "\n",
/// ));
/// # Ok::<(), apptheory_core::observe::emf::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Directive {
    namespace: String,
    fixed: Vec<Dimension>,
    breakdown: Breakdown,
    metrics: Vec<Metric>,
}

/// The values of one metric. A metric without values is not written.
#[derive(Clone, Copy, Debug)]
pub struct MetricValues<'m> {
    /// The metric's number from [`Directive::declare`].
    pub metric: usize,
    /// The values.
    pub values: &'m [Measurement],
}

/// The most dimensions of a metric (EMF's `DimensionSet`).
const MAX_DIMENSIONS: usize = 30;
/// The most bytes of a metric's dimensions, names and longest values together.
const MAX_DIMENSION_BYTES: usize = 4096;
/// The most values of a metric in one line (EMF's limit of an array).
const MAX_VALUES: usize = 100;
/// The most metrics in one line. EMF allows 100. With 30 of the longest names, 100 of the longest
/// numbers each, and the longest dimensions, a line stays below the 256 KiB that CloudWatch Logs
/// accepts.
const MAX_METRICS: usize = 30;

impl Directive {
    /// Creates a directive without metrics, with a namespace, fixed dimensions, and a breakdown by
    /// further dimensions.
    ///
    /// # Errors
    ///
    /// [`Error`] for what CloudWatch does not accept: an invalid namespace or dimension, a
    /// duplicate name, more than 30 dimensions, or more than 4,096 bytes of dimensions.
    pub fn new(
        namespace: &str,
        fixed: &[(&str, &str)],
        breakdown: Breakdown,
    ) -> Result<Self, Error> {
        if !is_namespace(namespace) {
            return Err(Error::Namespace { given: namespace.to_string() });
        }
        let fixed = fixed.iter().map(|(name, value)| Dimension::fixed(name, value));
        let fixed = fixed.collect::<Result<Vec<_>, _>>()?;
        let directive =
            Self { namespace: namespace.to_string(), fixed, breakdown, metrics: Vec::new() };
        directive.check_dimensions()?;
        Ok(directive)
    }

    fn check_dimensions(&self) -> Result<(), Error> {
        let mut names: Vec<&str> = self.dimensions().map(Dimension::name).collect();
        names.sort_unstable();
        let twice = names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next);
        if let Some((given, _)) = twice {
            return Err(Error::Twice { given: (*given).to_string() });
        }
        if names.len() > MAX_DIMENSIONS {
            return Err(Error::TooManyDimensions { given: names.len() });
        }
        match self.dimensions().map(Dimension::longest).fold(0, usize::saturating_add) {
            ..=MAX_DIMENSION_BYTES => Ok(()),
            given => Err(Error::DimensionsTooLong { given }),
        }
    }

    /// Adds a metric, and returns its number: 0 for the first.
    ///
    /// # Errors
    ///
    /// [`Error::Twice`] if another metric or a dimension has this name.
    pub fn declare(&mut self, metric: Metric) -> Result<usize, Error> {
        let name = metric.name();
        if self.declares(name) || self.dimensions().any(|dimension| dimension.name() == name) {
            return Err(Error::Twice { given: name.to_string() });
        }
        self.metrics.push(metric);
        Ok(self.metrics.len().saturating_sub(1))
    }

    /// Returns whether a metric with this name is declared.
    #[must_use]
    pub fn declares(&self, name: &str) -> bool {
        self.metrics.iter().any(|metric| metric.name() == name)
    }

    /// Returns the breakdown, without the fixed dimensions.
    #[must_use]
    pub const fn breakdown(&self) -> &Breakdown {
        &self.breakdown
    }

    /// Appends the measurements for one combination of the breakdown's values. Returns the number
    /// of lines: as many as EMF's limits require.
    pub fn write(
        &self,
        combination: usize,
        measured: &[MetricValues<'_>],
        at: Timestamp,
        out: &mut String,
    ) -> usize {
        let mut lines: usize = 0;
        for measured in measured.chunks(MAX_METRICS) {
            for round in 0.. {
                let part = measured.iter().filter_map(|MetricValues { metric, values }| {
                    Some((self.metrics.get(*metric)?, values.chunks(MAX_VALUES).nth(round)?))
                });
                let part: Vec<(&Metric, &[Measurement])> = part.collect();
                if part.is_empty() {
                    break;
                }
                self.write_line(combination, &part, at, out);
                lines = lines.saturating_add(1);
            }
        }
        lines
    }

    fn write_line(
        &self,
        combination: usize,
        measured: &[(&Metric, &[Measurement])],
        at: Timestamp,
        out: &mut String,
    ) {
        let mut line = ObjectWriter::begin(out);
        let metrics = measured.iter().map(|(metric, _)| Definition {
            name: metric.name(),
            unit: metric.unit(),
            is_high_resolution: metric.is_high_resolution(),
        });
        write_metadata(&self.namespace, at, self.dimension_sets(), metrics, line.member(METADATA));
        for dimension in &self.fixed {
            line.text(dimension.name(), dimension.value(0));
        }
        let values = self.breakdown.values(combination);
        for (dimension, value) in self.breakdown.dimensions().iter().zip(values) {
            line.text(dimension.name(), value);
        }
        for (metric, values) in measured {
            let out = line.member(metric.name());
            match values {
                [one] => write_float(one.get(), out),
                _ => write_array(*values, out, |value, out| write_float(value.get(), out)),
            }
        }
        line.end();
        out.push('\n');
    }

    /// Yields the dimension names of the total, and of the breakdown.
    fn dimension_sets(&self) -> impl Iterator<Item = Vec<&str>> {
        let total = self.fixed.iter().map(Dimension::name).collect();
        let is_broken_down = !self.breakdown.dimensions().is_empty();
        let all = || self.dimensions().map(Dimension::name).collect();
        [total].into_iter().chain(is_broken_down.then(all))
    }

    fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.fixed.iter().chain(self.breakdown.dimensions())
    }
}

/// The definition of a metric in a line.
pub(super) struct Definition<'m> {
    pub(super) name: &'m str,
    pub(super) unit: Unit,
    pub(super) is_high_resolution: bool,
}

/// Writes which members of a line are metrics, and which are their dimensions.
pub(super) fn write_metadata<'l, S: IntoIterator<Item = &'l str>>(
    namespace: &str,
    at: Timestamp,
    dimension_sets: impl IntoIterator<Item = S>,
    definitions: impl IntoIterator<Item = Definition<'l>>,
    out: &mut String,
) {
    let mut aws = ObjectWriter::begin(out);
    let millis = at.unix_nanos().div_euclid(1_000_000);
    aws.member("Timestamp").push_str(&millis.to_string());
    let directive = aws.member("CloudWatchMetrics");
    directive.push('[');
    let mut metrics = ObjectWriter::begin(directive);
    metrics.text("Namespace", namespace);
    write_array(dimension_sets, metrics.member("Dimensions"), |set, out| {
        write_array(set, out, write_string);
    });
    write_array(definitions, metrics.member("Metrics"), |definition, out| {
        let mut metric = ObjectWriter::begin(out);
        metric.text("Name", definition.name);
        metric.text("Unit", definition.unit.name());
        if definition.is_high_resolution {
            metric.member("StorageResolution").push('1');
        }
        metric.end();
    });
    metrics.end();
    directive.push(']');
    aws.end();
}

#[cfg(test)]
mod tests {
    use super::super::Unit;
    use super::*;

    fn values(count: usize, value: f64) -> Vec<Measurement> {
        alloc::vec![Measurement::new(value).unwrap(); count]
    }

    fn lines(directive: &Directive, measured: &[MetricValues<'_>]) -> Vec<serde_json::Value> {
        let mut out = String::new();
        let lines = directive.write(0, measured, Timestamp::UNIX_EPOCH, &mut out);
        assert_eq!(out.lines().count(), lines);
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_says_when_and_how_fine() {
        let mut directive = Directive::new("Shop", &[], Breakdown::default()).unwrap();
        let metric = Metric::new("Depth", Unit::CountPerSecond).unwrap().high_resolution();
        let metric = directive.declare(metric).unwrap();
        let mut out = String::new();
        let at = Timestamp::from_unix_nanos(1_767_225_600_123_999_999).unwrap();
        directive.write(0, &[MetricValues { metric, values: &values(1, 2.0) }], at, &mut out);
        let expected = concat!(
            r#"{"_aws":{"Timestamp":1767225600123,"CloudWatchMetrics":[{"Namespace":"Shop","#,
            r#""Dimensions":[[]],"Metrics":[{"Name":"Depth","Unit":"Count/Second","#,
            r#""StorageResolution":1}]}]},"Depth":2}"#,
            "\n"
        );
        assert_eq!(out, expected);
    }

    #[test]
    fn what_does_not_fit_a_line_goes_into_the_next() {
        let mut directive = Directive::new("Shop", &[], Breakdown::default()).unwrap();
        for n in 0..31 {
            directive.declare(Metric::new(&n.to_string(), Unit::None).unwrap()).unwrap();
        }
        let (one, many) = (values(1, 1.0), values(250, 2.0));
        let measured = |metric| {
            let values = if metric == 7 {
                &*many
            } else if metric == 8 {
                &[]
            } else {
                &*one
            };
            MetricValues { metric, values }
        };
        let measured: Vec<_> = (0..31).map(measured).collect();
        let lines = lines(&directive, &measured);
        let len = |line: usize| {
            let metrics = &lines[line]["_aws"]["CloudWatchMetrics"][0]["Metrics"];
            let sevens = lines[line]["7"].as_array().map_or(0, Vec::len);
            (metrics.as_array().unwrap().len(), sevens)
        };
        assert_eq!(
            (0..lines.len()).map(len).collect::<Vec<_>>(),
            [(29, 100), (1, 100), (1, 50), (1, 0)]
        );
        assert_eq!(lines[3]["30"], 1);
        assert!(lines.iter().all(|line| line.get("8").is_none()));
    }

    #[test]
    fn nothing_measured_is_no_line() {
        let directive = Directive::new("Shop", &[], Breakdown::default()).unwrap();
        assert!(lines(&directive, &[]).is_empty());
        let unknown = MetricValues { metric: 5, values: &values(1, 1.0) };
        assert!(lines(&directive, &[unknown]).is_empty());
    }

    #[test]
    fn the_longest_line_is_within_the_limit_of_a_log_event() {
        let fixed: Vec<(String, String)> =
            (10..40).map(|n| (n.to_string(), "<".repeat(MAX_DIMENSION_BYTES / 30 - 2))).collect();
        let fixed: Vec<(&str, &str)> =
            fixed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (name, value) = fixed.split_last().unwrap().0;
        let breakdown = Breakdown::new([Dimension::fixed(name, value).unwrap()]).unwrap();
        let mut directive =
            Directive::new(&"/".repeat(255), fixed.split_last().unwrap().1, breakdown).unwrap();
        for n in 10..40 {
            let name = n.to_string() + &"<".repeat(253);
            let metric = Metric::new(&name, Unit::KilobytesPerSecond).unwrap().high_resolution();
            directive.declare(metric).unwrap();
        }
        let values = values(100, -1.234_567_890_123_456_7e-6);
        let measured: Vec<_> =
            (0..30).map(|metric| MetricValues { metric, values: &values }).collect();
        let mut line = String::new();
        assert_eq!(directive.write(0, &measured, Timestamp::UNIX_EPOCH, &mut line), 1);
        assert!((190_000..256 * 1024).contains(&line.len()), "{}", line.len());
    }

    #[test]
    fn dimensions_that_do_not_fit_together_are_errors() {
        let names: Vec<String> = (0..31).map(|n| n.to_string()).collect();
        let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        let made = |namespace: &str, fixed: &[(&str, &str)], by: &[&str]| {
            let by = by.iter().map(|name| Dimension::fixed(name, "v").unwrap());
            Directive::new(namespace, fixed, Breakdown::new(by).unwrap()).map(|_| ())
        };
        assert_eq!(made("Shop", &pairs[1..], &[]), Ok(()));
        assert_eq!(made("Shop", &pairs, &[]), Err(Error::TooManyDimensions { given: 31 }));
        assert_eq!(made("Shop", &pairs[1..], &["x"]), Err(Error::TooManyDimensions { given: 31 }));
        assert_eq!(made("Shop", &[("a", "1")], &["a"]), Err(Error::Twice { given: "a".into() }));
        let long = "v".repeat(1024);
        let long = ["a", "b", "c", "d"].map(|name| (name, long.as_str()));
        assert_eq!(made("Shop", &long, &[]), Err(Error::DimensionsTooLong { given: 4100 }));
        for namespace in ["", " ", ":a", "AWS/Lambda", "a*", "é"] {
            let error = Error::Namespace { given: namespace.into() };
            assert_eq!(made(namespace, &[], &[]), Err(error));
        }
    }

    #[test]
    fn a_name_is_declared_once() {
        let mut directive =
            Directive::new("Shop", &[("service", "orders")], Breakdown::default()).unwrap();
        let mut declare = |name| directive.declare(Metric::new(name, Unit::Count).unwrap());
        assert_eq!((declare("a"), declare("b")), (Ok(0), Ok(1)));
        assert_eq!(declare("a"), Err(Error::Twice { given: "a".into() }));
        assert_eq!(declare("service"), Err(Error::Twice { given: "service".into() }));
        assert!(directive.declares("b") && !directive.declares("service"));
    }
}
