//! Metrics and measurements that CloudWatch accepts.

use alloc::string::{String, ToString};

use super::error::{Error, is_name};
use super::unit::Unit;

/// The member of a document that defines which other members are metrics.
pub(super) const METADATA: &str = "_aws";

/// A metric: its name, unit and resolution.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metric {
    name: String,
    unit: Unit,
    is_high_resolution: bool,
}

impl Metric {
    /// Creates a metric with a resolution of one minute.
    ///
    /// # Errors
    ///
    /// [`Error::MetricName`] if the name is not 1 to 255 printable ASCII characters, or is `_aws`.
    pub fn new(name: &str, unit: Unit) -> Result<Self, Error> {
        if !is_name(name) || name == METADATA {
            return Err(Error::MetricName { given: name.to_string() });
        }
        Ok(Self { name: name.to_string(), unit, is_high_resolution: false })
    }

    /// Sets a resolution of one second, which CloudWatch keeps for three hours.
    #[must_use]
    pub fn high_resolution(self) -> Self {
        Self { is_high_resolution: true, ..self }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn unit(&self) -> Unit {
        self.unit
    }

    pub(super) const fn is_high_resolution(&self) -> bool {
        self.is_high_resolution
    }
}

/// A value that CloudWatch accepts: from -2^360 to 2^360.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Measurement(f64);

impl Measurement {
    /// The largest value that CloudWatch accepts, 2^360 (`PutMetricData`).
    const MAX: f64 = f64::from_bits((1023 + 360) << 52);
    /// The smallest positive value, 2^-360.
    const MIN_POSITIVE: f64 = f64::from_bits((1023 - 360) << 52);

    /// Creates a measurement; `None` for a value that CloudWatch refuses because it is not a number
    /// or too large. A value that is too small becomes 0.
    ///
    /// ```
    /// use apptheory_core::observe::emf::Measurement;
    ///
    /// assert_eq!(Measurement::new(2.5).map(Measurement::get), Some(2.5));
    /// assert_eq!(Measurement::new(f64::NAN), None);
    /// assert_eq!(Measurement::new(1e200), None);
    /// ```
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        // Comparisons with a value that is not a number are false.
        let is_taken = (-Self::MAX..=Self::MAX).contains(&value);
        let is_seen = value >= Self::MIN_POSITIVE || value <= -Self::MIN_POSITIVE;
        is_taken.then_some(Self(if is_seen { value } else { 0.0 }))
    }

    /// Creates a measurement from a count. Above 2^53 it is rounded, as CloudWatch does.
    #[must_use]
    pub const fn of_count(count: u64) -> Self {
        Self(count as f64)
    }

    /// Returns the value.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cloudwatch_takes() {
        let longest = "x".repeat(255);
        for name in ["Orders", "a b", ":<&>\"\\", &longest] {
            assert_eq!(Metric::new(name, Unit::Count).map(|metric| metric.name), Ok(name.into()));
        }
        let too_long = "x".repeat(256);
        for name in ["", " ", "\n", "é", "_aws", "a\u{7f}", &too_long] {
            let error = Error::MetricName { given: name.into() };
            assert_eq!(Metric::new(name, Unit::Count), Err(error), "{name:?}");
        }
    }

    #[test]
    fn values_are_those_that_cloudwatch_takes() {
        let largest = 2.0_f64.powi(360);
        let taken = |value| Measurement::new(value).map(Measurement::get);
        for value in [0.0, -1.5, largest, -largest, 1.0 / largest] {
            assert_eq!(taken(value), Some(value));
        }
        for value in [largest * 1.000_001, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert_eq!(taken(value), None, "{value}");
        }
        assert_eq!(taken(1.0 / (largest * 2.0)), Some(0.0));
        assert_eq!(taken(-f64::MIN_POSITIVE), Some(0.0));
        assert_eq!(Measurement::of_count(u64::MAX).get(), 1.844_674_407_370_955_2e19);
    }
}
