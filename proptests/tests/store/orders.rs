//! Random requests on two small tables, with few keys, so that they collide, and values of every
//! type.

use apptheory::store::{
    Assignment, Attribute, AttributeName, BatchGetItem, Comparison, ConditionCheck, DeleteItem,
    GetItem, Guard, IndexDefinition, Item, Key, KeySchema, Number, PutItem, QueryItems, SortRange,
    TableDefinition, TransactWrite, TransactWriteItems, UpdateItem, Value,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// One step of a scenario.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Get(GetItem),
    Batch(BatchGetItem),
    Put(PutItem),
    Update(UpdateItem),
    Delete(DeleteItem),
    /// A query, and the number of further pages to read.
    Query(QueryItems, usize),
    Transact(TransactWriteItems),
}

/// `things` has a sort key and two indexes, `singles` neither.
pub(crate) fn tables() -> [TableDefinition; 2] {
    let index = |name, sort: Option<&'static str>| IndexDefinition {
        name: AttributeName::from(name),
        key: KeySchema { partition: "Tag".into(), sort: sort.map(Into::into) },
    };
    [
        TableDefinition {
            name: "things".into(),
            key: KeySchema { partition: "PK".into(), sort: Some("SK".into()) },
            indexes: vec![index("ranked", Some("Rank")), index("tagged", None)],
            ttl: "ttl".into(),
        },
        TableDefinition {
            name: "singles".into(),
            key: KeySchema { partition: "ID".into(), sort: None },
            indexes: vec![],
            ttl: "ttl".into(),
        },
    ]
}

pub(crate) fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        2 => (located(), any::<bool>()).prop_map(|((table, key), consistent)| {
            Order::Get(GetItem { table: table.into(), key, consistent })
        }),
        1 => batch().prop_map(Order::Batch),
        6 => put().prop_map(Order::Put),
        4 => update(prop_oneof![12 => attribute(), 1 => select(vec!["PK", "SK", "ID"])], 0)
            .prop_map(Order::Update),
        1 => delete().prop_map(Order::Delete),
        5 => (query(), 0..3_usize).prop_map(|(query, more)| {
            // In a table without sort key, the embedded DynamoDB starts over instead of continuing
            // after the start key; AWS returns an empty last page.
            let more = if query.table.as_ref() == "singles" { 0 } else { more };
            Order::Query(query, more)
        }),
        3 => transaction().prop_map(Order::Transact),
    ]
}

fn attribute() -> impl Strategy<Value = &'static str> + Clone {
    select(vec!["a", "b", "c", "d", "Tag", "Rank"])
}

fn key_text() -> impl Strategy<Value = String> + Clone {
    select(vec!["a", "a#1", "a#2", "b", "é", "z\u{10ffff}"]).prop_map(str::to_owned)
}

fn things_key() -> impl Strategy<Value = Key> + Clone {
    (select(vec!["p", "q"]), key_text()).prop_map(|(partition, sort)| {
        Key::of("PK", Value::from(partition)).with_sort("SK", Value::from(sort))
    })
}

fn singles_key() -> impl Strategy<Value = Key> + Clone {
    select(vec!["1", "2", "3"]).prop_map(|id| Key::of("ID", Value::from(id)))
}

/// Generates a table and a key, which sometimes do not fit.
fn located() -> impl Strategy<Value = (&'static str, Key)> + Clone {
    prop_oneof![
        36 => things_key().prop_map(|key| ("things", key)),
        12 => singles_key().prop_map(|key| ("singles", key)),
        1 => misplaced(),
    ]
}

fn misplaced() -> impl Strategy<Value = (&'static str, Key)> + Clone {
    prop_oneof![
        things_key().prop_map(|key| ("singles", key)),
        singles_key().prop_map(|key| ("things", key)),
        singles_key().prop_map(|key| ("nowhere", key)),
        Just(("singles", Key::of("ID", Value::N(1.into())))),
        Just(("singles", Key::of("ID", Value::from("")))),
    ]
}

fn number() -> impl Strategy<Value = Number> + Clone {
    let forms = vec![
        "0",
        "-0",
        "0.0",
        "1",
        "1.0",
        "01",
        "+1",
        "10",
        "1E1",
        "1.50",
        "15e-1",
        "-2",
        "-2.5",
        ".5",
        "5.",
        "0.001",
        "1E-130",
        "-1E-130",
        "1E20",
        "9.99E125",
        "1e100",
        "12345678901234567890123456789012345678",
        "1.2345678901234567890123456789012345678",
        "99999999999999999999999999999999999999",
    ];
    let invalid = vec!["123456789012345678901234567890123456789", "x", "1E126", ""];
    prop_oneof![
        60 => (-5_i32..5).prop_map(Number::from),
        60 => select(forms).prop_map(Number::from_text),
        1 => select(invalid).prop_map(Number::from_text),
    ]
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        12 => select(vec!["", "a", "ab", "b", "zz", "é"]).prop_map(str::to_owned),
        1 => (900..5_000_usize).prop_map(|length| "x".repeat(length)),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> + Clone {
    vec(0_u8..3, 0..3)
}

fn sets() -> impl Strategy<Value = Value> + Clone {
    let numbers = vec!["1E1", "-2.50", "3", "0.001", "10.5"];
    prop_oneof![
        btree_set(text(), 1..4).prop_map(|set| Value::Ss(set.into_iter().rev().collect())),
        subsequence(numbers, 1..4)
            .prop_map(|set| Value::Ns(set.into_iter().map(Number::from_text).collect())),
        btree_set(bytes(), 1..3).prop_map(|set| Value::Bs(set.into_iter().rev().collect())),
    ]
}

fn value() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        6 => number().prop_map(Value::N),
        4 => text().prop_map(Value::S),
        2 => bytes().prop_map(Value::B),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        3 => sets(),
        // Empty, or with a member twice.
        1 => vec(number(), 0..3).prop_map(Value::Ns),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::L),
            btree_map("[a-b]", inner, 0..3).prop_map(Value::M),
        ]
    })
}

