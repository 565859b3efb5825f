//! Texts from outside in logs.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::LazyLock;

use apptheory::events::{
    BatchSource, Delivery, EventBridgeEvent, EventObservation, EventOutcome, Trigger,
};
use apptheory::observe::LogText;
use apptheory::sanitize::{log_safe_value, log_text};
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use proptest::prelude::*;
use regex::Regex;
use serde_json::json;

/// Invisible characters by Unicode's database, as another library has it.
static HIDDEN: LazyLock<Regex> = LazyLock::new(|| {
    let classes =
        r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}]";
    Regex::new(classes).unwrap()
});

#[test]
fn every_character_of_unicode_is_shown_or_removed() {
    for c in '\0'..=char::MAX {
        let text = String::from(c);
        let is_hidden = HIDDEN.is_match(&text);
        let shown = match c {
            '\t' => " ",
            _ if is_hidden => "",
            _ => &text,
        };
        assert_eq!(log_text(&text), shown, "U+{:04X}", u32::from(c));
        assert!(!is_hidden || log_safe_value(&text).is_ascii(), "U+{:04X}", u32::from(c));
    }
}

/// Generates texts with many invisible characters.
fn any_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        '\u{202e}',
        '\u{2066}',
        '\u{200b}',
        '\u{feff}',
        '\u{e0041}',
        '\u{fe0f}',
        '\u{ad}',
        '\r',
        '\n',
        '\0',
        '\u{1b}',
        '\u{2028}',
    ]);
    let letter = prop_oneof![odd, any::<char>(), prop::char::range('a', 'z')];
    prop::collection::vec(letter, 0..12).prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_cleaned_text_stays_as_it_is(text in any_text()) {
        let once = log_text(&text);
        prop_assert_eq!(log_text(&once), &*once);
        prop_assert_eq!(&*LogText::from(text.clone()), &*LogText::from(&text));
    }

    #[test]
    fn records_of_events_hold_nothing_hidden(texts in prop::array::uniform4(any_text())) {
        let [id, source, detail_type, request_id] = texts;
        let event = json!({"id": id, "source": source, "detail-type": detail_type}).to_string();
        let event = EventBridgeEvent::read(&event).unwrap();
        let invocation = Delivery::new(&request_id, None, Timestamp::UNIX_EPOCH, String::new);
        for observation in [
            EventObservation::event_bridge(&event.envelope(&invocation)),
            EventObservation::message(Trigger::Records(BatchSource::Sqs), &source, &id, &request_id),
        ] {
            let outcome = EventOutcome::Unmatched;
            for record in [
                json!(observation.log(outcome)),
                json!(observation.metric(outcome)),
                json!(observation.span(outcome)),
            ] {
                prop_assert!(!HIDDEN.is_match(&record.to_string()), "{}", record);
            }
        }
    }
}
