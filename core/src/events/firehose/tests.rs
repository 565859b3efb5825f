use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value as Json, json};

use super::{FirehoseRecord, FirehoseResponse, MAX_FIREHOSE_ANSWER_BYTES, Transformed};
use crate::events::{BatchEvent, BatchSource, ErrorKind};

fn event(ids: &[&str]) -> String {
    let records: Vec<_> = ids.iter().map(|id| json!({"recordId": id, "data": "aGk="})).collect();
    json!({"deliveryStreamArn": "arn:aws:firehose:r:1:deliverystream/clicks",
        "records": records})
    .to_string()
}

fn answered(
    ids: &[&str],
    outputs: impl IntoIterator<Item = Option<Transformed>>,
    most: usize,
) -> (Json, Vec<usize>) {
    let event = event(ids);
    let event = BatchEvent::read(BatchSource::Firehose, &event).unwrap();
    let answer = FirehoseResponse::new(&event, outputs, most).unwrap();
    assert!(answer.json.len() <= most, "{} of {most}", answer.json.len());
    (serde_json::from_str(&answer.json).unwrap(), answer.left_out)
}

#[test]
fn every_record_comes_back_with_what_became_of_it() {
    let outputs =
        [Some(Transformed::ok("tea").partition_key("k<", "v")), Some(Transformed::dropped()), None];
    let (answer, left_out) = answered(&["1", "2", "3"], outputs, MAX_FIREHOSE_ANSWER_BYTES);
    assert!(left_out.is_empty());
    let expected = json!({"records": [
        {"recordId": "1", "result": "Ok", "data": "dGVh",
            "metadata": {"partitionKeys": {"k<": "v"}}},
        {"recordId": "2", "result": "Dropped"},
        {"recordId": "3", "result": "ProcessingFailed"},
    ]});
    assert_eq!(answer, expected);
}

#[test]
fn what_does_not_fit_comes_back_as_failed() {
    let ids = ["1", "2", "3", "4"];
    let outputs = || {
        let sizes = [300_usize, 30_000, 300, 300].into_iter();
        sizes.map(|size| Some(Transformed::ok("x".repeat(size))))
    };
    let results = |most| {
        let (answer, left_out) = answered(&ids, outputs(), most);
        let results = answer["records"].as_array().unwrap().iter();
        let ok = results.map(|record| record["result"] == "Ok").collect::<Vec<_>>();
        (ok, left_out)
    };
    assert_eq!(results(50_000), ([true; 4].to_vec(), [].into()));
    assert_eq!(results(2_000), ([true, false, true, true].to_vec(), [1].into()));
    assert_eq!(results(900), ([true, false, false, false].to_vec(), [1, 2, 3].into()));
    assert_eq!(results(300), ([false; 4].to_vec(), [0, 1, 2, 3].into()));
}

#[test]
fn a_record_without_an_id_fails_the_event() {
    let event = event(&["1", " "]);
    let event = BatchEvent::read(BatchSource::Firehose, &event).unwrap();
    let answer = FirehoseResponse::new(&event, [None, None], 1000);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::UnnamedRecord);
}

#[test]
fn only_what_firehose_takes_is_an_answer() {
    for output in [
        Transformed::ok([0xff]),
        Transformed::ok(""),
        Transformed::dropped(),
        Transformed::json(&7).unwrap().partition_key("a", "b"),
    ] {
        assert_eq!(Transformed::of(json!(output)).unwrap(), output);
    }
    for other in [
        json!(null),
        json!("Ok"),
        json!({"result": "Ok"}),
        json!({"result": "Ok", "data": "?"}),
        json!({"result": "ProcessingFailed", "data": ""}),
        json!({"result": "Dropped", "data": "YQ=="}),
        json!({"result": "Ok", "data": "", "record": "1"}),
    ] {
        assert!(Transformed::of(other.clone()).is_err(), "{other}");
    }
}

#[test]
fn results_given_as_json_are_accepted() {
    let read = |answer: Json| Transformed::of(answer).unwrap();
    let dropped = json!({"recordId": "1", "result": "Dropped", "data": "", "metadata": null});
    assert_eq!(read(dropped), Transformed::dropped());
    let keyed = json!({"recordId": "1", "result": "Ok", "data": "YQ==",
        "metadata": {"partitionKeys": {"k": "v"}}});
    assert_eq!(read(keyed), Transformed::ok("a").partition_key("k", "v"));
}

#[test]
fn records_name_their_stream_and_their_source() {
    let event = json!({"deliveryStreamArn": "arn:aws:firehose:r:1:deliverystream/clicks",
        "sourceKinesisStreamArn": "arn:aws:kinesis:r:1:stream/s", "records": [
        {"recordId": "1", "data": "aGk=", "approximateArrivalTimestamp": 7,
            "kinesisRecordMetadata": {"partitionKey": "p", "sequenceNumber": "9"}},
        {"recordId": "2", "data": "?"}, {"recordId": 3}]})
    .to_string();
    let event = BatchEvent::read(BatchSource::Firehose, &event).unwrap();
    let read = |index| FirehoseRecord::read(&event.record(index).unwrap());
    assert_eq!(event.record(0).unwrap().name(), "clicks");
    let record = read(0).unwrap().into_owned();
    assert_eq!((&*record.data, record.arrived_at), (&b"hi"[..], 7));
    assert_eq!((&*record.partition_key, &*record.sequence_number), ("p", "9"));
    assert_eq!(read(1).unwrap_err().kind(), ErrorKind::InvalidBase64);
    assert_eq!(read(2).unwrap_err().kind(), ErrorKind::Malformed);
    let named: Vec<_> = event.records().map(|record| record.identifier().to_string()).collect();
    assert_eq!(named, ["1", "2", ""]);
}
