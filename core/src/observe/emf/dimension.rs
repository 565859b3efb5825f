//! The dimensions of metrics.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::OTHER;
use super::error::{Error, is_name, is_value};
use super::metric::METADATA;

/// A dimension with a fixed set of values. Every other value counts as [`OTHER`], so that clients
/// cannot increase the number of billed metrics.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dimension {
    name: String,
    /// Sorted, without duplicates.
    values: Vec<String>,
}

impl Dimension {
    /// Creates a dimension with its possible values.
    ///
    /// # Errors
    ///
    /// [`Error::DimensionName`] and [`Error::DimensionValue`] for names and values that CloudWatch
    /// does not accept.
    pub fn new(
        name: &str,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, Error> {
        if !is_name(name) || name.starts_with(':') || name == METADATA {
            return Err(Error::DimensionName { given: name.to_string() });
        }
        let mut values: Vec<String> = values.into_iter().map(Into::into).collect();
        values.sort_unstable();
        values.dedup();
        // `OTHER` is always a value.
        values.retain(|value| value != OTHER);
        match values.iter().find(|value| !is_value(value)) {
            Some(given) => {
                Err(Error::DimensionValue { name: name.to_string(), given: given.clone() })
            }
            None => Ok(Self { name: name.to_string(), values }),
        }
    }

    /// Creates a dimension with a single value.
    pub(super) fn fixed(name: &str, value: &str) -> Result<Self, Error> {
        Self::new(name, [value])
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the value with an index; [`OTHER`] after the last.
    pub(super) fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or(OTHER, String::as_str)
    }

    fn index_of(&self, value: &str) -> usize {
        let found = self.values.binary_search_by(|known| known.as_str().cmp(value));
        found.unwrap_or(self.values.len())
    }

    /// Returns the number of values, including [`OTHER`].
    fn len(&self) -> usize {
        self.values.len().saturating_add(1)
    }

    /// Returns the bytes of the name and the longest value.
    pub(super) fn longest(&self) -> usize {
        let longest = self.values.iter().map(String::len).max();
        self.name.len().saturating_add(longest.unwrap_or_default().max(OTHER.len()))
    }
}

/// The dimensions of a metric, with a number for every combination of their values.
///
/// ```
/// use apptheory_core::observe::emf::{Breakdown, Dimension};
///
/// let breakdown = Breakdown::new([
///     Dimension::new("method", ["card", "cash"])?,
///     Dimension::new("currency", ["EUR"])?,
/// ])?;
/// assert_eq!(breakdown.combinations(), 6); // `_OTHER` is one more value of each
/// assert_eq!(breakdown.index_of(["cash", "EUR"]), 2);
/// assert_eq!(breakdown.index_of(["barter", "EUR"]), breakdown.index_of(["trade", "EUR"]));
/// # Ok::<(), apptheory_core::observe::emf::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Breakdown(Vec<Dimension>);

/// The most combinations of values of one metric. CloudWatch has no such limit, but bills each
/// combination.
const MAX_COMBINATIONS: usize = 1000;

impl Breakdown {
    /// Creates a breakdown by these dimensions.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyCombinations`] if there are more than 1,000 combinations.
    pub fn new(dimensions: impl IntoIterator<Item = Dimension>) -> Result<Self, Error> {
        let breakdown = Self(dimensions.into_iter().collect());
        match breakdown.combinations() {
            ..=MAX_COMBINATIONS => Ok(breakdown),
            given => Err(Error::TooManyCombinations { given }),
        }
    }

    /// Returns the number of combinations of values: 1 without dimensions.
    #[must_use]
    pub fn combinations(&self) -> usize {
        self.0.iter().map(Dimension::len).fold(1, usize::saturating_mul)
    }

    /// Returns the number of the combination of these values, in the order of the dimensions. A
    /// missing or unknown value counts as [`OTHER`].
    #[must_use]
    pub fn index_of<'v>(&self, values: impl IntoIterator<Item = &'v str>) -> usize {
        let mut values = values.into_iter();
        self.0.iter().fold(0, |index: usize, dimension| {
            let value = values.next().map_or(dimension.values.len(), |v| dimension.index_of(v));
            index.saturating_mul(dimension.len()).saturating_add(value)
        })
    }

    /// Returns the values of a combination, in the order of the dimensions.
    pub(super) fn values(&self, combination: usize) -> Vec<&str> {
        let mut left = combination;
        let mut values: Vec<&str> = Vec::with_capacity(self.0.len());
        for dimension in self.0.iter().rev() {
            // A dimension has at least one value.
            let (rest, index) =
                (left.checked_div(dimension.len()), left.checked_rem(dimension.len()));
            values.push(dimension.value(index.unwrap_or_default()));
            left = rest.unwrap_or_default();
        }
        values.reverse();
        values
    }

    pub(super) fn dimensions(&self) -> &[Dimension] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_a_number_of_its_own() {
        let dimension =
            |name: &str, values: &[&str]| Dimension::new(name, values.iter().copied()).unwrap();
        let breakdown = Breakdown::new([
            dimension("a", &["y", "_OTHER", "x", "y"]),
            dimension("b", &[]),
            dimension("c", &["1", "2", "3"]),
        ])
        .unwrap();
        assert_eq!(breakdown.combinations(), 3 * 4);
        for combination in 0..breakdown.combinations() {
            let values = breakdown.values(combination);
            assert_eq!(breakdown.index_of(values.iter().copied()), combination, "{values:?}");
        }
        assert_eq!(breakdown.values(breakdown.index_of(["x", "z", "3"])), ["x", "_OTHER", "3"]);
        assert_eq!(breakdown.values(breakdown.index_of(["w"])), ["_OTHER"; 3]);
    }

    #[test]
    fn what_cloudwatch_does_not_take_is_an_error() {
        let empty: [&str; 0] = [];
        for name in ["", " ", ":a", "_aws", "é", "a\n"] {
            let error = Error::DimensionName { given: name.into() };
            assert_eq!(Dimension::new(name, empty), Err(error));
        }
        let too_long = "v".repeat(1025);
        for value in ["", " ", "ü", "\t", &too_long] {
            let error = Error::DimensionValue { name: "a".into(), given: value.into() };
            assert_eq!(Dimension::new("a", ["fine", value]), Err(error));
        }
        assert!(Dimension::new("a", ["v".repeat(1024)]).is_ok());
    }

    #[test]
    fn combinations_are_bounded() {
        let dimension =
            |n: usize| Dimension::new("a", (1..n).map(|value| value.to_string())).unwrap();
        assert!(Breakdown::new([dimension(10), dimension(100)]).is_ok());
        let error = Error::TooManyCombinations { given: 1010 };
        assert_eq!(Breakdown::new([dimension(10), dimension(101)]), Err(error));
    }
}
