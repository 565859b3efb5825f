//! Server-sent events: parsed as written, and no text can forge a field.

use core::time::Duration;

use apptheory::events::{InvokeMode, LambdaEvent, rest_streaming_variable};
use apptheory::stream::Target;
use apptheory::stream::sse::{
    SseClosed, SseEvent, SseFramer, SseMessage, SseParser, SseTooLong, write_comment,
};
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use proptest::prelude::*;
use serde_json::json;

/// Generates characters that matter to the format, and some that do not.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\r", "\n", "\r\n", "\0", ":", " ", "data: ", "id: ", "event:", "retry: 5", "\u{feff}",
        "\u{a0}", "\u{2028}", "a", "é", "😀",
    ]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n')], 0..6);
    prop_oneof![4 => text().prop_map(String::into_bytes), 1 => bytes]
}

fn event() -> impl Strategy<Value = SseEvent> {
    let retry = prop::option::of(any::<u64>().prop_map(Duration::from_millis));
    (text(), text(), data(), retry).prop_map(|(id, event, data, retry)| SseEvent {
        id,
        event,
        data,
        retry,
    })
}

fn events() -> impl Strategy<Value = Vec<SseEvent>> {
    prop::collection::vec(event(), 0..5)
}

/// Generates bytes that look like a stream, but follow no rule.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let lines = ["\n\n", "\ndata: x\n", "\nid: 7\n", "\nretry: 9\n", "\ndata\n\n"];
    let line = prop::sample::select(lines.to_vec());
    let piece = prop_oneof![
        6 => text().prop_map(String::into_bytes),
        2 => line.prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// One event of many short lines.
fn long_data() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec("data: [a-z]{0,8}\n", 1..6)
        .prop_map(|lines| (lines.concat() + "\n").into())
}

/// Generates the lengths of pieces, repeatedly; a piece may be empty.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..9_usize, 1..6)
        .prop_filter("no end", |cuts| cuts.iter().any(|n| *n > 0))
}

fn pieces<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts.iter().cycle() {
        let (piece, rest) = bytes.split_at((*cut).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    pieces
}

struct Read {
    messages: Vec<SseMessage>,
    last_event_id: String,
    retry: Option<Duration>,
    result: Result<(), SseTooLong>,
}

fn read(bytes: &[u8], cuts: &[usize], max_bytes: usize) -> Read {
    let (mut parser, mut messages) = (SseParser::new(max_bytes), Vec::new());
    let mut result = Ok(());
    for piece in pieces(bytes, cuts) {
        result = parser.handle_bytes(piece, &mut messages);
    }
    let last_event_id = parser.last_event_id().to_owned();
    Read { messages, last_event_id, retry: parser.retry(), result }
}

fn in_one_line(text: &str) -> String {
    text.replace(['\r', '\n', '\0'], "").trim().to_owned()
}

fn with_lf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Returns what a reader must see of events: the model of writing and parsing together.
fn seen(events: &[SseEvent]) -> (Vec<SseMessage>, Option<Duration>) {
    let (mut id, mut retry) = (String::new(), None);
    let messages = events.iter().map(|event| {
        retry = event.retry.or(retry);
        if !in_one_line(&event.id).is_empty() {
            id = in_one_line(&event.id);
        }
        SseMessage {
            event: Some(in_one_line(&event.event))
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "message".into()),
            data: with_lf(&String::from_utf8_lossy(&event.data)),
            last_event_id: id.as_str().into(),
        }
    });
    (messages.collect(), retry)
}

