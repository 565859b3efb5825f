use alloc::vec;

use super::*;
use crate::store::{
    Assignment, Attribute, BatchGetItem, ConditionCheck, DeleteItem, GetItem, PutItem, QueryItems,
    SortRange, TransactWrite, TransactWriteItems, Transacted, UpdateItem,
};

fn key() -> Key {
    // Written in the order of the names, whether or not the first is the partition key.
    Key::of("b", Value::from("1")).with_sort("a", Value::from("2"))
}

fn update() -> UpdateItem {
    let many = ('a'..='l').map(|name| Assignment::set(alloc::format!("x{name}"), "\"\u{7}"));
    UpdateItem {
        table: "t".into(),
        key: key(),
        assignments: many
            .chain([
                Assignment::Remove { name: "gone".into() },
                Assignment::add("n", 1),
                Assignment::set_if_absent("m", "x"),
            ])
            .collect(),
        guard: Guard::absent("n").or(Guard::at_most("n", 9.into()).and(Guard::Always)),
    }
}

/// A tree sorts its members, so sorted bytes equal those of the tree.
fn check(order: &impl Wire, members: &[&str]) {
    let body = order.to_body();
    assert_eq!(String::from_utf8(order.to_body_bytes()).unwrap(), body.to_string());
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), members, "{body}");
}

#[test]
fn bodies_are_written_in_the_order_of_their_members() {
    let (table, item) = ("t".into(), key().to_item().with("N", Value::Null));
    let put = PutItem { table, item: item.clone(), guard: Guard::Always };
    check(&put, &["Item", "TableName"]);
    check(
        &update(),
        &[
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "Key",
            "ReturnValues",
            "ReturnValuesOnConditionCheckFailure",
            "TableName",
            "UpdateExpression",
        ],
    );
    let delete = DeleteItem { table: "t".into(), key: key(), guard: Guard::Always };
    check(&delete, &["Key", "ReturnValues", "TableName"]);
    let get = GetItem { table: "t".into(), key: key(), consistent: true };
    check(&get, &["ConsistentRead", "Key", "TableName"]);
    let batch = BatchGetItem {
        table: "t".into(),
        keys: vec![key()],
        projection: vec!["b".into(), "a".into()],
        consistent: false,
    };
    check(&batch, &["RequestItems"]);
    let query = QueryItems {
        table: "t".into(),
        index: Some("i".into()),
        partition: Attribute { name: "b".into(), value: Value::from("1") },
        range: Some(("a".into(), SortRange::BeginsWith("x".into()))),
        filter: Guard::Present("p".into()),
        start_after: Some(item),
        limit: Some(3),
        forward: true,
        consistent: false,
    };
    check(
        &query,
        &[
            "ConsistentRead",
            "ExclusiveStartKey",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "FilterExpression",
            "IndexName",
            "KeyConditionExpression",
            "Limit",
            "ScanIndexForward",
            "TableName",
        ],
    );
    let bare = QueryItems {
        index: None,
        range: None,
        filter: Guard::Always,
        start_after: None,
        limit: None,
        ..query
    };
    check(
        &bare,
        &[
            "ConsistentRead",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "KeyConditionExpression",
            "ScanIndexForward",
            "TableName",
        ],
    );
    let there = ConditionCheck { table: "t".into(), key: key(), guard: Guard::Present("n".into()) };
    let writes = TransactWriteItems {
        writes: vec![
            TransactWrite::Update(update()),
            TransactWrite::Put(put),
            TransactWrite::Delete(delete),
            TransactWrite::Check(there),
        ],
        token: Some("token".into()),
    };
    check(&writes, &["ClientRequestToken", "TransactItems"]);
    assert!(!writes.to_body().to_string().contains("ReturnValues\""));
}

#[test]
fn an_update_is_written_to_the_letter() {
    let body = update().to_body();
    let set: Vec<_> = (0..12).map(|index| alloc::format!("#n{index} = :v{index}")).collect();
    let set = set.join(", ");
    assert_eq!(
        body["UpdateExpression"],
        alloc::format!("SET {set}, #n14 = if_not_exists(#n14, :v13) REMOVE #n12 ADD #n13 :v12")
    );
    assert_eq!(body["ConditionExpression"], "(attribute_not_exists(#n13)) OR (#n13 <= :v14)");
    assert_eq!(body["ExpressionAttributeNames"]["#n13"], "n");
    assert_eq!(body["ExpressionAttributeValues"][":v14"]["N"], "9");
    assert_eq!(body["Key"].to_string(), r#"{"a":{"S":"2"},"b":{"S":"1"}}"#);
}

#[test]
fn unreadable_replies_to_a_write_are_unavailable() {
    let order = update();
    let read = |status, body: &str| {
        let reply = Reply::from_http(status, body.as_bytes());
        order.read_reply(reply, Timestamp::UNIX_EPOCH).map(|answered| answered.answer)
    };
    let applied = Ok(Written::Applied { attributes: Item::new() });
    assert_eq!(read(200, "{}"), applied);
    assert_eq!(read(200, r#" {"Else": [1]}"#), applied);
    for body in ["", "[]", "3", "{", "{} {}", r#"{"Attributes": null}"#] {
        assert_eq!(read(200, body), Err(Error::Unavailable), "{body}");
    }
    for item in [r#"{"a": {}}"#, r#"{"a": {"X": 1}}"#, r#"{"a": {"S": "x", "N": "1"}}"#] {
        let body = alloc::format!(r#"{{"Attributes": {item}}}"#);
        assert_eq!(read(200, &body), Err(Error::Unavailable), "{body}");
    }
    assert_eq!(read(503, "<html>"), Err(Error::Unavailable));
    let fault = r#"{"__type": "x#ConditionalCheckFailedException", "message": "No"}"#;
    assert_eq!(read(200, fault), Err(Error::Unavailable));
    let named = r#"{"Attributes": {"__type": {"S": "x"}}}"#;
    let attributes = Item::new().with("__type", Value::from("x"));
    assert_eq!(read(200, named), Ok(Written::Applied { attributes }));
    let transaction = TransactWriteItems { writes: vec![], token: None };
    assert_eq!(transaction.read_answer(b"{}"), Ok(Transacted::Committed));
    let get = GetItem { table: "t".into(), key: key(), consistent: true };
    let (table, keys) = ("t".into(), vec![key()]);
    let batch = BatchGetItem { table, keys, projection: vec![], consistent: true };
    for body in [fault, "<html>"].map(str::as_bytes) {
        assert_eq!(transaction.read_answer(body), Err(Error::Unavailable));
        assert_eq!(get.read_answer(body), Err(Error::Unavailable));
        assert_eq!(batch.read_answer(body), Err(Error::Unavailable));
    }
}
