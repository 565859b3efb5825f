//! Tables: names, keys, indexes, and their creation.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json, json};

use super::item::AttributeName;
use super::wire::body;

/// The name or the ARN of a table.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TableName(Arc<str>);

impl TableName {
    /// Returns the first of `variables` that `env` has and that is not blank, trimmed; otherwise
    /// `default`. All table names of this crate are resolved like this.
    #[must_use]
    pub fn resolve(
        variables: &[&str],
        default: &str,
        env: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let set = variables.iter().find_map(|variable| {
            let value = env(variable)?;
            let value = value.trim();
            (!value.is_empty()).then(|| Self::from(value))
        });
        set.unwrap_or_else(|| Self::from(default))
    }
}

impl From<&str> for TableName {
    fn from(name: &str) -> Self {
        Self(Arc::from(name))
    }
}

/// Trims the name. Refuses a blank name, which is often an unset variable.
impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.trim() {
            "" => Err(D::Error::invalid_value(Unexpected::Str(""), &"the name of a table")),
            name => Ok(Self::from(name)),
        }
    }
}

impl AsRef<str> for TableName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The attributes of a key. All key attributes of this crate's tables are strings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySchema {
    /// The partition key attribute.
    pub partition: AttributeName,
    /// The sort key attribute, if any.
    pub sort: Option<AttributeName>,
}

/// A global secondary index that projects all attributes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IndexDefinition {
    /// The index's name.
    pub name: AttributeName,
    /// Its key.
    pub key: KeySchema,
}

/// A table that this crate needs: on-demand capacity, a TTL attribute, indexes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableDefinition {
    /// The table's name.
    pub name: TableName,
    /// Its primary key.
    pub key: KeySchema,
    /// Its global secondary indexes.
    pub indexes: Vec<IndexDefinition>,
    /// The attribute with the Unix second after which an item may be deleted.
    pub ttl: AttributeName,
}

impl KeySchema {
    /// Yields the key attributes: one or two.
    pub fn attributes(&self) -> impl Iterator<Item = &AttributeName> {
        core::iter::once(&self.partition).chain(&self.sort)
    }

    fn to_json(&self) -> Json {
        let roles = ["HASH", "RANGE"];
        self.attributes()
            .zip(roles)
            .map(|(name, role)| json!({"AttributeName": name.to_string(), "KeyType": role}))
            .collect()
    }
}

impl IndexDefinition {
    fn to_json(&self) -> Json {
        json!({
            "IndexName": self.name.to_string(),
            "KeySchema": self.key.to_json(),
            "Projection": {"ProjectionType": "ALL"},
        })
    }
}

impl TableDefinition {
    /// Returns the body of a `CreateTable` request.
    #[must_use]
    pub fn create_table_body(&self) -> Json {
        Json::Object(self.schema_json())
    }

    /// Returns the body of an `UpdateTimeToLive` request that enables the TTL.
    #[must_use]
    pub fn update_time_to_live_body(&self) -> Json {
        json!({"TableName": self.name.as_ref(), "TimeToLiveSpecification": self.ttl_json()})
    }

    /// Returns the table as an `AWS::DynamoDB::Table` resource of a CloudFormation template, with
    /// encryption and point-in-time recovery enabled.
    #[must_use]
    pub fn cloudformation_resource(&self) -> Json {
        let mut properties = self.schema_json();
        properties.extend(body([
            ("TimeToLiveSpecification", self.ttl_json()),
            ("PointInTimeRecoverySpecification", json!({"PointInTimeRecoveryEnabled": true})),
            ("SSESpecification", json!({"SSEEnabled": true})),
        ]));
        json!({
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": properties,
        })
    }

    /// Returns the key attributes of the table and its indexes, without duplicates.
    #[must_use]
    pub fn key_attributes(&self) -> Vec<&AttributeName> {
        let mut names: Vec<&AttributeName> = Vec::new();
        let indexed = self.indexes.iter().flat_map(|index| index.key.attributes());
        for name in self.key.attributes().chain(indexed) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn schema_json(&self) -> Map<String, Json> {
        let attributes: Json = self
            .key_attributes()
            .into_iter()
            .map(|name| json!({"AttributeName": name.to_string(), "AttributeType": "S"}))
            .collect();
        let mut schema = body([
            ("TableName", Json::from(self.name.as_ref())),
            ("AttributeDefinitions", attributes),
            ("KeySchema", self.key.to_json()),
            ("BillingMode", Json::from("PAY_PER_REQUEST")),
        ]);
        if !self.indexes.is_empty() {
            let indexes = self.indexes.iter().map(IndexDefinition::to_json).collect();
            schema.insert("GlobalSecondaryIndexes".to_string(), indexes);
        }
        schema
    }

    fn ttl_json(&self) -> Json {
        json!({"AttributeName": self.ttl.to_string(), "Enabled": true})
    }
}
