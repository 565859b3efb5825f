//! Rendered expressions use every placeholder that they define, and define every one that they use;
//! DynamoDB refuses requests otherwise.

use std::collections::BTreeSet;

use apptheory::store::wire::Wire;
use apptheory::store::{Assignment, Comparison, Expressions, Guard, Key, UpdateItem, Value};
use apptheory_proptests::cases;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Json;

use super::orders::{Order, order};

/// Generates guards in which some parts always hold, so that they render to nothing.
fn guard() -> impl Strategy<Value = Guard> {
    let name = || select(vec!["a", "b", "c"]);
    let leaf = prop_oneof![
        2 => Just(Guard::Always),
        1 => name().prop_map(Guard::absent),
        1 => name().prop_map(|name| Guard::Present(name.into())),
        1 => (name(), 0..3_i128).prop_map(|(name, bound)| Guard::Compare {
            name: name.into(),
            comparison: Comparison::AtLeast,
            value: Value::N(bound.into()),
        }),
        1 => name().prop_map(|name| Guard::Contains { name: name.into(), value: Value::from("x") }),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        (any::<bool>(), inner.clone(), inner)
            .prop_map(|(and, one, other)| if and { one.and(other) } else { one.or(other) })
    })
}

fn assignment() -> impl Strategy<Value = Assignment> {
    let name = select(vec!["a", "b", "c", "d"]);
    (0..4_u8, name).prop_map(|(kind, name)| match kind {
        0 => Assignment::set(name, "x"),
        1 => Assignment::set_if_absent(name, "x"),
        2 => Assignment::add(name, 1),
        _ => Assignment::Remove { name: name.into() },
    })
}

/// Returns the placeholders in a text: `#n` or `:v` with a number.
fn placeholders(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices(['#', ':']).map(|(at, _)| &text[at..]);
    let end = |token: &str| {
        token[1..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(token.len(), |at| at + 1)
    };
    starts.map(|token| token[..end(token)].to_owned()).collect()
}

fn used(expressions: &Expressions<'_>) -> BTreeSet<String> {
    let Expressions { update, condition, key_condition, filter, projection, .. } = expressions;
    let texts = [update, condition, key_condition, filter, projection];
    texts.into_iter().flatten().flat_map(|text| placeholders(text)).collect()
}

fn defined(expressions: &Expressions<'_>) -> BTreeSet<String> {
    let names = expressions.placeholder_names().map(|(placeholder, _)| placeholder);
    let values = expressions.placeholder_values().map(|(placeholder, _)| placeholder);
    names.chain(values).collect()
}

/// Checks a request body, in every request that it contains.
fn check_body(body: &Json) -> Result<(), TestCaseError> {
    match body {
        Json::Object(members) => {
            let texts = members.iter().filter(|(name, _)| name.ends_with("Expression"));
            let used: BTreeSet<String> =
                texts.filter_map(|(_, text)| text.as_str()).flat_map(placeholders).collect();
            let tables = ["ExpressionAttributeNames", "ExpressionAttributeValues"];
            let tables = tables.into_iter().filter_map(|table| members.get(table)?.as_object());
            let defined: BTreeSet<String> =
                tables.flat_map(|table| table.keys().cloned()).collect();
            prop_assert_eq!(used, defined, "{}", body);
            members.values().try_for_each(check_body)
        }
        Json::Array(elements) => elements.iter().try_for_each(check_body),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Ok(()),
    }
}

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn updates_define_the_placeholders_they_use(
        guard in guard(),
        assignments in prop::collection::vec(assignment(), 0..5),
    ) {
        let key = Key::of("ID", Value::from("1"));
        let update = UpdateItem { table: "t".into(), key, assignments, guard };
        prop_assume!(update.check().is_ok());
        let expressions = update.expressions();
        prop_assert_eq!(used(&expressions), defined(&expressions), "{:?}", update);
        // Names are shared, values are not.
        let names: BTreeSet<_> = expressions.names.iter().collect();
        prop_assert_eq!(names.len(), expressions.names.len());
        // A guard without an expression holds for anything.
        if expressions.condition.is_none() {
            prop_assert!(update.guard.holds(None));
        }
    }

    #[test]
    fn bodies_define_the_placeholders_they_use(order in order()) {
        check_body(&match &order {
            Order::Get(get) => get.to_body(),
            Order::Batch(batch) => batch.to_body(),
            Order::Put(put) => put.to_body(),
            Order::Update(update) => update.to_body(),
            Order::Delete(delete) => delete.to_body(),
            Order::Query(query, _) => query.to_body(),
            Order::Transact(transaction) => transaction.to_body(),
        })?;
    }
}
