//! Events of any shape are parsed without a panic, and no record of a batch is lost, in any order
//! of completion.

#[path = "events/any_event.rs"]
mod any_event;

use std::collections::BTreeMap;

use apptheory::events::{
    AfterFailure, Batch, BatchEvent, BatchItem, BatchSource, Delivery, DynamoDbRecord,
    DynamoDbSummary, ErrorKind, EventBridge, EventBridgeEvent, EventBridgeRoutes, EventInput,
    EventObservation, EventOutcome, KinesisRecord, LambdaEvent, OnUnmatched, RawEvent, Routes,
    Rule, Seen, Shape, Sns, SqsRecord, Turn, WebSocketEvent,
};
use apptheory::json;
use apptheory::sanitize::log_safe_value;
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use self::any_event::{any_event, any_record, any_text};

/// The services whose records are in `Records`.
const SOURCES: [BatchSource; 6] = [
    BatchSource::Sqs,
    BatchSource::Kinesis,
    BatchSource::DynamoDbStream,
    BatchSource::S3,
    BatchSource::Ses,
    BatchSource::CodeCommit,
];

/// The next action of a host.
#[derive(Clone, Copy, Debug)]
enum Act {
    Take,
    /// Reports one of the records in progress.
    Succeed(usize),
    Fail(usize),
    /// Loses one of them.
    Lose(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Take),
        3 => (0..4_usize).prop_map(Act::Succeed),
        2 => (0..4_usize).prop_map(Act::Fail),
        1 => (0..4_usize).prop_map(Act::Lose),
    ]
}

fn items() -> impl Strategy<Value = Vec<BatchItem<'static>>> {
    let identifier =
        prop_oneof![9 => "[a-c]", 1 => Just(" ".to_owned()), 1 => Just(" a ".to_owned())];
    let item = (identifier, prop::option::of("[a-c]")).prop_map(|(identifier, group)| BatchItem {
        identifier: identifier.into(),
        group: group.map(Into::into),
    });
    prop::collection::vec(item, 0..12)
}

fn policy() -> impl Strategy<Value = AfterFailure> {
    prop_oneof![Just(AfterFailure::Continue), Just(AfterFailure::SkipGroup)]
}

/// A batch, and what a naive host knows about it.
struct Host {
    items: Vec<BatchItem<'static>>,
    batch: Batch<'static>,
    running: Vec<Turn>,
    started: Vec<usize>,
    succeeded: Vec<usize>,
    failed: Vec<usize>,
}

impl Host {
    fn new(items: &[BatchItem<'static>], after: AfterFailure) -> Self {
        let batch = Batch::new(items.iter().cloned(), after);
        let (running, started, succeeded, failed) = Default::default();
        Self { items: items.to_vec(), batch, running, started, succeeded, failed }
    }

    fn turn(&mut self, nth: usize) -> Option<Turn> {
        (!self.running.is_empty()).then(|| self.running.remove(nth % self.running.len()))
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Take => {
                if let Some(turn) = self.batch.take(Timestamp::UNIX_EPOCH) {
                    self.started.push(turn.index());
                    self.running.push(turn);
                }
            }
            Act::Succeed(nth) => {
                if let Some(turn) = self.turn(nth) {
                    self.succeeded.push(turn.index());
                    self.batch.succeed(turn);
                }
            }
            Act::Fail(nth) => {
                if let Some(turn) = self.turn(nth) {
                    self.failed.push(turn.index());
                    self.batch.fail(turn);
                }
            }
            Act::Lose(nth) => drop(self.turn(nth)),
        }
    }

