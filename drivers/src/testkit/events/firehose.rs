//! Records of Amazon Data Firehose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{REGION, arn};

/// Creates an event of records of an Amazon Data Firehose stream, with the ids `record-1` and so
/// on. Pass the data unencoded.
#[must_use]
pub fn firehose<D: Into<Vec<u8>>>(stream: &str, data: impl IntoIterator<Item = D>) -> Value {
    let records = data.into_iter().enumerate().map(|(index, data)| {
        json!({
            "recordId": format!("record-{}", index.saturating_add(1)),
            "approximateArrivalTimestamp": 0,
            "data": STANDARD.encode(data.into()),
        })
    });
    json!({
        "invocationId": "test",
        "deliveryStreamArn": arn("firehose", stream, |name| format!("deliverystream/{name}")),
        "region": REGION,
        "records": records.collect::<Vec<_>>(),
    })
}
