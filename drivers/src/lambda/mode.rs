//! Which responses are streamed.

use core::str::FromStr;

use apptheory_core::events::{HttpEventError, HttpSource, RestEnvelope};
use apptheory_core::stream::Target;

/// How a function's responses are sent. It has to match how the function is deployed: events do not
/// say so, and a response in the wrong shape reaches the client as an error or as protocol text.
///
/// | | Function URL | HTTP API | REST API, [flagged] routes | all else |
/// |---|---|---|---|---|
/// | `Buffered` | collected | collected | collected | collected |
/// | `Streaming` | streamed | collected | streamed | collected |
/// | `StreamingForced` | streamed | streamed | streamed | collected |
///
/// [flagged]: apptheory_core::events::rest_streaming_variable
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum InvokeMode {
    /// In one piece: `buffered`.
    #[default]
    Buffered,
    /// While they are made, for a function URL with `InvokeMode: RESPONSE_STREAM`, and for the
    /// routes of a REST API that stream: `streaming`.
    Streaming,
    /// The same, and for every event of payload format 2.0: `force`. Emulators send function URL
    /// events that look like those of an HTTP API.
    StreamingForced,
}

impl InvokeMode {
    /// Who reads the frames of the response to an HTTP event; `None` when it is collected.
    pub(super) fn target(
        self,
        source: HttpSource,
        event: &str,
    ) -> Result<Option<Target>, HttpEventError> {
        Ok(match (self, source) {
            (Self::Streaming | Self::StreamingForced, HttpSource::FunctionUrl)
            | (Self::StreamingForced, HttpSource::ApiGatewayV2) => Some(Target::FunctionUrl),
            (Self::Streaming | Self::StreamingForced, HttpSource::ApiGatewayV1) => {
                let envelope = RestEnvelope::choose(event, false)?;
                (envelope == RestEnvelope::Streaming).then_some(Target::RestApi)
            }
            (Self::Buffered, _)
            | (Self::Streaming, HttpSource::ApiGatewayV2)
            | (Self::Streaming | Self::StreamingForced, HttpSource::Alb) => None,
        })
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

/// A text names no [`InvokeMode`]: write `buffered`, `streaming` or `force`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown invoke mode: it is buffered, streaming or force")]
pub struct UnknownMode;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_deployed_to_stream_is_streamed() {
        use HttpSource::{Alb, ApiGatewayV1, ApiGatewayV2, FunctionUrl};
        use InvokeMode::{Buffered, Streaming, StreamingForced};

        let flagged = format!(
            r#"{{"httpMethod":"GET","resource":"/sse","stageVariables":{{"{}":"1"}}}}"#,
            apptheory_core::events::rest_streaming_variable("GET", "/sse"),
        );
        let rest = Some(Target::RestApi);
        let url = Some(Target::FunctionUrl);
        for (source, event, [buffered, streaming, forced]) in [
            (FunctionUrl, "{}", [None, url, url]),
            (ApiGatewayV2, "{}", [None, None, url]),
            (ApiGatewayV1, "{}", [None, None, None]),
            (ApiGatewayV1, &flagged, [None, rest, rest]),
            (Alb, &flagged, [None, None, None]),
        ] {
            let target = |mode: InvokeMode| mode.target(source, event).unwrap();
            let targets = [target(Buffered), target(Streaming), target(StreamingForced)];
            assert_eq!(targets, [buffered, streaming, forced], "{source:?} {event}");
        }
    }

    #[test]
    fn modes_have_one_spelling() {
        for (text, mode) in [
            ("buffered", Ok(InvokeMode::Buffered)),
            ("streaming", Ok(InvokeMode::Streaming)),
            ("force", Ok(InvokeMode::StreamingForced)),
            ("Streaming", Err(UnknownMode)),
            ("", Err(UnknownMode)),
        ] {
            assert_eq!(text.parse(), mode, "{text}");
        }
    }
}
