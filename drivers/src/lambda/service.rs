//! Applications under `lambda_runtime`, AWS's own runtime.

use core::future::ready;
use core::task::{Context as Waiting, Poll};
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::error::{AppError, code};
use apptheory_core::events::{InvokeMode, LambdaEvent, UnknownMode};
use apptheory_core::http::platform::CognitoIdentity;
use apptheory_core::invocation_time::InvocationTime;
use apptheory_core::time::Timestamp;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use http::header::SET_COOKIE;
use http_body_util::BodyDataStream;
use lambda_runtime::{Config, Diagnostic, FunctionResponse, MetadataPrelude, StreamResponse};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use tower::Service;

use super::error::FunctionError;
use super::settings::invoke_mode;
use crate::app::frame_body::{CutOff, FrameBody, Passage};
use crate::app::time::Begun;
use crate::app::{
    App, AppService, BodyStream, BoxFuture, BuildError, ClientContext, Failure, Function,
    Invocation, Response,
};
use crate::clock::Clock as _;
use crate::env::process_env;
use crate::see::See;
use crate::trace::pinned;

/// Returns an application as a service for `lambda_runtime::run`. It serves every kind of event,
/// with the deadline, the ids and the trace of its invocation. Use it if something else needs that
/// runtime. The runtime of [`run`](super::run) also sends a complete response again after a lost
/// connection, and sends late errors in trailers.
///
/// Needs the feature `lambda_runtime`.
///
/// Responses are streamed if `APPTHEORY_INVOKE_MODE` says so, as in [`run`](super::run). A stream
/// that fails before its first chunk becomes an error response. A stream that fails later just
/// ends, and looks complete to its client: `lambda_runtime` has neither trailers nor a way to abort
/// a stream, and would write the error into the body. Every such error, also with a status below
/// 500, is reported to [`on_failure`](App::on_failure).
///
/// Work registered with [`after`](crate::app::Context::after) runs, and logs and metrics are
/// [flushed](App::on_flush), before a response is handed over, or before the end of a stream:
/// `lambda_runtime` does not report when a response was delivered.
///
/// ```no_run
/// use apptheory::app::App;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), lambda_runtime::Error> {
/// let app = App::new().get("/", async || "hello");
/// lambda_runtime::run(apptheory::lambda::service(app)?).await
/// # }
/// ```
///
/// # Errors
///
/// [`ServiceError`] if the application does not build, or the variable is not a mode.
pub fn service<S: Send + Sync + 'static>(app: App<S>) -> Result<LambdaService, ServiceError> {
    let mode = invoke_mode(None, process_env)?;
    Ok(LambdaService { app: app.build()?, mode })
}

/// An application as a service of `lambda_runtime`; made by [`service`]. Clones share the same
/// service.
///
/// Needs the feature `lambda_runtime`.
#[derive(Clone, Debug)]
pub struct LambdaService {
    app: AppService,
    mode: InvokeMode,
}

/// A service for `lambda_runtime` could not be made.
///
/// Needs the feature `lambda_runtime`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ServiceError {
    /// The application does not build; the error says why.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// `APPTHEORY_INVOKE_MODE` is not a mode.
    #[error("APPTHEORY_INVOKE_MODE: {0}; {see}", see = See("streaming"))]
    InvalidInvokeMode(#[from] UnknownMode),
}

type Event = lambda_runtime::LambdaEvent<Box<RawValue>>;
type Answer = FunctionResponse<Box<RawValue>, BodyStream>;

impl Service<Event> for LambdaService {
    type Response = Answer;
    type Error = Diagnostic;
    type Future = BoxFuture<Result<Answer, Diagnostic>>;

    fn poll_ready(&mut self, _: &mut Waiting<'_>) -> Poll<Result<(), Diagnostic>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, event: Event) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let payload = event.payload.get();
            let invocation = invocation(event.context, &service.app);
            let (begun, ending) = service.app.begin(invocation);
            let span = begun.span.clone();
            let answered = span.run(pinned!(service.answer(payload, begun))).await;
            let answered = match answered {
                Ok(FunctionResponse::StreamingResponse(response)) => {
                    let StreamResponse { metadata_prelude, stream } = response;
                    let stream = service.app.finish_behind(stream, ending);
                    let response = StreamResponse { metadata_prelude, stream };
                    Ok(FunctionResponse::StreamingResponse(response))
                }
                answered => {
                    service.app.finish_before(&ending).await;
                    answered
                }
            };
            answered.map_err(|FunctionError { error_type, message }| Diagnostic {
                error_type: error_type.into_owned(),
                error_message: message,
            })
        })
    }
}