    /// Returns the records of each group, in order.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, item) in self.items.iter().enumerate() {
            if let Some(group) = &item.group {
                groups.entry(group).or_default().push(index);
            }
        }
        groups.into_values().collect()
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn the_answer_names_exactly_what_did_not_succeed(
        items in items(),
        after in policy(),
        acts in prop::collection::vec(act(), 0..40),
    ) {
        let mut host = Host::new(&items, after);
        for act in acts {
            host.act(act);
        }
        let missed: Vec<String> = (0..items.len())
            .filter(|index| !host.succeeded.contains(index))
            .map(|index| items[index].identifier.trim().to_owned())
            .collect();
        let expected = match missed.iter().any(String::is_empty) {
            true => Err(ErrorKind::UnnamedRecord),
            false => Ok(missed),
        };
        let failures = host.batch.finish().map(|answer| {
            answer.failures.iter().map(ToString::to_string).collect::<Vec<_>>()
        });
        prop_assert_eq!(failures.map_err(|error| error.kind()), expected);
    }

    #[test]
    fn groups_keep_their_order_under_any_interleaving(
        items in items(),
        after in policy(),
        acts in prop::collection::vec(act(), 0..40),
    ) {
        let mut host = Host::new(&items, after);
        for act in acts {
            host.act(act);
            for group in host.groups() {
                let started: Vec<_> =
                    host.started.iter().copied().filter(|index| group.contains(index)).collect();
                prop_assert_eq!(&started[..], &group[..started.len()]);
                let ended = host.succeeded.iter().chain(&host.failed);
                let ended = ended.filter(|index| group.contains(index)).count();
                prop_assert!(started.len() <= ended + 1, "one at a time");
                let failure = host.failed.iter().find(|index| group.contains(index));
                if after == AfterFailure::SkipGroup && let Some(failure) = failure {
                    prop_assert_eq!(started.last(), Some(failure));
                }
            }
        }
    }

    #[test]
    fn a_host_that_reports_everything_gets_to_the_end(
        items in items(),
        after in policy(),
        choices in prop::collection::vec((any::<bool>(), 0..4_usize), 64),
        at_once in 1..5_usize,
    ) {
        let mut host = Host::new(&items, after);
        for (succeeds, nth) in choices {
            for _ in host.running.len()..at_once {
                host.act(Act::Take);
            }
            host.act(if succeeds { Act::Succeed(nth) } else { Act::Fail(nth) });
        }
        prop_assert!(host.running.is_empty());
        let mut ran = host.started.clone();
        ran.sort_unstable();
        ran.dedup();
        prop_assert_eq!(ran.len(), host.started.len(), "nothing runs twice");
        if after == AfterFailure::Continue {
            prop_assert_eq!(ran.len(), items.len());
        }
    }

    #[test]
    fn nothing_starts_when_the_time_has_come(items in items(), at in 0..3_i64) {
        let stop = Timestamp::from_unix_seconds(1);
        let mut batch = Batch::new(items.clone(), AfterFailure::Continue).stopping_at(stop);
        let taken = batch.take(Timestamp::from_unix_seconds(at)).is_some();
        prop_assert_eq!(taken, at < 1 && !items.is_empty());
    }

    #[test]
    fn any_json_is_an_event_or_an_error(event in any_event()) {
        read_everything(&event.to_string())?;
    }

    #[test]
    fn any_text_is_an_event_or_an_error(text in "[\\[\\]{}\":,a-eRecords0-9 ]{0,32}") {
        read_everything(&text)?;
    }

    #[test]
    fn a_record_says_nothing_about_others(
        source in prop::sample::select(SOURCES.to_vec()),
        mut records in prop::collection::vec(any_record(), 1..5),
        odd in any_record(),
        at in 0..5_usize,
    ) {
        let heads = |records: &[Json]| {
            let text = json!({"Records": records}).to_string();
            let event = BatchEvent::read(source, &text).unwrap();
            let head = |record: &apptheory::events::BatchRecord<'_>| {
                (record.identifier().to_owned(), record.name().to_owned())
            };
            event.records().map(|record| head(&record)).collect::<Vec<_>>()
        };
        let at = at % records.len();
        let before = heads(&records);
        records[at] = odd;
        let after = heads(&records);
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            prop_assert!(index == at || before == after);
        }
    }

    #[test]
    fn any_bytes_are_a_delivery_or_an_error(
        data in prop::collection::vec(any::<u8>(), 0..64),
        is_gzip in any::<bool>(),
    ) {
        let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        let data = if is_gzip { [&header[..], &data].concat() } else { data };
        let data = STANDARD.encode(data);
        let text = json!({"Records": [{"eventID": "a", "kinesis": {"data": data}}]}).to_string();
        let event = BatchEvent::read(BatchSource::Kinesis, &text).unwrap();
        let record = KinesisRecord::read(&event.record(0).unwrap()).unwrap();
        prop_assert!(record.cloudwatch_logs().is_err());
    }

    #[test]
    fn a_logged_value_is_one_word_and_decodes_to_the_original(text in any_text()) {
        let safe = log_safe_value(&text);
        prop_assert!(!safe.contains(|c: char| c.is_whitespace() || c.is_control() || c == '='));
        let read = apptheory::percent::decode(&safe);
        prop_assert_eq!(&*read, &*text);
    }

    #[test]
    fn every_name_has_one_handler(names in prop::collection::vec("[ab ]{0,2}", 0..8)) {
        let mut routes = Routes::new();
        for (index, name) in names.iter().enumerate() {
            let trimmed = name.trim();
            let is_new = names.iter().position(|known| known.trim() == trimmed) == Some(index);
            let registered = routes.insert(name, index).is_ok();
            prop_assert_eq!(registered, is_new && !trimmed.is_empty());
        }
        for name in ["a", "b", "ab", ""] {
            let first = names.iter().position(|known| known.trim() == name && !name.is_empty());
            prop_assert_eq!(routes.find(name).copied(), first);
        }
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_shape_fits_what_has_its_members(
        event in any_event(),
        (name, text) in (any_text(), any_text()),
        nth in any::<usize>(),
    ) {
        let written = event.to_string();
        let raw = RawEvent::read(&written).unwrap();
        let members: Vec<_> = event.as_object().into_iter().flatten().collect();
        // A name or text of the event, or any other.
        let own = (!members.is_empty()).then(|| members[nth % members.len()]);
        let name = own.map_or(&name, |(name, _)| name);
        let text = own.and_then(|(_, value)| value.as_str()).unwrap_or(&text);

        let value = event.as_object().and_then(|event| event.get(name));
        let is_named = !name.trim().is_empty();
        let has_member = is_named && value.is_some_and(|value| !value.is_null());
        prop_assert_eq!(Shape::member(name).fits(&raw), has_member);
        let has_text = is_named && !text.trim().is_empty() && value.and_then(Json::as_str) == Some(text);
        prop_assert_eq!(Shape::member_is(name, text).fits(&raw), has_text);
        let both = Shape::all([Shape::member(name), Shape::member_is(name, text)]);
        prop_assert_eq!(both.fits(&raw), has_text);
        if Shape::records_from(text).fits(&raw) {
            prop_assert!(event["Records"][0].is_object());
        }
    }

    #[test]
    fn what_was_seen_of_an_event_may_be_logged(event in any_event(), cut in any::<prop::sample::Index>()) {
        let text = event.to_string();
        let raw = RawEvent::read(&text).unwrap();
        prop_assert_eq!(raw.as_json(), &*text);
        let seen = raw.seen();
        if let Seen::Members { names, more } = &seen {
            prop_assert_eq!(names.len() + more, event.as_object().unwrap().len());
            prop_assert!(names.len() <= Seen::MAX_NAMES);
            prop_assert!(names.iter().all(|name| name.chars().count() <= Seen::MAX_NAME_CHARS + 1));
        }
        for told in [seen.to_string(), raw.unknown().to_string()] {
            prop_assert!(!told.contains(char::is_control), "{told:?}");
        }
        let at = cut.index(text.len() + 1);
        if let Some(part) = text.get(..at).filter(|part| part.len() < text.len()) {
            let is_json = serde_json::from_str::<Json>(part).is_ok();
            prop_assert_eq!(RawEvent::read(part).is_ok(), is_json);
        }
    }

    #[test]
    fn what_is_in_envelopes_is_read_or_refused(event in any_event(), name in any_text()) {
        let text = event.to_string();
        let _ = json::read::<Sns<EventBridge<Json>>>(text.as_bytes());
        let bare = json::read::<EventBridge<Json>>(text.as_bytes()).is_ok();
        // Readers derived by `serde` also accept a list of the members.
        prop_assert!(!bare || event.get("detail").is_some() || event.is_array());

        let inner = json!({"detail": event, "source": name, "account": null}).to_string();
        let outer = json!({"Message": inner, "TopicArn": name}).to_string();
        let read = json::read::<Sns<EventBridge<Json>>>(outer.as_bytes()).unwrap();
        prop_assert_eq!(&read.message.detail, &event);
        prop_assert_eq!((&read.message.source, &read.topic_arn), (&name, &name));
        // A text inside of a text is another envelope.
        let twice = json!({"Message": outer}).to_string();
        let read = json::read::<Sns<Sns<EventBridge<Json>>>>(twice.as_bytes()).unwrap();
        prop_assert_eq!(read.message.message.detail, event);
    }
}

