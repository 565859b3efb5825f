//! Changes to an item: applied in memory, rendered as DynamoDB update expressions.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::String;

use super::expression::{Expressions, separate};
use super::item::{AttributeName, Item};
use super::number::Number;
use super::value::Value;

/// One change to one attribute. All changes of an order see the item as it was before the order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Assignment {
    /// Sets the attribute.
    Set {
        /// The attribute.
        name: AttributeName,
        /// Its new value.
        value: Value,
    },
    /// Sets the attribute unless it exists.
    SetIfAbsent {
        /// The attribute.
        name: AttributeName,
        /// The value if the attribute does not exist.
        value: Value,
    },
    /// Adds to a number; a missing attribute counts as zero.
    Add {
        /// The attribute.
        name: AttributeName,
        /// The amount to add; negative to subtract.
        amount: Number,
    },
    /// Removes the attribute, if it exists.
    Remove {
        /// The attribute.
        name: AttributeName,
    },
}

/// An update cannot be applied: an assignment adds to a value that is not a number, a sum has too
/// many digits for DynamoDB, or two assignments change the same attribute. DynamoDB answers such an
/// order with a `ValidationException`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the amount cannot be added to the attribute's value, or the attribute changes twice")]
pub struct InvalidUpdate;

impl Assignment {
    /// Sets an attribute.
    #[must_use]
    pub fn set(name: impl Into<AttributeName>, value: impl Into<Value>) -> Self {
        Self::Set { name: name.into(), value: value.into() }
    }

    /// Sets an attribute unless it exists.
    #[must_use]
    pub fn set_if_absent(name: impl Into<AttributeName>, value: impl Into<Value>) -> Self {
        Self::SetIfAbsent { name: name.into(), value: value.into() }
    }

    /// Adds to a number.
    #[must_use]
    pub fn add(name: impl Into<AttributeName>, amount: impl Into<Number>) -> Self {
        Self::Add { name: name.into(), amount: amount.into() }
    }

    /// Returns the changed attribute.
    #[must_use]
    pub const fn name(&self) -> &AttributeName {
        match self {
            Self::Set { name, .. }
            | Self::SetIfAbsent { name, .. }
            | Self::Add { name, .. }
            | Self::Remove { name } => name,
        }
    }

    /// Returns the item after all assignments of an order to `item`.
    ///
    /// # Errors
    ///
    /// [`InvalidUpdate`] if two assignments change the same attribute, or an amount cannot be
    /// added.
    pub fn apply_all(assignments: &[Self], item: &Item) -> Result<Item, InvalidUpdate> {
        if Self::overlap(assignments) {
            return Err(InvalidUpdate);
        }
        let mut item = item.clone();
        assignments.iter().try_for_each(|assignment| assignment.apply(&mut item))?;
        Ok(item)
    }

    /// Returns whether two assignments change the same attribute, which DynamoDB refuses.
    #[must_use]
    pub fn overlap(assignments: &[Self]) -> bool {
        if assignments.len() > FEW {
            let mut names = BTreeSet::new();
            return !assignments.iter().all(|assignment| names.insert(assignment.name()));
        }
        let mut rest = assignments.iter();
        core::iter::from_fn(|| rest.next().map(|first| (first, rest.clone())))
            .any(|(first, mut rest)| rest.any(|other| other.name() == first.name()))
    }

