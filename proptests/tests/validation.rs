//! Validation: the reported rules, and those that a model finds in the JSON.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use apptheory::error::{AppError, ErrorFormat};
use apptheory::validation::{Violations, check};
use apptheory_proptests::cases;
use garde::Validate;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value as Json, json};

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Order {
    #[garde(length(min = 1, max = 3), dive)]
    order_lines: Vec<Line>,
    #[garde(required, length(chars, max = 4))]
    sold_to: Option<String>,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[garde(range(min = 1, max = 10))]
    how_many: i8,
    #[garde(inner(inner(length(chars, min = 2))))]
    tag_names: Option<Vec<String>>,
}

/// Returns each broken rule's member and name.
fn reported(violations: Violations) -> Vec<(String, String)> {
    let Err(error) = violations.into_result() else { return Vec::new() };
    let errors = errors(&error);
    let text = |rule: &Json, member: &str| rule[member].as_str().unwrap().to_owned();
    errors.iter().map(|rule| (text(rule, "field"), text(rule, "rule"))).collect()
}

fn errors(error: &AppError) -> Vec<Json> {
    let shown: Json = serde_json::from_str(&error.body(ErrorFormat::Nested, "", "")).unwrap();
    shown["error"]["details"]["errors"].as_array().unwrap().clone()
}

/// Returns the broken rules of an order, from its JSON.
fn broken(order: &Json) -> Vec<(String, String)> {
    let mut broken = Vec::new();
    let mut add = |field: String, rule: &str| broken.push((field, rule.to_owned()));
    let lines = order["orderLines"].as_array().unwrap();
    match lines.len() {
        0 => add("orderLines".into(), "min_length"),
        1..=3 => {}
        _ => add("orderLines".into(), "max_length"),
    }
    for (at, line) in lines.iter().enumerate() {
        match line["HowMany"].as_i64().unwrap() {
            1..=10 => {}
            11.. => add(format!("orderLines[{at}].HowMany"), "max"),
            _ => add(format!("orderLines[{at}].HowMany"), "min"),
        }
        for (tag_at, tag) in line["TagNames"].as_array().into_iter().flatten().enumerate() {
            if tag.as_str().unwrap().chars().nth(1).is_none() {
                add(format!("orderLines[{at}].TagNames[{tag_at}]"), "min_length");
            }
        }
    }
    match order["soldTo"].as_str() {
        None => add("soldTo".into(), "required"),
        Some(name) if name.chars().nth(4).is_some() => add("soldTo".into(), "max_length"),
        Some(_) => {}
    }
    broken
}

fn line() -> impl Strategy<Value = Json> {
    let tags = prop::option::of(prop::collection::vec("\\PC{0,3}", 0..3));
    (any::<i8>(), tags).prop_map(|(how_many, tags)| json!({"HowMany": how_many, "TagNames": tags}))
}

fn order() -> impl Strategy<Value = Json> {
    (prop::collection::vec(line(), 0..6), prop::option::of("\\PC{0,6}")).prop_map(
        |(lines, sold_to)| match sold_to {
            Some(sold_to) => json!({"orderLines": lines, "soldTo": sold_to}),
            None => json!({"orderLines": lines}),
        },
    )
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_broken_rule_is_reported_once_under_its_wire_name(order in order()) {
        let value: Order = serde_json::from_value(order.clone()).unwrap();
        let (mut reported, mut expected) = (reported(check(&value)), broken(&order));
        reported.sort();
        expected.sort();
        prop_assert_eq!(reported, expected);
    }

    #[test]
    fn names_that_clients_choose_break_nothing(
        lines in prop::collection::btree_map("(\\PC|[\\.\\[\\]0]){0,9}", line(), 0..9),
    ) {
        let value: BTreeMap<String, Line> = serde_json::from_value(json!(lines)).unwrap();
        let order = |line: &Json| json!({"orderLines": [line], "soldTo": ""});
        let expected: usize = lines.values().map(|line| broken(&order(line)).len()).sum();
        let violations = check(&value);
        let logged = violations.to_string();
        prop_assert_eq!(reported(violations).len(), expected);
        prop_assert_eq!(logged.is_empty(), expected == 0);
    }
}

#[test]
fn a_value_that_keeps_its_rules_costs_no_allocation() {
    let line = json!({"HowMany": 7, "TagNames": ["red", "large"]});
    let order = json!({"orderLines": [line, line], "soldTo": "Ann"});
    let value: Order = serde_json::from_value(order).unwrap();
    let allocated = allocation_counter::measure(|| assert!(reported(check(&value)).is_empty()));
    assert_eq!(allocated.count_total, 0);
}
