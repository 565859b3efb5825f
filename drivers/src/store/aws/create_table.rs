//! Creating tables.

use core::error::Error;
use core::time::Duration;

use apptheory_core::store::{self, KeySchema, TableDefinition, TableName};
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TableStatus, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use futures_util::future::try_join_all;

use super::AwsStore;
use super::classify::classify;
use crate::clock::Clock;
use crate::see::See;

/// How long to wait for a table to become active: 5 min. DynamoDB gives no bound; an empty table
/// with indexes usually takes well under one minute.
pub const CREATE_TABLE_PATIENCE: Duration = Duration::from_secs(300);

/// How often to poll a table that is being created: every second.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How a table came to match its definition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TableCreation {
    /// It was created.
    Created,
    /// It existed before, with the same keys and indexes.
    Existed,
}

/// Why a table does not match its definition. Nothing is ever deleted or changed to make it match.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TableError {
    /// A table of that name exists with another primary key. Choose another name or attribute
    /// schema, or migrate.
    #[error(
        "table {table} exists with another primary key: choose another name or attribute style, or \
         move its items; {}",
        See("deployment")
    )]
    KeysDiffer {
        /// The table.
        table: TableName,
    },
    /// The table exists, but lacks an index or has it with another key. Add the index to it.
    #[error(
        "table {table} exists without index {index}, or has it with another key: add the index; {}",
        See("deployment")
    )]
    IndexDiffers {
        /// The table.
        table: TableName,
        /// The index.
        index: String,
    },
    /// The table has a TTL on another attribute. Disable that TTL, or choose another attribute
    /// schema.
    #[error(
        "the TTL attribute of table {table} is {attribute}: turn its TTL off, or choose another \
         attribute style; {}",
        See("deployment")
    )]
    TimeToLiveDiffers {
        /// The table.
        table: TableName,
        /// The current TTL attribute.
        attribute: String,
    },
    /// The table did not become active within [`CREATE_TABLE_PATIENCE`]. Try again.
    #[error(
        "table {table} did not become active within five minutes: try again, it may be by then; {}",
        See("deployment")
    )]
    NotActive {
        /// The table.
        table: TableName,
    },
    /// DynamoDB returned an error. The table may have been created: trying again is safe.
    #[error("table {table}: {error}; {}", See("deployment"))]
    Store {
        /// The table.
        table: TableName,
        /// DynamoDB's error.
        error: store::Error,
    },
}

impl<C: Clock> AwsStore<C> {
    /// Makes sure that the table exists as defined: creates it, waits until it is active, and
    /// enables its TTL. It is safe to repeat, also from several processes at once.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the table exists with another definition, or cannot be created.
    pub async fn create_table(
        &self,
        definition: &TableDefinition,
    ) -> Result<TableCreation, TableError> {
        let setup = Setup { store: self, definition };
        let creation = match setup.describe().await? {
            Some(_) => TableCreation::Existed,
            None => setup.create().await?,
        };
        setup.compare(&setup.wait_until_active().await?)?;
        setup.turn_time_to_live_on().await?;
        Ok(creation)
    }

    /// Makes sure that tables exist as defined, all at the same time, as
    /// [`create_table`](Self::create_table) does. Returns how each came to be, in the order given.
    ///
    /// # Errors
    ///
    /// [`TableError`] of the first table that fails. Others may or may not exist by then: trying
    /// again is safe.
    pub async fn create_tables<'a>(
        &self,
        definitions: impl IntoIterator<Item = &'a TableDefinition>,
    ) -> Result<Vec<TableCreation>, TableError> {
        try_join_all(definitions.into_iter().map(|definition| self.create_table(definition))).await
    }
}

/// The creation of a table.
struct Setup<'a, C> {
    store: &'a AwsStore<C>,
    definition: &'a TableDefinition,
}

