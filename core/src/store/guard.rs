//! Conditions on an item: evaluated in memory, rendered as DynamoDB expressions.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::cmp::Ordering;

use super::expression::Expressions;
use super::item::{AttributeName, Item};
use super::value::Value;

/// A condition on an item, or on its absence.
///
/// The same conditions guard writes and filter queries. As in DynamoDB, a comparison with a missing
/// attribute, or one of another type, does not hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Guard {
    /// Holds for every item and for a missing item.
    Always,
    /// The attribute is missing. For a key attribute: the item does not exist.
    Absent(AttributeName),
    /// The attribute exists, with any value.
    Present(AttributeName),
    /// The attribute's value compares with `value` as required.
    Compare {
        /// The attribute.
        name: AttributeName,
        /// How its value, on the left, must compare.
        comparison: Comparison,
        /// The value to compare with.
        value: Value,
    },
    /// The attribute is a set or list with the value as an element, or a string or binary that
    /// contains it.
    Contains {
        /// The attribute.
        name: AttributeName,
        /// The required element or substring.
        value: Value,
    },
    /// Both conditions hold.
    And(Box<[Self; 2]>),
    /// At least one condition holds.
    Or(Box<[Self; 2]>),
}

/// How two values compare: numbers by value, strings and binaries by their bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Guard {
    /// Requires that the attribute is missing.
    #[must_use]
    pub fn absent(name: impl Into<AttributeName>) -> Self {
        Self::Absent(name.into())
    }

    /// Requires that the attribute is at most `bound`.
    #[must_use]
    pub fn at_most(name: impl Into<AttributeName>, bound: super::Number) -> Self {
        Self::Compare { name: name.into(), comparison: Comparison::AtMost, value: Value::N(bound) }
    }

    /// Requires that the attribute equals `value`.
    #[must_use]
    pub fn equals(name: impl Into<AttributeName>, value: Value) -> Self {
        Self::Compare { name: name.into(), comparison: Comparison::Equal, value }
    }

    /// Requires both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(Box::new([self, other]))
    }

    /// Requires at least one of the conditions.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Or(Box::new([self, other]))
    }

    /// Evaluates the guard on an item, or on its absence.
    #[must_use]
    pub fn holds(&self, item: Option<&Item>) -> bool {
        let value_of = |name: &AttributeName| item.and_then(|item| item.get(name));
        match self {
            Self::Always => true,
            Self::Absent(name) => value_of(name).is_none(),
            Self::Present(name) => value_of(name).is_some(),
            Self::Compare { name, comparison, value } => {
                value_of(name).is_some_and(|left| comparison.holds(left, value))
            }
            Self::Contains { name, value } => {
                value_of(name).is_some_and(|container| contains(container, value))
            }
            Self::And(both) => both.iter().all(|guard| guard.holds(item)),
            Self::Or(either) => either.iter().any(|guard| guard.holds(item)),
        }
    }

    /// Renders the guard; `None` if it always holds.
    pub(super) fn render<'a>(&'a self, expressions: &mut Expressions<'a>) -> Option<String> {
        if self.is_always() {
            return None;
        }
        let mut text = String::with_capacity(64);
        self.write_to(&mut text, expressions);
        Some(text)
    }

    /// Appends the expression, unless the guard always holds.
    fn write_to<'a>(&'a self, out: &mut String, expressions: &mut Expressions<'a>) {
        match self {
            Self::Always => {}
            Self::Absent(name) => {
                out.push_str("attribute_not_exists(");
                expressions.write_name(name, out);
                out.push(')');
            }
            Self::Present(name) => {
                out.push_str("attribute_exists(");
                expressions.write_name(name, out);
                out.push(')');
            }
            Self::Compare { name, comparison, value } => {
                expressions.write_name(name, out);
                out.push_str(comparison.operator());
                expressions.write_value(Cow::Borrowed(value), out);
            }
            Self::Contains { name, value } => {
                out.push_str("contains(");
                expressions.write_name(name, out);
                out.push_str(", ");
                expressions.write_value(Cow::Borrowed(value), out);
                out.push(')');
            }
            Self::And(both) => match &**both {
                [a, b] if a.is_always() => b.write_to(out, expressions),
                [a, b] if b.is_always() => a.write_to(out, expressions),
                both => write_both(both, ") AND (", out, expressions),
            },
            // Only written if both sides have conditions: DynamoDB refuses unused placeholders.
            Self::Or(either) if either.iter().any(Self::is_always) => {}
            Self::Or(either) => write_both(either, ") OR (", out, expressions),
        }
    }

    /// Returns whether DynamoDB accepts the guard: its values are valid, and only strings, numbers
    /// and binaries are ordered.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Always => true,
            Self::Absent(name) | Self::Present(name) => !name.is_empty(),
            Self::Compare { name, comparison, value } => {
                let ordered = matches!(value, Value::S(_) | Value::N(_) | Value::B(_));
                !name.is_empty()
                    && value.is_valid()
                    && (ordered || *comparison == Comparison::Equal)
            }
            Self::Contains { name, value } => !name.is_empty() && value.is_valid(),
            Self::And(pair) | Self::Or(pair) => pair.iter().all(Self::is_valid),
        }
    }

    /// Returns whether the guard's expression names the attribute. Conditions that always hold are
    /// not part of the expression.
    #[must_use]
    pub fn mentions(&self, attribute: &str) -> bool {
        match self {
            Self::Always => false,
            Self::Absent(name)
            | Self::Present(name)
            | Self::Compare { name, .. }
            | Self::Contains { name, .. } => **name == *attribute,
            Self::And(pair) | Self::Or(pair) => {
                !self.is_always() && pair.iter().any(|guard| guard.mentions(attribute))
            }
        }
    }

    /// Returns whether the guard always holds, so that there is no expression.
    pub(super) fn is_always(&self) -> bool {
        match self {
            Self::Always => true,
            Self::And(both) => both.iter().all(Self::is_always),
            Self::Or(either) => either.iter().any(Self::is_always),
            Self::Absent(_) | Self::Present(_) | Self::Compare { .. } | Self::Contains { .. } => {
                false
            }
        }
    }
}