impl LambdaService {
    /// Sets how responses are sent; `APPTHEORY_INVOKE_MODE` is ignored then.
    #[must_use]
    pub fn with_mode(self, mode: InvokeMode) -> Self {
        Self { mode, ..self }
    }

    async fn answer(&self, event: &str, mut begun: Arc<Begun>) -> Result<Answer, FunctionError> {
        let read = self.app.read_event(event, &mut begun)?;
        let is_streamed = if let LambdaEvent::Http(request) = &read {
            self.app.serves(&read) && self.mode.target(request).is_some()
        } else {
            false
        };
        match (is_streamed, read) {
            (true, LambdaEvent::Http(request)) => {
                let time = begun.time;
                let response = self.app.serve_begun(request.request, begun).await;
                let response = streamed(&self.app, response, time).await;
                Ok(FunctionResponse::StreamingResponse(response))
            }
            (_, read) => {
                let answer = self.app.answer_event(read, event, begun).await?;
                let answer = RawValue::from_string(answer)
                    .map_err(|error| FunctionError::invalid_answer(&error))?;
                Ok(FunctionResponse::BufferedResponse(answer))
            }
        }
    }
}

/// Returns the invocation that `lambda_runtime` describes.
pub(crate) fn invocation(context: lambda_runtime::Context, app: &AppService) -> Invocation {
    let deadline = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_millis(context.deadline));
    Invocation {
        request_id: context.request_id,
        // Emulators send deadlines in the past: ignore them.
        deadline: (deadline > app.clock().now()).then_some(deadline),
        trace: context.xray_trace_id.unwrap_or_default(),
        tenant_id: context.tenant_id.filter(|id| !id.trim().is_empty()),
        invoked_function_arn: context.invoked_function_arn,
        function: Some(Arc::new(function(&context.env_config))),
        client_context: context.client_context.map(|given| ClientContext {
            custom: members(given.custom),
            env: members(given.environment),
            client: match serde_json::to_value(given.client) {
                Ok(Json::Object(client)) => client,
                _ => Map::new(),
            },
        }),
        cognito_identity: context.identity.map(|identity| CognitoIdentity {
            identity_id: identity.identity_id,
            identity_pool_id: identity.identity_pool_id,
            amr: Vec::new(),
        }),
        is_cold_start: app.starts_cold(),
        peer: None,
    }
}

fn function(config: &Config) -> Function {
    Function {
        name: config.function_name.clone(),
        version: config.version.clone(),
        memory_mb: u32::try_from(config.memory).ok().filter(|memory| *memory > 0),
        log_group: config.log_group.clone(),
        log_stream: config.log_stream.clone(),
    }
}

fn members(texts: impl IntoIterator<Item = (String, String)>) -> Map<String, Json> {
    texts.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// Streams a response that ends in time.
async fn streamed(
    app: &AppService,
    response: Response,
    time: InvocationTime,
) -> StreamResponse<BodyStream> {
    let (head, stream) = response.split_stream();
    let has_begun = !head.body.is_empty();
    let request_id = head.headers.first("x-request-id").to_owned();
    let stream = stream.map(|stream| {
        let stream = match time.stops_at() {
            Some(at) => stream.until(app.clock().clone(), at, AppError::of(code::TIMEOUT)),
            None => stream,
        };
        reporting(app, request_id, has_begun, stream)
    });
    let framed = FrameBody::begin(app, head, stream, false, Passage::Streamed).await;
    let (mut head, body) = framed.into_parts();
    let cookies = head.headers.get_all(SET_COOKIE).iter();
    let cookies = cookies.filter_map(|cookie| Some(cookie.to_str().ok()?.to_owned())).collect();
    head.headers.remove(SET_COOKIE);
    let metadata_prelude =
        MetadataPrelude { status_code: head.status, headers: head.headers, cookies };
    // `lambda_runtime` would write an error into the body, so end the stream instead.
    let chunks = BodyDataStream::new(body).take_while(|chunk| ready(chunk.is_ok()));
    let chunks = BodyStream::new(chunks.map_err(|_: CutOff| AppError::internal()));
    StreamResponse { metadata_prelude, stream: chunks }
}

/// Reports all errors after the head to the application, because no client sees them. A server
/// error (5xx) is reported anyway.
fn reporting(
    app: &AppService,
    request_id: String,
    mut has_begun: bool,
    stream: BodyStream,
) -> BodyStream {
    let app = app.clone();
    BodyStream::new(stream.inspect(move |chunk| match chunk {
        Ok(_) => has_begun = true,
        Err(error) if has_begun && error.status() < 500 => {
            app.report_failure(Failure { request_id: request_id.clone(), error: error.clone() });
        }
        Err(_) => {}
    }))
}