    /// Returns whether DynamoDB accepts the assignment: its attribute has a name and its value is
    /// valid.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let valid = match self {
            Self::Set { value, .. } | Self::SetIfAbsent { value, .. } => value.is_valid(),
            Self::Add { amount, .. } => amount.is_valid(),
            Self::Remove { .. } => true,
        };
        valid && !self.name().is_empty()
    }

    /// Returns the attribute's value after the change, given the value before; `None` removes it.
    pub(super) fn value_after<'a>(
        &'a self,
        before: Option<&'a Value>,
    ) -> Result<Option<Cow<'a, Value>>, InvalidUpdate> {
        Ok(match self {
            Self::Set { value, .. } => Some(Cow::Borrowed(value)),
            Self::SetIfAbsent { value, .. } => Some(Cow::Borrowed(before.unwrap_or(value))),
            Self::Add { amount, .. } => Some(Cow::Owned(Value::N(sum(before, amount)?))),
            Self::Remove { .. } => None,
        })
    }

    /// Applies the change to `item`. No other assignment of the order may change the same attribute
    /// (DynamoDB refuses this).
    ///
    /// # Errors
    ///
    /// [`InvalidUpdate`] if an amount cannot be added; the item is then unchanged.
    pub fn apply(&self, item: &mut Item) -> Result<(), InvalidUpdate> {
        match self {
            Self::Set { name, value } => item.insert(name.clone(), value.clone()),
            Self::SetIfAbsent { name, value } => {
                if item.get(name).is_none() {
                    item.insert(name.clone(), value.clone());
                }
            }
            Self::Add { name, amount } => {
                let sum = sum(item.get(name), amount)?;
                item.insert(name.clone(), Value::N(sum));
            }
            Self::Remove { name } => {
                item.remove(name);
            }
        }
        Ok(())
    }
}

fn sum(old: Option<&Value>, amount: &Number) -> Result<Number, InvalidUpdate> {
    match old {
        None => Ok(amount.clone()),
        Some(value) => {
            value.as_number().and_then(|old| old.checked_add(amount)).ok_or(InvalidUpdate)
        }
    }
}

/// Up to this many names are compared pairwise; more are put into a set.
const FEW: usize = 16;

/// Renders assignments to different attributes as `SET … REMOVE … ADD …`, or `None` if there are
/// none.
pub(super) fn write_update<'a>(
    assignments: &'a [Assignment],
    expressions: &mut Expressions<'a>,
) -> Option<String> {
    // Most assignments are `SET`; the other clauses are appended to this text.
    let mut set = String::with_capacity(assignments.len().saturating_mul(ELEMENT_BYTES));
    let (mut remove, mut add) = (String::new(), String::new());
    for assignment in assignments {
        let name = expressions.add_name(assignment.name());
        match assignment {
            Assignment::Set { value, .. } => {
                begin("SET ", &name, &mut set);
                set.push_str(" = ");
                expressions.write_value(Cow::Borrowed(value), &mut set);
            }
            Assignment::SetIfAbsent { value, .. } => {
                begin("SET ", &name, &mut set);
                set.push_str(" = if_not_exists(");
                set.push_str(&name);
                set.push_str(", ");
                expressions.write_value(Cow::Borrowed(value), &mut set);
                set.push(')');
            }
            Assignment::Add { amount, .. } => {
                begin("ADD ", &name, &mut add);
                add.push(' ');
                expressions.write_value(Cow::Owned(Value::N(amount.clone())), &mut add);
            }
            Assignment::Remove { .. } => begin("REMOVE ", &name, &mut remove),
        }
    }
    let mut update = set;
    for clause in [remove, add] {
        if !clause.is_empty() {
            separate(" ", &mut update);
            update.push_str(&clause);
        }
    }
    (!update.is_empty()).then_some(update)
}

/// Begins an element of a clause: the first with its verb, others with a comma.
fn begin(verb: &str, name: &str, clause: &mut String) {
    // Growing copies what is there.
    clause.reserve(ELEMENT_BYTES);
    clause.push_str(if clause.is_empty() { verb } else { ", " });
    clause.push_str(name);
}

/// The most bytes of nearly all elements: `, #n10 = if_not_exists(#n10, :v10)`.
const ELEMENT_BYTES: usize = 40;

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::{Assignment, AttributeName, FEW};

    #[test]
    fn overlaps_are_found_among_few_and_many() {
        for count in [0, 1, 2, FEW, FEW + 1, 3 * FEW] {
            let remove =
                |n: usize| Assignment::Remove { name: AttributeName::from(format!("a{n}")) };
            let mut assignments: Vec<Assignment> = (0..count).map(remove).collect();
            assert!(!Assignment::overlap(&assignments), "{count}");
            for at in 0..count {
                assignments.push(Assignment::add(format!("a{at}"), 1));
                assert!(Assignment::overlap(&assignments), "{count} {at}");
                assignments.pop();
            }
        }
    }
}