impl Comparison {
    /// Compares two values. Values of different or unordered types only compare as
    /// [equal](Value::equals).
    #[must_use]
    pub fn holds(self, left: &Value, right: &Value) -> bool {
        let order = match (left, right) {
            (Value::S(a), Value::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::N(a), Value::N(b)) => a.compare(b),
            (Value::B(a), Value::B(b)) => Some(a.cmp(b)),
            (a, b) => return self == Self::Equal && a.equals(b),
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }

    const fn operator(self) -> &'static str {
        match self {
            Self::Equal => " = ",
            Self::Less => " < ",
            Self::AtMost => " <= ",
            Self::Greater => " > ",
            Self::AtLeast => " >= ",
        }
    }
}

fn write_both<'a>(
    [a, b]: &'a [Guard; 2],
    between: &str,
    out: &mut String,
    expressions: &mut Expressions<'a>,
) {
    out.push('(');
    a.write_to(out, expressions);
    out.push_str(between);
    b.write_to(out, expressions);
    out.push(')');
}

fn contains(container: &Value, value: &Value) -> bool {
    match (container, value) {
        (Value::S(text), Value::S(part)) => text.contains(part.as_str()),
        (Value::B(bytes), Value::B(part)) => {
            part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
        }
        (Value::Ss(set), Value::S(member)) => set.contains(member),
        (Value::Ns(set), Value::N(member)) => {
            set.iter().any(|number| number.compare(member) == Some(Ordering::Equal))
        }
        (Value::Bs(set), Value::B(member)) => set.contains(member),
        (Value::L(list), member) => list.iter().any(|value| value.equals(member)),
        _ => false,
    }
}
