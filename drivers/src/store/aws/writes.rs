//! Effects that write: `PutItem`, `UpdateItem`, `DeleteItem`, `TransactWriteItems`.

use core::error::Error;

use apptheory_core::store::wire::Wire as _;
use apptheory_core::store::{
    self, CancellationReason, DeleteItem, Guard, Item, Misconfiguration, PutItem, TransactWrite,
    TransactWriteItems, Transacted, UpdateItem, Written,
};
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{
    ConditionCheck as SdkConditionCheck, Delete, Put, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::classify::classify;
use super::convert::{
    SdkItem, item_from_sdk, item_to_sdk, key_to_sdk, names_to_sdk, values_to_sdk,
};
use super::{AwsStore, sent_once};
use crate::clock::Clock;

/// Sets on an SDK builder what all guarded writes have: the table, the condition with its
/// placeholders, and what a failed condition returns. The builders share method names, but no
/// trait.
macro_rules! guarded {
    ($builder:expr, $order:expr, $expressions:expr) => {{
        let expressions = $expressions;
        $builder
            .table_name($order.table.as_ref())
            .set_expression_attribute_names(names_to_sdk(&expressions))
            .set_expression_attribute_values(values_to_sdk(&expressions))
            .set_condition_expression(expressions.condition)
            .set_return_values_on_condition_check_failure(old_item_if(&$order.guard))
    }};
}

impl<C: Clock> AwsStore<C> {
    pub(super) async fn put_item(&self, order: &PutItem) -> Result<Written, store::Error> {
        let sent = guarded!(self.client_for(order)?.put_item(), order, order.expressions())
            .set_item(Some(item_to_sdk(&order.item)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let consumed = sent.as_ref().ok().and_then(|answer| answer.consumed_capacity());
        self.count(PutItem::OPERATION, consumed);
        // A put returns nothing: the new item is the one that was sent.
        written(sent.map(|_| None), |error| {
            if let PutItemError::ConditionalCheckFailedException(refusal) = error {
                Some(refusal)
            } else {
                None
            }
        })
    }

    pub(super) async fn update_item(&self, order: &UpdateItem) -> Result<Written, store::Error> {
        let expressions = order.expressions();
        let update = expressions.update.clone();
        let request = guarded!(self.client_for(order)?.update_item(), order, expressions)
            .set_key(Some(key_to_sdk(&order.key)))
            .set_update_expression(update)
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let sent = if order.is_idempotent() {
            request.send().await
        } else {
            request.customize().config_override(sent_once()).send().await
        };
        let consumed = sent.as_ref().ok().and_then(|answer| answer.consumed_capacity());
        self.count(UpdateItem::OPERATION, consumed);
        written(sent.map(|answer| answer.attributes), |error| {
            if let UpdateItemError::ConditionalCheckFailedException(refusal) = error {
                Some(refusal)
            } else {
                None
            }
        })
    }

    pub(super) async fn delete_item(&self, order: &DeleteItem) -> Result<Written, store::Error> {
        let sent = guarded!(self.client_for(order)?.delete_item(), order, order.expressions())
            .set_key(Some(key_to_sdk(&order.key)))
            .return_values(ReturnValue::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let consumed = sent.as_ref().ok().and_then(|answer| answer.consumed_capacity());
        self.count(DeleteItem::OPERATION, consumed);
        written(sent.map(|answer| answer.attributes), |error| {
            if let DeleteItemError::ConditionalCheckFailedException(refusal) = error {
                Some(refusal)
            } else {
                None
            }
        })
    }

    pub(super) async fn transact_write_items(
        &self,
        order: &TransactWriteItems,
    ) -> Result<Transacted, store::Error> {
        let client = self.client_for(order)?;
        let writes = order.writes.iter().map(transact_write).collect::<Result<_, _>>();
        let writes =
            writes.map_err(|_| store::Error::Misconfigured(Misconfiguration::InvalidRequest))?;
        let request = client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .set_client_request_token(order.token.clone())
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let sent = if order.token.is_none() {
            request.customize().config_override(sent_once()).send().await
        } else {
            request.send().await
        };
        let consumed = sent.as_ref().map_or(&[][..], |answer| answer.consumed_capacity());
        self.count(TransactWriteItems::OPERATION, consumed);
        match sent {
            Ok(_) => Ok(Transacted::Committed),
            Err(error) => canceled(&error),
        }
    }
}

/// Returns the outcome of a guarded write; `refusal` finds the failed condition in the SDK's error.
fn written<E>(
    sent: Result<Option<SdkItem>, SdkError<E>>,
    refusal: impl FnOnce(&E) -> Option<&ConditionalCheckFailedException>,
) -> Result<Written, store::Error>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let error = match sent {
        Ok(attributes) => {
            return Ok(Written::Applied {
                attributes: item_from_sdk(attributes.unwrap_or_default())?,
            });
        }
        Err(error) => error,
    };
    match error.as_service_error().and_then(refusal) {
        Some(refusal) => Ok(Written::Refused { seen: seen(refusal.item())? }),
        None => Err(classify(&error)),
    }
}

fn canceled(error: &SdkError<TransactWriteItemsError>) -> Result<Transacted, store::Error> {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
        error.as_service_error()
    else {
        return Err(classify(error));
    };
    let reasons = canceled
        .cancellation_reasons()
        .iter()
        .map(|reason| {
            let code = reason.code().unwrap_or_default();
            Ok(CancellationReason::from_code(code, seen(reason.item())?))
        })
        .collect::<Result<_, store::Error>>()?;
    Ok(Transacted::Canceled { reasons })
}

fn seen(item: Option<&SdkItem>) -> Result<Option<Item>, store::Error> {
    Ok(item.cloned().map(item_from_sdk).transpose()?)
}

/// Returns what a failed condition should return; nothing if the guard always holds.
fn old_item_if(guard: &Guard) -> Option<ReturnValuesOnConditionCheckFailure> {
    (*guard != Guard::Always).then_some(ReturnValuesOnConditionCheckFailure::AllOld)
}

fn transact_write(write: &TransactWrite) -> Result<TransactWriteItem, BuildError> {
    let item = TransactWriteItem::builder();
    Ok(match write {
        TransactWrite::Update(order) => {
            let expressions = order.expressions();
            let update = expressions.update.clone();
            let update = guarded!(Update::builder(), order, expressions)
                .set_key(Some(key_to_sdk(&order.key)))
                .set_update_expression(update);
            item.update(update.build()?).build()
        }
        TransactWrite::Put(order) => {
            let put = guarded!(Put::builder(), order, order.expressions())
                .set_item(Some(item_to_sdk(&order.item)));
            item.put(put.build()?).build()
        }
        TransactWrite::Delete(order) => {
            let delete = guarded!(Delete::builder(), order, order.expressions())
                .set_key(Some(key_to_sdk(&order.key)));
            item.delete(delete.build()?).build()
        }
        TransactWrite::Check(order) => {
            let check = guarded!(SdkConditionCheck::builder(), order, order.expressions())
                .set_key(Some(key_to_sdk(&order.key)));
            item.condition_check(check.build()?).build()
        }
    })
}