/// Generates a value for an attribute: for an index's key mostly a text, as the index requires.
/// Never an over-long one, which AWS refuses and the embedded DynamoDB does not.
fn value_for(name: &'static str) -> BoxedStrategy<Value> {
    match name {
        "Tag" | "Rank" => prop_oneof![
            60 => select(vec!["t", "u", "u1"]).prop_map(Value::from),
            1 => Just(Value::from("")),
            1 => number().prop_map(Value::N),
        ]
        .boxed(),
        _ => value().boxed(),
    }
}

fn named_value() -> impl Strategy<Value = (&'static str, Value)> + Clone {
    attribute().prop_flat_map(|name| (Just(name), value_for(name)))
}

fn guard() -> impl Strategy<Value = Guard> + Clone {
    guard_on(prop_oneof![6 => attribute(), 2 => select(vec!["PK", "SK", "ID"])])
}

fn guard_on(
    attribute: impl Strategy<Value = &'static str> + Clone + 'static,
) -> impl Strategy<Value = Guard> + Clone {
    let ordered = prop_oneof![
        8 => number().prop_map(Value::N),
        4 => text().prop_map(Value::S),
        4 => bytes().prop_map(Value::B),
        1 => value(),
    ];
    let compared = prop_oneof![
        value().prop_map(|value| (Comparison::Equal, value)),
        (
            select(vec![
                Comparison::Less,
                Comparison::AtMost,
                Comparison::Greater,
                Comparison::AtLeast,
            ]),
            ordered,
        ),
    ];
    let leaf = prop_oneof![
        2 => attribute.clone().prop_map(Guard::absent),
        2 => attribute.clone().prop_map(|name| Guard::Present(name.into())),
        4 => (attribute.clone(), compared).prop_map(|(name, (comparison, value))| {
            Guard::Compare { name: name.into(), comparison, value }
        }),
        2 => (attribute, value())
            .prop_map(|(name, value)| Guard::Contains { name: name.into(), value }),
    ];
    let part = prop_oneof![1 => Just(Guard::Always), 6 => leaf];
    let whole = part.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            (inner.clone(), inner).prop_map(|(a, b)| a.or(b)),
        ]
    });
    prop_oneof![Just(Guard::Always), whole]
}

fn put() -> impl Strategy<Value = PutItem> + Clone {
    let values = vec(
        prop_oneof![
            1 => named_value(),
            1 => select(vec!["Tag", "Rank"]).prop_flat_map(|name| (Just(name), value_for(name))),
        ],
        0..5,
    );
    (located(), values, guard()).prop_map(|((table, key), values, guard)| {
        let values = values.into_iter().map(|(name, value)| (AttributeName::from(name), value));
        let item: Item = values.chain(key.to_item()).collect();
        PutItem { table: table.into(), item, guard }
    })
}

fn update(
    name: impl Strategy<Value = &'static str> + Clone + 'static,
    fewest: usize,
) -> impl Strategy<Value = UpdateItem> + Clone {
    let assignment = prop_oneof![
        4 => name.clone().prop_flat_map(|name| (Just(name), value_for(name)))
            .prop_map(|(name, value)| Assignment::set(name, value)),
        2 => named_value().prop_map(|(name, value)| Assignment::set_if_absent(name, value)),
        4 => (name.clone(), number()).prop_map(|(name, amount)| Assignment::add(name, amount)),
        2 => name.prop_map(|name| Assignment::Remove { name: name.into() }),
    ];
    (located(), vec(assignment, fewest..4), guard()).prop_map(
        |((table, key), assignments, guard)| UpdateItem {
            table: table.into(),
            key,
            assignments,
            guard,
        },
    )
}

fn delete() -> impl Strategy<Value = DeleteItem> + Clone {
    (located(), guard()).prop_map(|((table, key), guard)| DeleteItem {
        table: table.into(),
        key,
        guard,
    })
}

