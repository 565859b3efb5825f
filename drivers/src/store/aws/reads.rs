//! Effects that read: `GetItem`, `BatchGetItem`, `QueryItems`.

use apptheory_core::store::wire::Wire as _;
use apptheory_core::store::{
    self, BatchGetItem, BatchRead, GetItem, Item, Key, Misconfiguration, Page, QueryItems,
};
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};

use super::AwsStore;
use super::classify::classify;
use super::convert::{
    SdkItem, item_from_sdk, item_to_sdk, key_to_sdk, names_to_sdk, values_to_sdk,
};
use crate::clock::Clock;

impl<C: Clock> AwsStore<C> {
    pub(super) async fn get_item(&self, order: &GetItem) -> Result<Option<Item>, store::Error> {
        let sent = self
            .client_for(order)?
            .get_item()
            .table_name(order.table.as_ref())
            .set_key(Some(key_to_sdk(&order.key)))
            .consistent_read(order.consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let consumed = sent.as_ref().ok().and_then(|answer| answer.consumed_capacity());
        self.count(GetItem::OPERATION, consumed);
        let answer = sent.map_err(|error| classify(&error))?;
        Ok(answer.item.map(item_from_sdk).transpose()?)
    }
}

impl<C: Clock> AwsStore<C> {
    pub(super) async fn batch_get_item(
        &self,
        order: &BatchGetItem,
    ) -> Result<BatchRead, store::Error> {
        let expressions = order.expressions();
        let request = KeysAndAttributes::builder()
            .set_keys(Some(order.keys.iter().map(key_to_sdk).collect()))
            .set_expression_attribute_names(names_to_sdk(&expressions))
            .set_projection_expression(expressions.projection)
            .consistent_read(order.consistent)
            .build()
            .map_err(|_| store::Error::Misconfigured(Misconfiguration::InvalidRequest))?;
        let sent = self
            .client_for(order)?
            .batch_get_item()
            .request_items(order.table.as_ref(), request)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let consumed = sent.as_ref().map_or(&[][..], |answer| answer.consumed_capacity());
        self.count(BatchGetItem::OPERATION, consumed);
        let answer = sent.map_err(|error| classify(&error))?;

        let table = order.table.as_ref();
        let items = answer.responses.and_then(|mut tables| tables.remove(table));
        let unprocessed = answer.unprocessed_keys.and_then(|mut tables| tables.remove(table));
        let unprocessed = unprocessed.map(|request| request.keys).unwrap_or_default();
        Ok(BatchRead {
            items: items_from_sdk(items.unwrap_or_default())?,
            unprocessed: unprocessed
                .into_iter()
                .map(|key| unprocessed_key(order, key))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn unprocessed_key(order: &BatchGetItem, key: SdkItem) -> Result<Key, store::Error> {
    order.key_of(&item_from_sdk(key)?).ok_or(store::Error::Unavailable)
}

impl<C: Clock> AwsStore<C> {
    pub(super) async fn query(&self, order: &QueryItems) -> Result<Page, store::Error> {
        let expressions = order.expressions();
        let sent = self
            .client_for(order)?
            .query()
            .table_name(order.table.as_ref())
            .set_index_name(order.index.as_ref().map(ToString::to_string))
            .set_expression_attribute_names(names_to_sdk(&expressions))
            .set_expression_attribute_values(values_to_sdk(&expressions))
            .set_key_condition_expression(expressions.key_condition)
            .set_filter_expression(expressions.filter)
            .set_exclusive_start_key(order.start_after.as_ref().map(item_to_sdk))
            // The protocol's number is an `i32`, far more items than a page examines.
            .set_limit(order.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
            .scan_index_forward(order.forward)
            .consistent_read(order.consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let consumed = sent.as_ref().ok().and_then(|answer| answer.consumed_capacity());
        self.count(QueryItems::OPERATION, consumed);
        let answer = sent.map_err(|error| classify(&error))?;
        let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
        Ok(Page {
            items: items_from_sdk(answer.items.unwrap_or_default())?,
            next: next.map(item_from_sdk).transpose()?,
        })
    }
}

fn items_from_sdk(items: Vec<SdkItem>) -> Result<Vec<Item>, store::Error> {
    Ok(items.into_iter().map(item_from_sdk).collect::<Result<_, _>>()?)
}