/// Parses a text as an event of every kind, with everything in it.
fn read_everything(text: &str) -> Result<(), TestCaseError> {
    if let Ok(LambdaEvent::Sns(records)) = LambdaEvent::read(text) {
        let _ = Routes::<()>::new().of_notifications(&records);
    }
    for source in BatchSource::ALL {
        let Ok(event) = BatchEvent::read(source, text) else { continue };
        for record in event.records() {
            let record = &record;
            let _ = EventInput::read(source, record);
            let _ = SqsRecord::read(record);
            if let Ok(record) = KinesisRecord::read(record) {
                let _ = record.cloudwatch_logs();
            }
            if let Ok(record) = DynamoDbRecord::read(record) {
                let _ = (record.keys(), record.new_image(), record.old_image());
            }
            let summary = DynamoDbSummary::of(record);
            prop_assert_eq!(summary.safe_log.split_whitespace().count(), 4);
            let observation = EventObservation::dynamodb(&summary, "r");
            let _ = observation.log(EventOutcome::Error);
        }
        let every = event.batch(AfterFailure::Continue).finish();
        let named = event.records().all(|record| !record.identifier().is_empty());
        prop_assert_eq!(every.is_ok(), named);
    }
    if let Ok(event) = EventBridgeEvent::read(text) {
        let now = Timestamp::UNIX_EPOCH;
        let invocation = Delivery::new("", None, now, String::new);
        let envelope = event.envelope(&invocation);
        prop_assert_eq!(envelope.correlation_id.is_empty(), envelope.correlation_source.is_none());
        let required = event.require_envelope(&invocation);
        prop_assert!(required.is_err() || required == Ok(envelope));
        let summary = event.scheduled_summary(&invocation, now);
        prop_assert!(!summary.result.status.is_empty());
        let mut routes = EventBridgeRoutes::new(OnUnmatched::Succeed);
        let rule = Rule::source(&event.source).detail_type(&event.detail_type);
        let registered = routes.insert(rule, ()).is_ok();
        let is_selectable = !(event.source.is_empty() || event.detail_type.is_empty());
        prop_assert_eq!(registered, is_selectable);
        prop_assert_eq!(routes.find(&event).map(|found| found.is_some()), Ok(is_selectable));
    }
    if let Ok(event) = WebSocketEvent::read(text) {
        let endpoint = event.connection.management_endpoint.clone();
        prop_assert!(endpoint.is_empty() || endpoint.starts_with("https://"));
        let _ = event.into_request(Some(8));
    }
    Ok(())
}
