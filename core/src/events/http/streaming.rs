//! Decides which responses are streamed.

use alloc::format;
use alloc::string::String;
use core::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::v1::{is_of_http_api, joined, matched_resource};
use super::{HttpEvent, HttpSource};
use crate::document::Object;
use crate::hex::push_hex;
use crate::http::canonical_method;
use crate::json::JsonError;
use crate::stream::Target;

/// How the function sends responses. It must match the function's deployment, which events do not
/// reveal: a response in the wrong form reaches the client as an error or as protocol text.
///
/// | | Function URL | HTTP API | REST API, [flagged] routes | all else |
/// |---|---|---|---|---|
/// | `Buffered` | collected | collected | collected | collected |
/// | `Streaming` | streamed | collected | streamed | collected |
/// | `StreamingForced` | streamed | streamed | streamed | collected |
///
/// [flagged]: rest_streaming_variable
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum InvokeMode {
    /// Buffered: `buffered`.
    #[default]
    Buffered,
    /// Streamed to a function URL with `InvokeMode: RESPONSE_STREAM`, and to the streaming routes
    /// of a REST API: `streaming`.
    Streaming,
    /// Streamed as well for every event of payload format 2.0: `force`. Emulators send function URL
    /// events that look like those of an HTTP API.
    StreamingForced,
}

impl InvokeMode {
    /// Returns the target of a streamed response to a request; `None` if the response is buffered.
    /// The content type does not matter.
    #[must_use]
    pub const fn target(self, event: &HttpEvent<'_>) -> Option<Target> {
        match (self, event.source) {
            (Self::Streaming | Self::StreamingForced, HttpSource::FunctionUrl)
            | (Self::StreamingForced, HttpSource::ApiGatewayV2) => Some(Target::FunctionUrl),
            (Self::Streaming | Self::StreamingForced, HttpSource::ApiGatewayV1)
                if event.is_flagged =>
            {
                Some(Target::RestApi)
            }
            (Self::Buffered, _)
            | (Self::Streaming, HttpSource::ApiGatewayV2)
            | (
                Self::Streaming | Self::StreamingForced,
                HttpSource::ApiGatewayV1
                | HttpSource::Alb
                | HttpSource::VpcLatticeV1
                | HttpSource::VpcLatticeV2,
            ) => None,
        }
    }
}

impl FromStr for InvokeMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "buffered" => Ok(Self::Buffered),
            "streaming" => Ok(Self::Streaming),
            "force" => Ok(Self::StreamingForced),
            _ => Err(UnknownMode),
        }
    }
}

/// The text is not an [`InvokeMode`]. Use `buffered`, `streaming` or `force`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown invoke mode: it is buffered, streaming or force")]
pub struct UnknownMode;

/// Returns the name of the stage variable that marks a route of a REST API as streaming. `resource`
/// is written as in API Gateway, such as `/users/{id}`, and `method` may be `ANY`. The variable
/// only has to exist; its value does not matter.
///
/// A REST API has a response mode per route, which events do not contain, and a response in the
/// wrong form reaches the client as an error. But every event contains the stage variables.
///
/// Blank segments and trailing slashes of the resource are removed, and the method is converted to
/// upper case.
///
/// ```
/// use apptheory_core::events::{InvokeMode, LambdaEvent, rest_streaming_variable};
/// use apptheory_core::stream::Target;
///
/// let variable = rest_streaming_variable("GET", "/sse");
/// assert_eq!(variable, "APPTHEORYSTREAMINGV152adc91cabad994d022944529aaa7694");
/// let event = format!(r#"{{"httpMethod":"GET","resource":"/sse","requestContext":{{}},
///     "stageVariables":{{"{variable}":"1"}}}}"#);
/// let LambdaEvent::Http(event) = LambdaEvent::read(&event)? else { panic!("a request") };
/// assert_eq!(InvokeMode::Streaming.target(&event), Some(Target::RestApi));
/// # Ok::<(), apptheory_core::events::Error>(())
/// ```
#[must_use]
pub fn rest_streaming_variable(method: &str, resource: &str) -> String {
    variable(&canonical_method(method), &joined(resource))
}

