use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::json;

use super::*;
use crate::error::{AppError, Happened};
use crate::machine::{Ask, Machine as _, Step};
use crate::store::Sleep;
use crate::time::Timestamp;

const THROUGHPUT: &str = "ProvisionedThroughputExceededException";

fn record(key: &str, data: &str) -> Record {
    Record::new(key, data.as_bytes()).unwrap()
}

fn refused(code: &str) -> PutResult {
    PutResult { error_code: code.into(), ..PutResult::default() }
}

fn producer() -> ProducerConfig {
    ProducerConfig::new(StreamName::new("orders").unwrap())
}

/// Returns the pending request, and the data of its records.
fn put(step: Step<SendRecords>) -> (Ask<PutRecords, SendRecords>, Vec<String>) {
    let Step::Ask(ProducerRequest::PutRecords(ask)) = step else { panic!("no request: {step:?}") };
    let data =
        |record: &alloc::sync::Arc<Record>| String::from_utf8(record.data().to_vec()).unwrap();
    let sent = ask.effect().records.iter().map(data).collect();
    (ask, sent)
}

fn slept(step: Step<SendRecords>) -> Step<SendRecords> {
    let Step::Ask(ProducerRequest::Sleep(ask)) = step else { panic!("no sleep: {step:?}") };
    ask.answer(Timestamp::UNIX_EPOCH)
}

fn incomplete(step: Step<SendRecords>) -> Incomplete {
    let Step::Done(done) = step else { panic!("not done: {step:?}") };
    done.unwrap_err()
}

fn named(incomplete: &Incomplete) -> Vec<(usize, String, u32, Happened)> {
    let of = |u: &Unaccepted| (u.index, u.reason.to_string(), u.attempts, u.happened);
    incomplete.unaccepted().iter().map(of).collect()
}

