//! DynamoDB's rules for values: which are valid, which are equal, and in which form they are
//! stored.
//!
//! A value in this crate keeps its original form, so that a cursor survives a round trip unchanged.
//! A store normalizes values. The in-memory executor uses these rules to answer like DynamoDB.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::item::Item;
use super::number::Number;
use super::value::Value;

impl Value {
    /// Returns whether DynamoDB accepts the value: every number is valid, every set has members
    /// without duplicates, no map has an empty name, and nothing is nested deeper than 31 lists and
    /// maps.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.is_valid_at(0)
    }

    fn is_valid_at(&self, depth: usize) -> bool {
        let deeper = depth.saturating_add(1);
        depth < MAX_DEPTH
            && match self {
                Self::S(_) | Self::B(_) | Self::Bool(_) | Self::Null => true,
                Self::N(number) => number.is_valid(),
                Self::L(values) => values.iter().all(|value| value.is_valid_at(deeper)),
                Self::M(members) => members
                    .iter()
                    .all(|(name, value)| !name.is_empty() && value.is_valid_at(deeper)),
                Self::Ss(set) => is_set(set, Ord::cmp),
                Self::Ns(set) => set.iter().all(Number::is_valid) && is_set(set, order_numbers),
                Self::Bs(set) => is_set(set, Ord::cmp),
            }
    }

    /// Returns whether two values are equal for DynamoDB: numbers by value, sets in any order, all
    /// others exactly.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::N(a), Self::N(b)) => a.compare(b) == Some(Ordering::Equal),
            (Self::L(a), Self::L(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (Self::M(a), Self::M(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|((left, a), (right, b))| left == right && a.equals(b))
            }
            (Self::Ss(a), Self::Ss(b)) => same_members(a, b, Ord::cmp),
            (Self::Ns(a), Self::Ns(b)) => same_members(a, b, order_numbers),
            (Self::Bs(a), Self::Bs(b)) => same_members(a, b, Ord::cmp),
            (a, b) => a == b,
        }
    }

    /// Returns the value as DynamoDB stores and returns it: numbers in plain decimals
    /// ([`Number::normalized`]), and the members of sets sorted. Invalid values stay unchanged.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        self.normalize();
        self
    }

    fn normalize(&mut self) {
        match self {
            Self::N(number) => normalize_number(number),
            Self::L(values) => values.iter_mut().for_each(Self::normalize),
            Self::M(members) => members.values_mut().for_each(Self::normalize),
            Self::Ss(set) => set.sort_unstable(),
            Self::Ns(set) => {
                set.iter_mut().for_each(normalize_number);
                set.sort_by(order_numbers);
            }
            Self::Bs(set) => set.sort_unstable(),
            Self::S(_) | Self::B(_) | Self::Bool(_) | Self::Null => {}
        }
    }
}

impl Item {
    /// Returns whether DynamoDB accepts every attribute: its name is not empty and its value is
    /// valid.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.iter().all(|(name, value)| !name.is_empty() && value.is_valid())
    }

    /// Returns the item as DynamoDB stores and returns it; see [`Value::normalized`].
    #[must_use]
    pub fn normalized(mut self) -> Self {
        self.normalize();
        self
    }

    pub(super) fn normalize(&mut self) {
        self.values_mut().for_each(Value::normalize);
    }
}

fn normalize_number(number: &mut Number) {
    if let Some(normalized) = number.normalized() {
        *number = normalized;
    }
}

/// Compares numbers by value. Invalid numbers sort after all numbers, by text.
fn order_numbers(a: &Number, b: &Number) -> Ordering {
    a.compare(b).unwrap_or_else(|| {
        let by_validity = b.is_valid().cmp(&a.is_valid());
        by_validity.then_with(|| a.as_text().cmp(&b.as_text()))
    })
}

fn is_set<T>(members: &[T], order: fn(&T, &T) -> Ordering) -> bool {
    let distinct = |pair: &[&T]| match pair {
        [a, b] => order(a, b) != Ordering::Equal,
        _ => true,
    };
    !members.is_empty() && sorted(members, order).windows(2).all(distinct)
}

fn same_members<T>(a: &[T], b: &[T], order: fn(&T, &T) -> Ordering) -> bool {
    let (a, b) = (sorted(a, order), sorted(b, order));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| order(a, b) == Ordering::Equal)
}

fn sorted<T>(members: &[T], order: fn(&T, &T) -> Ordering) -> Vec<&T> {
    let mut members: Vec<&T> = members.iter().collect();
    members.sort_by(|a, b| order(a, b));
    members
}

/// The most levels of lists and maps; the attribute's own value is the first (DynamoDB limit).
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::{Number, Value};

    fn numbers(texts: &[&str]) -> Value {
        Value::Ns(texts.iter().map(|text| Number::from_text(text)).collect())
    }

    #[test]
    fn sets_have_members_and_none_twice() {
        assert!(numbers(&["1", "2"]).is_valid());
        for value in [numbers(&[]), numbers(&["1", "1.0"]), numbers(&["x"])] {
            assert!(!value.is_valid(), "{value:?}");
        }
        assert!(!Value::Ss(vec!["a".into(), "b".into(), "a".into()]).is_valid());
        assert!(!Value::L(vec![Value::Bs(vec![])]).is_valid());
    }

    #[test]
    fn nesting_ends_at_32_levels() {
        let nested = |levels| (0..levels).fold(Value::Null, |inner, _| Value::L(vec![inner]));
        assert!(nested(31).is_valid());
        assert!(!nested(32).is_valid());
    }

    #[test]
    fn equality_is_by_value_and_membership() {
        assert!(numbers(&["10", "2"]).equals(&numbers(&["2.0", "1E1"])));
        assert!(!numbers(&["10", "2"]).equals(&numbers(&["10", "3"])));
        let list = |text| Value::L(vec![Value::N(Number::from_text(text))]);
        assert!(list("1.50").equals(&list("1.5")));
        assert_eq!(numbers(&["10", "2.50", "-1E1"]).normalized(), numbers(&["-10", "2.5", "10"]));
    }
}