/// Returns whether a variable marks the event's route.
pub(super) fn is_flagged(event: Object<'_, '_>) -> Result<bool, JsonError> {
    let mut flags = event.object("stageVariables")?.members().map(|(name, _)| name.trimmed());
    // HTTP APIs do not stream. Most events have no mark, and need no digest.
    if is_of_http_api(event)? || !flags.any(|name| name.starts_with(PREFIX)) {
        return Ok(false);
    }
    let variables = event.object("stageVariables")?;
    let context = event.object("requestContext")?;
    let resource = match matched_resource(event, context)? {
        root if root.is_empty() => joined(&event.text("path")?),
        matched => matched,
    };
    let own = event.text("httpMethod")?;
    let in_context = context.text("httpMethod")?;
    let method = match canonical_method(&own) {
        blank if blank.is_empty() => canonical_method(&in_context),
        method => method,
    };
    let has = |method: &str| {
        let variable = variable(method, &resource);
        variables.members().any(|(name, _)| name.is(&variable))
    };
    Ok((!method.is_empty() && has(&method)) || has("ANY"))
}

/// Returns the name of a variable, for a resource without its first slash.
fn variable(method: &str, resource: &str) -> String {
    let digest = Sha256::digest(format!("{method} /{resource}"));
    let mut name = String::from(PREFIX);
    push_hex(&mut name, digest.get(..DIGEST_BYTES).unwrap_or_default());
    name
}

/// The prefix of the variables' names. Names of stage variables consist of letters, digits and `_`
/// (API Gateway limit).
const PREFIX: &str = "APPTHEORYSTREAMINGV1";

