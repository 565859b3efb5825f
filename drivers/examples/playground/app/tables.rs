//! The items of the tables.

use apptheory::clock::SharedClock;
use apptheory::prelude::*;
use apptheory::store::EmbeddedStore;
use serde_json::Value;

/// The embedded DynamoDB, which can list and scan its tables.
pub(super) type Tables = EmbeddedStore<SharedClock>;

/// How many items of a table are shown.
const SHOWN: usize = 20;

/// Returns every table with the number of items in its first megabyte, whether there are more, and
/// the first of them in DynamoDB's JSON.
pub(super) async fn tables(State(tables): State<Tables>) -> Result<Json<Vec<Value>>, AppError> {
    let database = tables.database();
    let names = database.list_tables(Default::default()).map_err(failed)?.table_names;
    let look = |name: String| {
        let everything = serde_json::from_value(json!({"TableName": name})).map_err(failed)?;
        let page = database.scan(everything).map_err(failed)?;
        let items = page.items.unwrap_or_default();
        Ok(json!({
            "name": name,
            "count": page.count,
            "has_more": page.last_evaluated_key.is_some(),
            "items": items.iter().take(SHOWN).collect::<Vec<_>>(),
        }))
    };
    Ok(Json(names.into_iter().map(look).collect::<Result<_, AppError>>()?))
}

fn failed(error: impl core::error::Error + Send + Sync + 'static) -> AppError {
    AppError::internal().with_cause(error)
}