impl<C: Clock> Setup<'_, C> {
    async fn describe(&self) -> Result<Option<TableDescription>, TableError> {
        let request = self.store.client.describe_table().table_name(self.name());
        match request.send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) => match error.as_service_error() {
                Some(DescribeTableError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(self.failed(&error)),
            },
        }
    }

    async fn create(&self) -> Result<TableCreation, TableError> {
        let parts = self.attributes().and_then(|attributes| {
            Ok((attributes, key_schema(&self.definition.key)?, self.indexes()?))
        });
        let (attributes, keys, indexes) = parts.map_err(|error| {
            self.failed(&SdkError::<CreateTableError>::construction_failure(error))
        })?;
        let created = self
            .store
            .client
            .create_table()
            .table_name(self.name())
            .set_attribute_definitions(Some(attributes))
            .set_key_schema(Some(keys))
            .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await;
        match created {
            Ok(_) => Ok(TableCreation::Created),
            Err(error) => match error.as_service_error() {
                // Another process created it first.
                Some(CreateTableError::ResourceInUseException(_)) => Ok(TableCreation::Existed),
                _ => Err(self.failed(&error)),
            },
        }
    }

    async fn wait_until_active(&self) -> Result<TableDescription, TableError> {
        let clock = &self.store.clock;
        let mut now = clock.now();
        let give_up_at = now.saturating_add(CREATE_TABLE_PATIENCE);
        loop {
            // Directly after its creation, a table may not be found yet.
            if let Some(table) = self.describe().await?
                && matches!(table.table_status(), Some(TableStatus::Active | TableStatus::Updating))
            {
                return Ok(table);
            }
            if now >= give_up_at {
                return Err(TableError::NotActive { table: self.definition.name.clone() });
            }
            now = clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// Checks that the table has the keys and indexes of the definition. Further indexes are fine.
    fn compare(&self, found: &TableDescription) -> Result<(), TableError> {
        let table = || self.definition.name.clone();
        if !self.is_keyed_as(found, found.key_schema(), &self.definition.key) {
            return Err(TableError::KeysDiffer { table: table() });
        }
        for index in &self.definition.indexes {
            let same = found.global_secondary_indexes().iter().any(|found_index| {
                found_index.index_name() == Some(&*index.name)
                    && self.is_keyed_as(found, found_index.key_schema(), &index.key)
            });
            if !same {
                let index = index.name.to_string();
                return Err(TableError::IndexDiffers { table: table(), index });
            }
        }
        Ok(())
    }

    fn is_keyed_as(
        &self,
        table: &TableDescription,
        found: &[KeySchemaElement],
        expected: &KeySchema,
    ) -> bool {
        let is_text = |name: &str| {
            table.attribute_definitions().iter().any(|attribute| {
                attribute.attribute_name() == name
                    && *attribute.attribute_type() == ScalarAttributeType::S
            })
        };
        key_schema(expected).is_ok_and(|expected| expected == found)
            && found.iter().all(|element| is_text(element.attribute_name()))
    }

    async fn turn_time_to_live_on(&self) -> Result<(), TableError> {
        let client = &self.store.client;
        let described = client.describe_time_to_live().table_name(self.name()).send().await;
        let described = described.map_err(|error| self.failed(&error))?;
        let enabled = described.time_to_live_description.filter(|ttl| {
            matches!(
                ttl.time_to_live_status(),
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            )
        });
        let wanted = &*self.definition.ttl;
        if let Some(attribute) = enabled.and_then(|ttl| ttl.attribute_name) {
            if attribute == wanted {
                return Ok(());
            }
            let table = self.definition.name.clone();
            return Err(TableError::TimeToLiveDiffers { table, attribute });
        }
        let specification =
            TimeToLiveSpecification::builder().attribute_name(wanted).enabled(true).build();
        client
            .update_time_to_live()
            .table_name(self.name())
            .set_time_to_live_specification(specification.ok())
            .send()
            .await
            .map(drop)
            .map_err(|error| self.failed(&error))
    }

    fn attributes(&self) -> Result<Vec<AttributeDefinition>, BuildError> {
        let text = |name: &str| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
        };
        self.definition.key_attributes().into_iter().map(|name| text(name)).collect()
    }

    fn indexes(&self) -> Result<Vec<GlobalSecondaryIndex>, BuildError> {
        let all = Projection::builder().projection_type(ProjectionType::All).build();
        self.definition
            .indexes
            .iter()
            .map(|index| {
                GlobalSecondaryIndex::builder()
                    .index_name(&*index.name)
                    .set_key_schema(Some(key_schema(&index.key)?))
                    .projection(all.clone())
                    .build()
            })
            .collect()
    }

    fn name(&self) -> &str {
        self.definition.name.as_ref()
    }

    fn failed<E>(&self, error: &SdkError<E>) -> TableError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        TableError::Store { table: self.definition.name.clone(), error: classify(error) }
    }
}

/// Returns the SDK's key schema: the partition key first.
fn key_schema(key: &KeySchema) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |name: &str, role: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(role).build()
    };
    let partition = element(&key.partition, KeyType::Hash);
    let sort = key.sort.as_ref().map(|name| element(name, KeyType::Range));
    core::iter::once(partition).chain(sort).collect()
}
