//! Whether a REST API expects a response in frames.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

use super::apigw_v1::{joined, matched_resource};
use super::{HttpEventError, HttpSource};
use crate::hex::push_hex;
use crate::http::canonical_method;
use crate::json;
use crate::members::{Members, Object, Text};

/// What a REST API's integration reads. It is set up per route, the event does not say so, and a
/// response in the wrong one reaches the client as an error: so deployments flag the routes that
/// stream with a stage variable, which every event carries.
///
/// ```
/// use apptheory_core::events::{RestEnvelope, rest_streaming_variable};
///
/// let variable = rest_streaming_variable("GET", "/sse");
/// assert_eq!(variable, "APPTHEORYSTREAMINGV152adc91cabad994d022944529aaa7694");
/// let flags = format!(r#"{{"{variable}":"1"}}"#);
/// let event = format!(r#"{{"httpMethod":"GET","resource":"/sse","stageVariables":{flags}}}"#);
/// assert_eq!(RestEnvelope::choose(&event, false)?, RestEnvelope::Streaming);
/// # Ok::<(), apptheory_core::events::HttpEventError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RestEnvelope {
    /// One JSON object: [`HttpSource::write_response`]. A stream is collected first.
    Buffered,
    /// Frames: a [`FrameMachine`](crate::stream::FrameMachine) for
    /// [`Target::RestApi`](crate::stream::Target::RestApi), for error responses, too.
    Streaming,
}

impl RestEnvelope {
    /// Chooses by the event: streaming when the application asked for it, or when a stage variable
    /// flags the event's route. The response's own content type decides nothing.
    ///
    /// # Errors
    ///
    /// [`HttpEventError`] when the text is no JSON object, or a member that is read has another type.
    pub fn choose(event: &str, is_asked_for: bool) -> Result<Self, HttpEventError> {
        if is_asked_for {
            return Ok(Self::Streaming);
        }
        let event: Event<'_> = json::read_object(event).map_err(|cause| {
            HttpEventError::Malformed { sender: HttpSource::ApiGatewayV1, cause }
        })?;
        Ok(if event.is_flagged() { Self::Streaming } else { Self::Buffered })
    }
}

/// The name of the stage variable that flags a route: a resource as API Gateway spells it, such as
/// `/users/{id}`, and a method, or `ANY`. Only that the variable is there counts, not its value.
///
/// The resource is taken without blank segments and slashes at its end, the method in upper case.
#[must_use]
pub fn rest_streaming_variable(method: &str, resource: &str) -> String {
    variable(&canonical_method(method), &joined(resource))
}

/// The members that decide.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    resource: Text<'a>,
    #[serde(borrow)]
    http_method: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    request_context: Object<Context<'a>>,
    #[serde(borrow)]
    stage_variables: Members<'a, IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Context<'a> {
    #[serde(borrow)]
    http_method: Text<'a>,
    #[serde(borrow)]
    resource_path: Text<'a>,
}

impl Event<'_> {
    fn is_flagged(&self) -> bool {
        let variables = &self.stage_variables.0;
        // HTTP APIs, which have a version, read no frames.
        if variables.is_empty() || self.version.as_str() == "1.0" {
            return false;
        }
        let resource = self.resource();
        let has = |method: &str| {
            let variable = variable(method, &resource);
            variables.iter().any(|(name, _)| *name == variable)
        };
        let method = self.method();
        (!method.is_empty() && has(&method)) || has("ANY")
    }

    fn method(&self) -> Cow<'_, str> {
        match canonical_method(self.http_method.as_str()) {
            method if method.is_empty() => {
                canonical_method(self.request_context.0.http_method.as_str())
            }
            method => method,
        }
    }

    fn resource(&self) -> String {
        let context = &self.request_context.0;
        match matched_resource(self.resource.as_str(), context.resource_path.as_str()) {
            root if root.is_empty() => joined(self.path.as_str()),
            matched => matched,
        }
    }
}

/// The name of a variable, for a resource without its first slash.
fn variable(method: &str, resource: &str) -> String {
    let digest = Sha256::digest(format!("{method} /{resource}"));
    let mut name = String::from(PREFIX);
    push_hex(&mut name, digest.get(..DIGEST_BYTES).unwrap_or_default());
    name
}

/// How the names of the variables begin; names of stage variables are letters, digits and `_` (API
/// Gateway limit).
const PREFIX: &str = "APPTHEORYSTREAMINGV1";

/// How much of a digest is in a name: enough for any number of routes, and a name stays below
/// 64 characters, as many as stage variables may have (API Gateway limit).
const DIGEST_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::{Value as Json, json};

    use super::RestEnvelope::{self, Buffered, Streaming};
    use super::rest_streaming_variable;

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

    fn choose(event: &Json) -> RestEnvelope {
        RestEnvelope::choose(&event.to_string(), false).unwrap()
    }

    #[test]
    fn a_route_is_flagged_by_its_method_or_any() {
        let event = |method: &str, flags| {
            let resource = "/sse";
            json!({"httpMethod": method, "resource": resource, "stageVariables": flags})
        };
        for (method, variables, expected) in [
            ("GET", json!({GET_SSE: "1"}), Streaming),
            ("GET", json!({GET_SSE: null}), Streaming),
            ("get ", json!({GET_SSE: ""}), Streaming),
            ("POST", json!({GET_SSE: "1"}), Buffered),
            ("POST", json!({ANY_SSE: "1", "x": "y"}), Streaming),
            ("", json!({ANY_SSE: "1"}), Streaming),
            ("", json!({GET_SSE: "1"}), Buffered),
            ("GET", json!({"x": GET_SSE}), Buffered),
            ("GET", json!({}), Buffered),
            ("GET", json!(null), Buffered),
        ] {
            assert_eq!(choose(&event(method, variables.clone())), expected, "{method} {variables}");
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
            assert_eq!(choose(&event), Streaming, "{event}");
        }
        // An HTTP API reads no frames.
        let event = json!({
            "version": "1.0",
            "httpMethod": "GET",
            "resource": "/sse",
            "stageVariables": {GET_SSE: "1"},
        });
        assert_eq!(choose(&event), Buffered);
        // The matched resource wins over the path.
        let variables = json!({GET_SSE: "1"});
        let event = json!({
            "httpMethod": "GET",
            "resource": "/{proxy+}",
            "path": "/sse",
            "stageVariables": variables,
        });
        assert_eq!(choose(&event), Buffered);
    }

    #[test]
    fn asking_needs_no_flag_and_other_events_are_errors() {
        assert_eq!(RestEnvelope::choose("{}", true), Ok(Streaming));
        let error = RestEnvelope::choose(r#"{"stageVariables":[]}"#, false).unwrap_err();
        assert!(error.to_string().starts_with("apptheory: parse apigw proxy event: "), "{error}");
        assert!(RestEnvelope::choose("[]", false).is_err());
    }
}
