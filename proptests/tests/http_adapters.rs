//! Every event is a request, a response to its client, or an error; and adapters lose nothing.

#[path = "http_adapters/generators.rs"]
pub(crate) mod generators;
#[path = "http_adapters/providers.rs"]
mod providers;

use apptheory::events::{ErrorKind, HttpSource, LambdaEvent};
use apptheory::http::platform::PlatformContext;
use apptheory::http::{HttpResponse, Request, UriPath};
use apptheory_proptests::cases;
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use self::generators::{any_event, any_json, any_text, member_name, request, response, source};
use self::providers::{read_back, to_event, visible};

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_event_is_a_request_an_answer_or_an_error(
        source in source(),
        event in any_event(),
        most in prop::option::of(0_usize..8),
    ) {
        let text = event.to_string();
        let Ok(raw) = source.read_request(&text) else { return Ok(()) };
        let request = match raw.normalize(most) {
            Ok(request) => {
                prop_assert!(most.is_none_or(|most| request.body.len() <= most));
                for (name, values) in request.headers.iter() {
                    prop_assert_eq!(name.trim().to_ascii_lowercase(), name);
                    prop_assert!(!values.iter().any(|v| v.contains(['\r', '\n', '\0'])));
                }
                request
            }
            Err(rejected) => rejected.request,
        };
        prop_assert_eq!(&UriPath::from_encoded(&request.path), &request.path);
        prop_assert_eq!(request.method.trim().to_ascii_uppercase(), request.method);
    }

    #[test]
    fn any_text_is_an_event_or_an_error(source in source(), text in "[\\[\\]{}\":,a-h0-9 ]{0,24}") {
        let _ = source.read_request(&text);
        let json = serde_json::from_str::<Json>(&text);
        let read = LambdaEvent::read(&text);
        let kind = read.as_ref().map(|_| ()).map_err(|error| error.kind());
        let is_none = matches!(kind, Err(ErrorKind::Empty | ErrorKind::NotAnObject));
        prop_assert_eq!(is_none, json.is_err());
        if let Ok(LambdaEvent::Other(event)) = read {
            let is_refused = event.unknown().kind() == ErrorKind::NotAnObject;
            prop_assert_eq!(is_refused, json.is_ok_and(|json| !json.is_object() && !json.is_null()));
        }
    }

    #[test]
    fn a_kind_depends_on_no_member_that_is_null(event in any_event(), name in member_name()) {
        let kind = kind_of(&event.to_string());
        let mut with_null = event.clone();
        if event.get(&name).is_none() {
            with_null[name] = Json::Null;
        }
        prop_assert_eq!(kind_of(&with_null.to_string()), kind);
    }

    #[test]
    fn the_reader_reads_what_the_provider_it_names_sends(
        mut event in any_event(),
        other in prop::option::weighted(0.5, (member_name(), any_json())),
    ) {
        if let Some((name, value)) = other {
            event[name] = value;
        }
        let text = event.to_string();
        if let Ok(LambdaEvent::Http(read)) = LambdaEvent::read(&text) {
            let again = read.source.read_request(&text).map(|raw| raw.normalize(None));
            prop_assert_eq!(again, Ok(read.request.normalize(None)));
        }
    }

    #[test]
    fn wrong_types_never_become_requests(source in source(), value in any_json()) {
        let event = json!({"headers": value}).to_string();
        let is_text = |value: &Json| value.is_string() || value.is_null();
        let is_list = |value: &Json| {
            value.is_null() || value.as_array().is_some_and(|list| list.iter().all(is_text))
        };
        let has_lists = source == HttpSource::VpcLatticeV2;
        let texts = |members: &Map<String, Json>| {
            members.values().all(|value| if has_lists { is_list(value) } else { is_text(value) })
        };
        let valid = value.is_null() || value.as_object().is_some_and(texts);
        prop_assert_eq!(source.read_request(&event).is_ok(), valid);
    }

    #[test]
    fn a_request_survives_its_event(source in source(), request in request()) {
        let (event, expected) = to_event(source, request);
        let text = event.to_string();
        let read = source.read_request(&text).map(|raw| raw.normalize(None));
        let Ok(Ok(read)) = read else { panic!("a request in {text}") };
        let said: Option<Json> = read.platform.request_context().unwrap_or_default();
        prop_assert_eq!(said.as_ref(), event.get("requestContext"), "{}", text);
        let request = Request { platform: PlatformContext::default(), ..read };
        prop_assert_eq!(request, expected, "{}", text);
    }

    #[test]
    fn a_response_survives_its_json(source in source(), response in response()) {
        let written = source.write_response(&response);
        let read = serde_json::from_str(&written).map_err(Into::into);
        let read = read.and_then(|json| read_back(source, json)).map_err(|e| e.to_string());
        prop_assert_eq!(read, Ok(visible(source, response)), "{}", written);
    }

    #[test]
    fn what_the_http_crate_refuses_or_reads_as_opaque_never_leaves(
        name in any_text(),
        value in any_text(),
    ) {
        let response = <HttpResponse>::new(200).with_header(&name, &*value).with_cookie(&*value);
        let is_name = {
            let mut names = response.headers.iter().map(|(name, _)| name);
            names.all(|name| HeaderName::from_bytes(name.as_bytes()).is_ok())
        };
        let is_value = HeaderValue::from_str(&value).is_ok_and(|value| value.to_str().is_ok());
        prop_assert_eq!(response.normalize().is_ok(), is_name && is_value);
    }
}

/// Returns the kind of an event, or why it has none.
fn kind_of(text: &str) -> Result<&'static str, ErrorKind> {
    match LambdaEvent::read(text) {
        Ok(event) => Ok(event.name()),
        Err(error) => error.event().ok_or_else(|| error.kind()),
    }
}