fn batch() -> impl Strategy<Value = BatchGetItem> {
    let keys = prop_oneof![
        6 => vec(things_key(), 1..5).prop_map(|keys| ("things", keys)),
        2 => vec(singles_key(), 0..3).prop_map(|keys| ("singles", keys)),
        1 => located().prop_map(|(table, key)| (table, vec![key])),
    ];
    let projected = prop_oneof![attribute(), select(vec!["PK", "SK"])];
    (keys, vec(projected, 0..3), any::<bool>()).prop_map(|((table, keys), names, consistent)| {
        let projection = names.into_iter().map(AttributeName::from).collect();
        BatchGetItem { table: table.into(), keys, projection, consistent }
    })
}

fn range(name: &'static str) -> impl Strategy<Value = (AttributeName, SortRange)> {
    let bound = || {
        prop_oneof![
            40 => key_text().prop_map(Value::from),
            20 => select(vec!["t", "u", "u1"]).prop_map(Value::from),
            1 => number().prop_map(Value::N),
        ]
    };
    let range = prop_oneof![
        bound().prop_map(SortRange::AtLeast),
        bound().prop_map(SortRange::AtMost),
        (bound(), bound()).prop_map(|(a, b)| {
            // Mostly in the right order.
            let reversed =
                matches!((&a, &b), (Value::S(a), Value::S(b)) if a > b && a != "z\u{10ffff}");
            if reversed { SortRange::Between(b, a) } else { SortRange::Between(a, b) }
        }),
        select(vec!["a", "a", "a#", "a#", "u", "u", "z\u{10ffff}", "z\u{10ffff}", ""])
            .prop_map(|prefix| SortRange::BeginsWith(prefix.to_owned())),
    ];
    range.prop_map(move |range| (name.into(), range))
}

/// Generates a start key of a plausible shape; most start keys come from the pages themselves.
fn start_key() -> impl Strategy<Value = Option<Item>> {
    let invented = (things_key(), vec(named_value(), 0..3)).prop_map(|(key, values)| {
        let values = values.into_iter().map(|(name, value)| (AttributeName::from(name), value));
        Some(values.chain(key.to_item()).collect())
    });
    let exact = things_key().prop_map(|key| Some(key.to_item()));
    prop_oneof![24 => Just(None), 3 => exact, 1 => invented]
}

fn query() -> impl Strategy<Value = QueryItems> {
    let source = prop_oneof![
        24 => select(vec!["p", "q"]).prop_map(|value| ("things", None, "PK", value, "SK")),
        24 => select(vec!["t", "u"]).prop_map(|value| ("things", Some("ranked"), "Tag", value, "Rank")),
        12 => select(vec!["t", "u"]).prop_map(|value| ("things", Some("tagged"), "Tag", value, "Rank")),
        1 => select(vec!["1", ""]).prop_map(|value| ("singles", None, "ID", value, "SK")),
        1 => Just(("things", Some("nowhere"), "Tag", "t", "Rank")),
        1 => Just(("nowhere", None, "PK", "p", "SK")),
    ];
    source.prop_flat_map(|(table, index, partition, value, sort)| {
        let ranges = if index == Some("tagged") { 1 } else { 20 };
        let other = if index.is_some() { vec!["a", "b", "SK"] } else { vec!["a", "b", "Tag"] };
        let filtered =
            prop_oneof![30 => select(other), 1 => select(vec!["PK", "SK", "Tag", "Rank"])];
        (
            prop_oneof![20 => Just(None), ranges => range(sort).prop_map(Some)],
            prop_oneof![1 => Just(Guard::Always), 1 => guard_on(filtered)],
            start_key(),
            prop_oneof![12 => Just(None), 24 => (1_u32..4).prop_map(Some), 1 => Just(Some(0))],
            any::<bool>(),
            proptest::bool::weighted(if index.is_some() { 0.02 } else { 0.5 }),
        )
            .prop_map(move |(range, filter, start_after, limit, forward, consistent)| {
                QueryItems {
                    table: table.into(),
                    index: index.map(AttributeName::from),
                    partition: Attribute { name: partition.into(), value: Value::from(value) },
                    range,
                    filter,
                    start_after,
                    limit,
                    forward,
                    consistent,
                }
            })
    })
}

fn transaction() -> impl Strategy<Value = TransactWriteItems> {
    let check = (located(), guard()).prop_map(|((table, key), guard)| ConditionCheck {
        table: table.into(),
        key,
        guard,
    });
    // The embedded DynamoDB lets an update within a transaction change the item's key, which AWS
    // refuses; so such updates are left to the unit tests.
    let write = prop_oneof![
        3 => put().prop_map(TransactWrite::Put),
        3 => update(attribute(), 1).prop_map(TransactWrite::Update),
        1 => delete().prop_map(TransactWrite::Delete),
        1 => check.prop_map(TransactWrite::Check),
    ];
    let token = prop_oneof![
        6 => Just(None),
        2 => select(vec!["t1", "t2"]).prop_map(|token| Some(token.to_owned())),
    ];
    (vec(write, 1..4), token).prop_map(|(writes, token)| TransactWriteItems { writes, token })
}