/// The number of digest bytes in a name: enough for any number of routes, and the name stays below
/// 64 characters (API Gateway limit).
const DIGEST_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::{Value as Json, json};

    use super::super::HttpSource::{self, Alb, ApiGatewayV1, ApiGatewayV2, FunctionUrl};
    use super::InvokeMode::{self, Buffered, Streaming, StreamingForced};
    use super::{HttpEvent, Target, UnknownMode, rest_streaming_variable};
    use crate::document::Document;
    use crate::events::Error;

    const GET_SSE: &str = "APPTHEORYSTREAMINGV152adc91cabad994d022944529aaa7694";
    const ANY_SSE: &str = "APPTHEORYSTREAMINGV1a039af18b2592bebec3eb190f1487e26";

    #[test]
    fn variables_are_named_after_method_and_resource() {
        for (method, resource, digits) in [
            ("GET", "/sse", "52adc91cabad994d022944529aaa7694"),
            ("ANY", "/sse", "a039af18b2592bebec3eb190f1487e26"),
            ("POST", "/mcp", "2e315fa5c67a10e0559d6e70b4bfba00"),
            ("GET", "/", "c767025d0edc7a064cf0003cc4d5a2f5"),
            ("GET", "/mcp/{actor}", "e957c366d4b2b6eac3f49fb2e7594355"),
            ("GET", "/mcp", "8792f92bbc3e937d5e5df2999ed6fed5"),
            ("ANY", "/{proxy+}", "89a420424d75d4c00c7b40d10477f859"),
            (" get\t", " //sse / /", "52adc91cabad994d022944529aaa7694"),
            ("GET", "", "c767025d0edc7a064cf0003cc4d5a2f5"),
        ] {
            let expected = "APPTHEORYSTREAMINGV1".to_string() + digits;
            assert_eq!(rest_streaming_variable(method, resource), expected, "{method} {resource}");
        }
    }

    fn target(mode: InvokeMode, source: HttpSource, event: &str) -> Result<Option<Target>, Error> {
        let document = Document::scan(event).unwrap();
        let event = HttpEvent::of(source, document.object().unwrap())?;
        Ok(mode.target(&event))
    }

    fn is_streamed(event: &Json) -> bool {
        target(Streaming, ApiGatewayV1, &event.to_string()).unwrap() == Some(Target::RestApi)
    }

    #[test]
    fn a_route_is_flagged_by_its_method_or_any() {
        let event = |method: &str, flags| {
            let resource = "/sse";
            json!({"httpMethod": method, "resource": resource, "stageVariables": flags})
        };
        for (method, variables, expected) in [
            ("GET", json!({GET_SSE: "1"}), true),
            ("GET", json!({GET_SSE: null}), true),
            ("get ", json!({GET_SSE: ""}), true),
            ("POST", json!({GET_SSE: "1"}), false),
            ("POST", json!({ANY_SSE: "1", "x": "y"}), true),
            ("", json!({ANY_SSE: "1"}), true),
            ("", json!({GET_SSE: "1"}), false),
            ("GET", json!({"x": GET_SSE}), false),
            ("GET", json!({}), false),
            ("GET", json!(null), false),
        ] {
            assert_eq!(
                is_streamed(&event(method, variables.clone())),
                expected,
                "{method} {variables}"
            );
        }
    }

    #[test]
    fn method_and_resource_are_looked_for_in_turn() {
        for members in [
            json!({"resource": "/sse/"}),
            json!({"resource": "/", "requestContext": {"resourcePath": "sse"}}),
            json!({"path": "//sse", "requestContext": {"resourcePath": "/"}}),
            json!({"httpMethod": " ", "path": "/sse", "requestContext": {"httpMethod": "get"}}),
        ] {
            let mut event = json!({"httpMethod": "GET", "stageVariables": {GET_SSE: "1"}});
            event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            assert!(is_streamed(&event), "{event}");
        }
        // An HTTP API does not stream.
        let event = json!({
            "version": "1.0",
            "httpMethod": "GET",
            "resource": "/sse",
            "stageVariables": {GET_SSE: "1"},
        });
        assert!(!is_streamed(&event));
        // The matched resource takes precedence over the path.
        let variables = json!({GET_SSE: "1"});
        let event = json!({
            "httpMethod": "GET",
            "resource": "/{proxy+}",
            "path": "/sse",
            "stageVariables": variables,
        });
        assert!(!is_streamed(&event));
    }

    #[test]
    fn variables_of_another_type_are_errors() {
        let error = target(Streaming, ApiGatewayV1, r#"{"stageVariables":[]}"#).unwrap_err();
        assert!(error.to_string().starts_with("apptheory: parse apigw proxy event: "), "{error}");
    }

    #[test]
    fn only_what_is_deployed_to_stream_is_streamed() {
        let flagged =
            json!({"httpMethod": "GET", "resource": "/sse", "stageVariables": {GET_SSE: "1"}});
        let flagged = flagged.to_string();
        let rest = Some(Target::RestApi);
        let url = Some(Target::FunctionUrl);
        for (source, event, [buffered, streaming, forced]) in [
            (FunctionUrl, "{}", [None, url, url]),
            (ApiGatewayV2, "{}", [None, None, url]),
            (ApiGatewayV1, "{}", [None, None, None]),
            (ApiGatewayV1, &flagged, [None, rest, rest]),
            (Alb, &flagged, [None, None, None]),
        ] {
            let target = |mode| target(mode, source, event).unwrap();
            let targets = [target(Buffered), target(Streaming), target(StreamingForced)];
            assert_eq!(targets, [buffered, streaming, forced], "{source:?} {event}");
        }
    }

    #[test]
    fn modes_have_one_spelling() {
        for (text, mode) in [
            ("buffered", Ok(Buffered)),
            ("streaming", Ok(Streaming)),
            ("force", Ok(StreamingForced)),
            ("Streaming", Err(UnknownMode)),
            ("", Err(UnknownMode)),
        ] {
            assert_eq!(text.parse(), mode, "{text}");
        }
    }
}