/// Applies the standard's rules to a whole text: the messages, and the last id.
fn by_the_standard(bytes: &[u8]) -> (Vec<SseMessage>, String) {
    let text = String::from_utf8_lossy(bytes);
    let text = with_lf(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();
    let (mut messages, mut id) = (Vec::new(), "");
    for block in lines.split_inclusive(|line| line.is_empty()) {
        if block.last() != Some(&"") {
            continue;
        }
        let fields = block.iter().map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name, value.strip_prefix(' ').unwrap_or(value))
        });
        let all = |name| fields.clone().filter(move |(n, _)| *n == name).map(|(_, value)| value);
        id = all("id").rfind(|id| !id.contains('\0')).unwrap_or(id);
        let data: Vec<&str> = all("data").collect();
        if !data.is_empty() {
            let event = all("event").next_back().filter(|event| !event.is_empty());
            messages.push(SseMessage {
                event: event.unwrap_or("message").into(),
                data: data.join("\n"),
                last_event_id: id.into(),
            });
        }
    }
    (messages, id.to_owned())
}

fn encoded(events: &[SseEvent]) -> Vec<u8> {
    let mut out = Vec::new();
    events.iter().for_each(|event| event.encode(&mut out));
    out
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn written_events_read_back_for_any_chunks(events in events(), cuts in cuts()) {
        let (messages, retry) = seen(&events);
        let read = read(&encoded(&events), &cuts, 4096);
        prop_assert_eq!(read.result, Ok(()));
        prop_assert_eq!(read.last_event_id, messages.last().map_or("", |m| &*m.last_event_id));
        prop_assert_eq!((read.messages, read.retry), (messages, retry));
    }

    #[test]
    fn a_parser_reads_by_the_standard(stream in stream(), cuts in cuts()) {
        let read = read(&stream, &cuts, 4096);
        prop_assert_eq!(read.result, Ok(()));
        prop_assert_eq!((read.messages, read.last_event_id), by_the_standard(&stream));
    }

    #[test]
    fn what_is_too_long_is_so_in_any_pieces(
        stream in prop_oneof![stream(), long_data()],
        cuts in cuts(),
        most in 0..24_usize,
    ) {
        let at_once = [stream.len().max(1)];
        let [whole, cut] = [&at_once, &cuts[..]].map(|cuts| read(&stream, cuts, most));
        prop_assert!(cut.messages.iter().all(|message| message.data.len() <= most));
        let is_line_too_long =
            stream.split(|b| matches!(b, b'\r' | b'\n')).any(|line| line.len() > most);
        prop_assert!(!is_line_too_long || cut.result.is_err());
        prop_assert_eq!((cut.messages, cut.result), (whole.messages, whole.result));
    }

    #[test]
    fn no_text_forges_a_field(event in event(), comment in text()) {
        let bytes = encoded(std::slice::from_ref(&event));
        let body = bytes.strip_suffix(b"\n\n").expect("a blank line at the end");
        prop_assert!(!body.contains(&b'\r'));
        let lines = body.split(|b| *b == b'\n');
        let names: Vec<&[u8]> = lines.filter_map(|l| l.split(|b| *b == b':').next()).collect();
        let mut expected: Vec<&[u8]> = Vec::new();
        expected.extend((!in_one_line(&event.id).is_empty()).then_some(&b"id"[..]));
        expected.extend((!in_one_line(&event.event).is_empty()).then_some(&b"event"[..]));
        expected.extend(event.retry.map(|_| &b"retry"[..]));
        let data = with_lf(&String::from_utf8_lossy(&event.data));
        expected.extend(data.split('\n').map(|_| &b"data"[..]));
        prop_assert_eq!(names, expected);

        let mut out = Vec::new();
        write_comment(&comment, &mut out);
        let text = String::from_utf8(out).unwrap();
        prop_assert!(!text.contains('\r'));
        let lines: Vec<&str> = text.strip_suffix("\n\n").unwrap().split('\n').collect();
        prop_assert!(lines.iter().all(|line| line.starts_with(": ")));
        let read_back: Vec<&str> = lines.iter().map(|line| &line[2..]).collect();
        prop_assert_eq!(read_back.join("\n"), with_lf(&comment));
    }

    #[test]
    fn a_keep_alive_never_splits_an_event_and_never_lets_silence_last(
        keep_alive in 1..40_u64,
        steps in prop::collection::vec((0..50_i64, prop::option::of(event())), 0..12),
        closes_at in 0..16_usize,
        cuts in cuts(),
    ) {
        let at = Timestamp::from_unix_seconds;
        let mut framer = SseFramer::new(Duration::from_secs(keep_alive), at(0));
        let (mut wire, mut sent, mut now, mut last_output) = (Vec::new(), Vec::new(), 0, 0);
        for (step, (pause, event)) in steps.into_iter().enumerate() {
            now += pause;
            // The driver's timer fires when it was set to.
            while let Some(due) = framer.poll_timeout().filter(|due| *due <= at(now)) {
                let before = wire.len();
                prop_assert_eq!(due, at(last_output + keep_alive as i64));
                framer.handle_timeout(due, &mut wire);
                prop_assert_eq!(&wire[before..], b": keep-alive\n\n");
                last_output = due.unix_seconds();
            }
            let before = wire.len();
            framer.handle_timeout(at(now), &mut wire);
            prop_assert_eq!(wire.len(), before, "nothing is due twice");
            if step == closes_at {
                framer.handle_close();
            }
            if let Some(event) = event {
                let handled = framer.handle_event(&event, at(now), &mut wire);
                if step >= closes_at {
                    prop_assert_eq!((handled, wire.len()), (Err(SseClosed), before));
                } else {
                    prop_assert_eq!(&wire[before..], encoded(std::slice::from_ref(&event)));
                    last_output = now;
                    sent.push(event);
                }
            }
            prop_assert_eq!(framer.poll_timeout().is_none(), step >= closes_at);
        }
        let read = read(&wire, &cuts, 4096);
        prop_assert_eq!((read.messages, read.retry), seen(&sent));
    }

    #[test]
    fn a_route_has_one_variable_however_it_is_spelled(
        method in "[a-zA-Z]{1,6}",
        segments in prop::collection::vec("[a-z{}+]{1,3}", 0..4),
        slashes in prop::collection::vec("/{1,2}( /)?", 5),
        other in ("[A-Z]{1,6}", prop::collection::vec("[a-z{}+]{1,3}", 0..4)),
        is_any in any::<bool>(),
    ) {
        let plain = format!("/{}", segments.join("/"));
        let spelled = slashes.iter().zip(&segments).flat_map(|(slash, segment)| [slash, segment]);
        let spelled = spelled.map(String::as_str).collect::<String>() + &slashes[4];
        let method_in_upper = method.to_ascii_uppercase();
        let variable = rest_streaming_variable(&method, &spelled);
        let canonical = rest_streaming_variable(&format!(" {method_in_upper} "), &plain);
        prop_assert_eq!(&variable, &canonical);
        prop_assert!(variable.len() == 52 && variable.bytes().all(|b| b.is_ascii_alphanumeric()));
        let (other_method, other_segments) = other;
        let is_other = (&other_method, &other_segments) != (&method_in_upper, &segments);
        let other = rest_streaming_variable(&other_method, &other_segments.join("/"));
        prop_assert_eq!(variable != other, is_other);

        // The event finds the variable that a deployment wrote, and only that one.
        let flag = if is_any { rest_streaming_variable("ANY", &plain) } else { variable };
        let chosen = |flag: &str| {
            let variables = json!({flag: "1"});
            let event = json!({"httpMethod": method, "resource": spelled, "requestContext": {},
                "stageVariables": variables});
            match LambdaEvent::read(&event.to_string()) {
                Ok(LambdaEvent::Http(event)) => InvokeMode::Streaming.target(&event),
                other => panic!("{other:?}"),
            }
        };
        prop_assert_eq!(chosen(&flag), Some(Target::RestApi));
        let is_foreign = is_other && !(other_method == "ANY" && other_segments == segments);
        prop_assert_eq!(chosen(&other).is_none(), is_foreign);
    }
}
