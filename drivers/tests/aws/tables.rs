//! Creating tables.

use apptheory::store::aws::{TableCreation, TableError};
use apptheory_core::store::{
    self, GetItem, IndexDefinition, Key, KeySchema, Misconfiguration, TableDefinition, Value,
};

use crate::{events_table, with_dynamo};

fn limits_table() -> TableDefinition {
    TableDefinition {
        name: "rate-limits".into(),
        key: KeySchema { partition: "PK".into(), sort: Some("SK".into()) },
        indexes: Vec::new(),
        ttl: "TTL".into(),
    }
}

#[test]
fn a_table_is_created_once_with_its_time_to_live() {
    with_dynamo(async |store| {
        let table = limits_table();
        assert_eq!(store.create_table(&table).await, Ok(TableCreation::Created));
        assert_eq!(store.create_table(&table).await, Ok(TableCreation::Existed));

        use apptheory::execute::Execute as _;
        let key = Key::of("PK", Value::from("p")).with_sort("SK", Value::from("s"));
        let order = GetItem { table: table.name, key, consistent: false };
        assert_eq!(store.execute(&order).await.unwrap().answer, None);

        let ttl = store.client().describe_time_to_live().table_name("rate-limits").send().await;
        let ttl = ttl.unwrap().time_to_live_description.unwrap();
        assert_eq!(ttl.attribute_name(), Some("TTL"));
        assert_eq!(ttl.time_to_live_status().unwrap().as_str(), "ENABLED");
    });
}

#[test]
fn a_table_with_other_keys_is_refused() {
    with_dynamo(async |store| {
        let named = |partition: &'static str, sort: Option<&'static str>| TableDefinition {
            key: KeySchema { partition: partition.into(), sort: sort.map(Into::into) },
            ..events_table()
        };
        let differ = Err(TableError::KeysDiffer { table: "events".into() });
        assert_eq!(store.create_table(&named("id", None)).await, differ);
        assert_eq!(store.create_table(&named("ID", Some("SK"))).await, differ);
        assert_eq!(store.create_table(&named("ID", None)).await, Ok(TableCreation::Existed));
    });
}

#[test]
fn a_missing_or_different_index_is_refused() {
    with_dynamo(async |store| {
        let mut table = events_table();
        table.indexes[0].key.sort = None;
        let differs = |index: &str| {
            Err(TableError::IndexDiffers { table: "events".into(), index: index.into() })
        };
        assert_eq!(store.create_table(&table).await, differs("tenants"));

        let key = KeySchema { partition: "Tag".into(), sort: None };
        table.indexes = vec![IndexDefinition { name: "tags".into(), key }];
        assert_eq!(store.create_table(&table).await, differs("tags"));

        table.indexes = Vec::new();
        assert_eq!(store.create_table(&table).await, Ok(TableCreation::Existed));
    });
}

#[test]
fn another_time_to_live_is_refused() {
    with_dynamo(async |store| {
        let table = TableDefinition { ttl: "expires".into(), ..events_table() };
        let (table_name, attribute) = ("events".into(), "ttl".into());
        let differs = TableError::TimeToLiveDiffers { table: table_name, attribute };
        assert_eq!(store.create_table(&table).await, Err(differs));
    });
}

#[test]
fn table_errors_name_the_refused_table() {
    with_dynamo(async |store| {
        let table = TableDefinition { name: "no".into(), ..limits_table() };
        let error = store::Error::Misconfigured(Misconfiguration::InvalidRequest);
        let refused = TableError::Store { table: "no".into(), error };
        assert_eq!(store.create_table(&table).await, Err(refused));
    });
}
