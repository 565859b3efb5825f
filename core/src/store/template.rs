//! Tables as a CloudFormation template.
//!
//! The tables of the services are `Limiter::table`, `BusConfig::table` (event bus),
//! `RegistryConfig::table` (WebSocket connections) and `IdempotencyConfig::table`; all of them
//! delete expired items. To create tables without a template, pass them to
//! `MemoryStore::with_tables`, `EmbeddedStore::create_tables` or `AwsStore::create_tables`.
//!
//! This module names the resources of a template; a [`TableDefinition`] defines their properties.
//!
//! ```
//! use apptheory_core::store::{KeySchema, TableDefinition, cloudformation_template};
//!
//! let limits = TableDefinition {
//!     name: "rate-limits".into(),
//!     key: KeySchema { partition: "PK".into(), sort: Some("SK".into()) },
//!     indexes: Vec::new(),
//!     ttl: "TTL".into(),
//! };
//! let template = cloudformation_template(&[limits]);
//! let table = &template["Resources"]["RateLimitsTable"];
//! assert_eq!(table["Properties"]["TableName"], "rate-limits");
//! assert_eq!(template["Outputs"]["RateLimitsTableName"]["Value"]["Ref"], "RateLimitsTable");
//! ```

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use serde_json::{Value as Json, json};

use super::TableDefinition;

/// Returns a template with one resource per table, and its name and ARN as outputs.
///
/// The logical id of a table is its name in PascalCase with `Table` appended (CloudFormation allows
/// only letters and digits). If two names give the same id, the later one gets a number, so keep
/// the order of the tables: CloudFormation treats a changed logical id as a new table. All tables
/// must have names, not ARNs.
#[must_use]
pub fn cloudformation_template(tables: &[TableDefinition]) -> Json {
    let mut resources = BTreeMap::new();
    let mut outputs = BTreeMap::new();
    for table in tables {
        let id = unique(&logical_id(table.name.as_ref()), &resources);
        let name = json!({"Value": {"Ref": id}, "Description": format!("Name of {}", table.name)});
        let arn = json!({
            "Value": {"Fn::GetAtt": [id, "Arn"]},
            "Description": format!("ARN of {}", table.name),
        });
        outputs.insert(format!("{id}Name"), name);
        outputs.insert(format!("{id}Arn"), arn);
        resources.insert(id, table.cloudformation_resource());
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": resources,
        "Outputs": outputs,
    })
}

fn logical_id(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let capitalized = words.map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        [&first.to_ascii_uppercase(), rest].concat()
    });
    capitalized.chain([String::from("Table")]).collect()
}

fn unique(id: &str, taken: &BTreeMap<String, Json>) -> String {
    let numbered = (2_u32..).map(|number| format!("{id}{number}"));
    let mut candidates = core::iter::once(id.to_owned()).chain(numbered);
    // There are more numbers than tables.
    candidates.find(|candidate| !taken.contains_key(candidate)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use crate::store::{IndexDefinition, KeySchema};

    use super::*;

    fn table(name: &str) -> TableDefinition {
        TableDefinition {
            name: name.into(),
            key: KeySchema { partition: "ID".into(), sort: None },
            indexes: vec![IndexDefinition {
                name: "tenant-index".into(),
                key: KeySchema { partition: "TenantID".into(), sort: None },
            }],
            ttl: "ttl".into(),
        }
    }

    #[test]
    fn every_table_is_a_resource_with_outputs() {
        let definition = table("apptheory-events");
        let template = cloudformation_template(core::slice::from_ref(&definition));
        assert_eq!(
            template["Resources"],
            json!({"ApptheoryEventsTable": definition.cloudformation_resource()})
        );
        assert_eq!(
            template["Outputs"]["ApptheoryEventsTableArn"]["Value"],
            json!({"Fn::GetAtt": ["ApptheoryEventsTable", "Arn"]})
        );
    }

    #[test]
    fn names_that_come_to_the_same_stay_apart() {
        let template =
            cloudformation_template(&[table("rate-limits"), table("rate_limits"), table("v2.x")]);
        let resource = |id: &str| template["Resources"][id]["Properties"]["TableName"].clone();
        assert_eq!(resource("RateLimitsTable"), "rate-limits");
        assert_eq!(resource("RateLimitsTable2"), "rate_limits");
        assert_eq!(resource("V2XTable"), "v2.x");
        assert_eq!(template["Outputs"].as_object().unwrap().len(), 6);
    }
}
