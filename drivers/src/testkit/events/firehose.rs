//! Records of Amazon Data Firehose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{REGION, arn};

/// Makes an event of records of a delivery stream of Amazon Data Firehose, with the ids `record-1`
/// and so on. Data is not encoded.
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