#[test]
fn a_json_record_is_what_kinesis_takes_or_an_error() {
    let record = json_record(" p=1 ", &json!({"b": "<é>", "a": 1}), Some(" 007 ")).unwrap();
    assert_eq!(record.data(), r#"{"a":1,"b":"<é>"}"#.as_bytes());
    assert_eq!(
        serde_json::to_value(record.summary()).unwrap(),
        json!({
            "partition_key": "p=1", "explicit_hash_key": "7", "data_byte_length": 18,
            "safe_log": "partition_key=p%3D1 explicit_hash_key=7 data_bytes=18",
        })
    );
    let most = u128::MAX.to_string();
    for (key, hash_key, read) in [("k", "000", "0"), ("k", &*most, &*most)] {
        let record = json_record(key, &1, Some(hash_key)).unwrap();
        assert_eq!(record.explicit_hash_key(), Some(read));
    }
    let (long, beyond) = ("é".repeat(129), format!("{}0", u128::MAX));
    let large = "x".repeat(MAX_RECORD_BYTES - 1);
    assert!(json_record(&"é".repeat(128), &&large[1..], None).is_ok());
    for (key, payload, hash_key, text) in [
        (" ", "", None, "partition key is required"),
        (&*long, "", None, "partition key length 258 exceeds 256 bytes"),
        ("k", "", Some(" "), "explicit hash key must be decimal digits"),
        ("k", "", Some("-1"), "explicit hash key must be decimal digits"),
        ("k", "", Some("１"), "explicit hash key must be decimal digits"),
        ("k", "", Some(&*beyond), "explicit hash key exceeds Kinesis hash key range"),
        ("k", &*large, None, "json payload size 1048577 exceeds 1048576"),
    ] {
        let error = json_record(key, &payload, hash_key).unwrap_err();
        assert_eq!(error.to_string(), format!("apptheory: kinesis json record invalid: {text}"));
    }
    let nameless = alloc::collections::BTreeMap::from([([1], 2)]);
    let error = json_record("k", &nameless, None).unwrap_err();
    assert!(matches!(error.problem(), RecordProblem::NotSerializable(_)), "{error}");
}

#[test]
fn a_record_of_bytes_has_some_and_not_too_many() {
    for (data, text) in [
        (vec![], "empty record data"),
        (vec![0; MAX_RECORD_BYTES + 1], "record data size 1048577 exceeds 1048576"),
    ] {
        let error = Record::new("k", data).unwrap_err();
        assert_eq!(error.to_string(), format!("apptheory: kinesis record invalid: {text}"));
    }
    let printed = format!("{:?}", record("k", "hush"));
    assert_eq!(printed, r#"Record { partition_key: "k", explicit_hash_key: None, data: 4 bytes }"#);
}

#[test]
fn a_report_names_what_was_not_put() {
    let records = [
        record("p=1", "x"),
        record("k", "yy"),
        record("k", "zzz").with_explicit_hash_key("9").unwrap(),
    ];
    let failed = |code: &str, message: &str| PutResult {
        error_code: code.into(),
        error_message: message.into(),
        ..PutResult::default()
    };
    let results = [failed(" Prov ", "oops"), PutResult::default(), failed("InternalFailure", "")];
    let report = report_put_records_failures(&records, &results).unwrap();
    assert_eq!(
        serde_json::to_value(&report).unwrap(),
        json!({
            "record_count": 3, "failed_record_count": 2,
            "failures": [
                {
                    "index": 0, "partition_key": "p=1", "data_byte_length": 1, "error_code": "Prov",
                    "error_message_present": true, "error_message_byte_length": 4,
                    "safe_log": "kinesis_put_records_failure index=0 partition_key=p%3D1 \
                        data_bytes=1 error_code=Prov error_message_present=true error_message_bytes=4",
                },
                {
                    "index": 2, "partition_key": "k", "explicit_hash_key": "9",
                    "data_byte_length": 3, "error_code": "InternalFailure",
                    "error_message_present": false, "error_message_byte_length": 0,
                    "safe_log": "kinesis_put_records_failure index=2 partition_key=k \
                        explicit_hash_key=9 data_bytes=3 error_code=InternalFailure \
                        error_message_present=false error_message_bytes=0",
                },
            ],
            "safe_summary": {
                "record_count": 3, "failed_record_count": 2,
                "safe_log": "kinesis_put_records record_count=3 failed_record_count=2",
            },
        })
    );
    let long = "x".repeat(4097);
    for (result, text) in [
        (failed(" ", "oops"), "error message without error code"),
        (failed(&long[..129], ""), "error code too long"),
        (failed("a b", ""), "unsafe error code"),
        (failed("a\u{7f}", ""), "unsafe error code"),
        (failed("A", &long), "error message too long"),
    ] {
        let results = [PutResult::default(), result, PutResult::default()];
        let error = report_put_records_failures(&records, &results).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("apptheory: kinesis put-records result invalid: {text} at index 1")
        );
    }
    for (records, results, text) in [
        (1, 2, "records/results length mismatch records=1 results=2"),
        (501, 501, "record count 501 exceeds 500"),
    ] {
        let (records, results) =
            (vec![record("k", "x"); records], vec![PutResult::default(); results]);
        let error = report_put_records_failures(&records, &results).unwrap_err();
        assert!(error.to_string().ends_with(text), "{error}");
    }
}

#[test]
fn a_stream_is_named_by_name_or_arn() {
    for name in ["a", "orders_1.x-y", "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders"] {
        assert_eq!(StreamName::new(name).unwrap().as_str(), name);
    }
    for text in ["", " a", "a/b", "é", "arn:aws:kinesis:r:1:orders", &"a".repeat(129)] {
        let error = StreamName::new(text).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{text:?} is neither")), "{error}");
    }
}

#[test]
fn a_record_waits_for_the_one_before_it_of_its_key() {
    let records = [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3"), ("b", "b2")];
    let records = records.map(|(key, data)| record(key, data));
    let (ask, sent) = put(producer().send(records, 1).start());
    assert_eq!(sent, ["a1", "b1"]);
    let (ask, sent) = put(slept(ask.answer(Ok(vec![refused(THROUGHPUT), PutResult::default()]))));
    assert_eq!(sent, ["a1", "b2"]);
    let (ask, sent) = put(ask.answer(Ok(vec![PutResult::default(); 2])));
    assert_eq!(sent, ["a2"]);
    let (ask, sent) = put(ask.answer(Ok(vec![PutResult::default()])));
    assert_eq!(sent, ["a3"]);
    let step = ask.answer(Ok(vec![PutResult::default()]));
    assert!(matches!(step, Step::Done(Ok(5))), "{step:?}");
}

#[test]
fn a_record_that_is_given_up_holds_back_later_records_of_its_key() {
    let records = [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")];
    let records = records.map(|(key, data)| record(key, data));
    let once = producer().retry_attempts(1);
    let (ask, _) = put(once.send(records, 1).start());
    let answer = vec![refused("InternalFailure"), PutResult::default()];
    let (ask, sent) = put(slept(ask.answer(Ok(answer))));
    assert_eq!(sent, ["a1"]);
    let incomplete = incomplete(ask.answer(Ok(vec![refused(THROUGHPUT)])));
    let held_back = "held back behind an earlier record of its key";
    assert_eq!(
        named(&incomplete),
        [
            (0, format!("refused: {THROUGHPUT}"), 2, Happened::Unknown),
            (1, held_back.into(), 0, Happened::No),
            (3, held_back.into(), 0, Happened::No),
        ]
    );
    assert_eq!(
        incomplete.to_string(),
        format!(
            "apptheory: kinesis stream orders did not accept 3 of 4 records; at index 0: refused: {THROUGHPUT}"
        )
    );
    assert!(incomplete.is_retryable());
    let data: Vec<_> = incomplete.clone().into_records();
    assert_eq!(data.iter().map(|record| record.data()).collect::<Vec<_>>(), [b"a1", b"a2", b"a3"]);
    assert_eq!(AppError::from(incomplete).status(), 503);
}

#[test]
fn a_lost_answer_leaves_its_records_in_doubt() {
    let once = producer().retry_attempts(0);
    for (outcome, text, happened) in [
        (Err(Error::Timeout), "timeout", Happened::Unknown),
        (Err(Error::Throttled), "throttled", Happened::No),
        // Results whose number differs from the records' are ignored.
        (Ok(vec![PutResult::default(); 2]), "unavailable", Happened::Unknown),
    ] {
        let (ask, _) = put(once.send([record("a", "a1")], 1).start());
        assert_eq!(named(&incomplete(ask.answer(outcome))), [(0, text.into(), 1, happened)]);
    }
}

#[test]
fn a_permanent_failure_ends_the_whole_send() {
    let records = (0..501).map(|n| record(&format!("k{n}"), "x"));
    let (ask, sent) = put(producer().send(records, 1).start());
    assert_eq!(sent.len(), 500);
    let missing = Error::Misconfigured(Misconfiguration::MissingStream);
    let failed = incomplete(ask.answer(Err(missing)));
    let text = "misconfigured: the stream does not exist: create it, or set its right name, region and account";
    assert_eq!(failed.unaccepted().len(), 501);
    assert_eq!(
        named(&failed)[499..],
        [(499, text.into(), 1, Happened::No), (500, text.into(), 0, Happened::No),]
    );
    assert!(!failed.is_retryable());
    assert_eq!(AppError::from(failed).status(), 500);
}

#[test]
fn an_error_says_by_its_code_what_has_to_change() {
    let misconfigured = Error::Misconfigured;
    for (code, error) in [
        (THROUGHPUT, Error::Throttled),
        ("KMSThrottlingException", Error::Throttled),
        ("RequestTimeoutException", Error::Timeout),
        ("ResourceNotFoundException", misconfigured(Misconfiguration::MissingStream)),
        ("ExpiredTokenException", misconfigured(Misconfiguration::AccessDenied)),
        (
            "MissingAuthenticationTokenException",
            misconfigured(Misconfiguration::MissingCredentials),
        ),
        ("KMSInvalidStateException", misconfigured(Misconfiguration::UnusableKey)),
        ("InvalidArgumentException", misconfigured(Misconfiguration::InvalidRequest)),
        ("ValidationException", misconfigured(Misconfiguration::InvalidRequest)),
        ("TransactionConflictException", Error::Unavailable),
        ("", Error::Unavailable),
    ] {
        assert_eq!(Error::from_code(code), error, "{code}");
    }
}

#[test]
fn when_the_time_is_over_all_that_is_left_is_named() {
    let records = [("a", "a1"), ("b", "b1"), ("a", "a2")].map(|(key, data)| record(key, data));
    let (ask, _) = put(producer().send(records, 1).start());
    let answer = vec![PutResult::default(), refused("InternalFailure")];
    let (ask, _) = put(slept(ask.answer(Ok(answer))));
    let incomplete = incomplete(ask.answer(Err(Error::OutOfTime)));
    assert_eq!(
        named(&incomplete),
        [
            (1, "refused: InternalFailure".into(), 1, Happened::Unknown),
            (2, "no time left".into(), 0, Happened::No),
        ]
    );
    assert!(incomplete.is_retryable());
}

#[test]
fn a_record_that_is_too_large_with_its_key_is_not_sent() {
    let large = Record::new("a", vec![b'x'; MAX_RECORD_BYTES]).unwrap();
    let records = [record("a", "a1"), large, record("a", "a3"), record("b", "b1")];
    let (ask, sent) = put(producer().send(records, 1).start());
    assert_eq!(sent, ["a1", "b1"]);
    let incomplete = incomplete(ask.answer(Ok(vec![PutResult::default(); 2])));
    let text = "1048577 bytes with its partition key exceed 1048576";
    assert_eq!(named(&incomplete)[0], (1, text.into(), 0, Happened::No));
    assert_eq!(incomplete.unaccepted()[1].reason, Reason::HeldBack);
    assert!(!incomplete.is_retryable());
}

#[test]
fn delays_grow_while_requests_fail() {
    let config = producer().retry_attempts(2).backoff(DEFAULT_BACKOFF);
    let mut step = config.send([record("a", "a1")], 3).start();
    let mut delays = Vec::new();
    let done = loop {
        step = match step {
            Step::Ask(ProducerRequest::PutRecords(ask)) => ask.answer(Err(Error::Throttled)),
            Step::Ask(ProducerRequest::Sleep(ask)) => {
                let Sleep { duration } = *ask.effect();
                delays.push(duration);
                ask.answer(Timestamp::UNIX_EPOCH)
            }
            Step::Done(done) => break done,
        };
    };
    assert_eq!(delays, [DEFAULT_BACKOFF.delay(1, 3), DEFAULT_BACKOFF.delay(2, 3)]);
    assert_eq!(done.unwrap_err().unaccepted()[0].attempts, 3);
}

#[test]
fn delays_begin_anew_once_a_request_has_passed() {
    let config = producer().backoff(DEFAULT_BACKOFF);
    let mut step = config.send([record("a", "a1"), record("a", "a2")], 3).start();
    let throttled = || Err(Error::Throttled);
    let passed = || Ok(vec![PutResult::default()]);
    for (answers, delay) in
        [(vec![throttled()], 1), (vec![throttled()], 2), (vec![passed(), throttled()], 1)]
    {
        for answer in answers {
            step = put(step).0.answer(answer);
        }
        let Step::Ask(ProducerRequest::Sleep(ask)) = step else { panic!("no sleep: {step:?}") };
        assert_eq!(ask.effect().duration, DEFAULT_BACKOFF.delay(delay, 3));
        step = ask.answer(Timestamp::UNIX_EPOCH);
    }
}

#[test]
fn no_records_need_no_request() {
    let step = producer().send(Vec::<Record>::new(), 1).start();
    assert!(matches!(step, Step::Done(Ok(0))), "{step:?}");
}
