//! The loop: an invocation, its answer, the next one.

use core::any::Any;
use core::fmt;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Once};

use apptheory_core::error::AppError;
use apptheory_core::events::{InvokeMode, LambdaEvent};
use apptheory_core::sanitize::log_text;
use apptheory_core::stream::FrameOutcome;
use apptheory_core::time::Timestamp;
use futures_util::FutureExt as _;
use futures_util::future::select;
use http::StatusCode;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::api::{Next, Reply, RuntimeApi};
use super::connection::ConnectionError;
use super::error::{FunctionError, RuntimeError};
use super::extension::{Extension, sigterm};
use super::frames::Frames;
use super::init::report_failed_init;
use super::settings::Settings;
use crate::app::time::Begun;
use crate::app::{AppService, BoxFuture, Failure, Invocation, Panicked};
use crate::clock::{Clock as _, before};
use crate::env::process_env;

/// Runs an application as a Lambda function.
///
/// ```no_run
/// use apptheory::app::AppService;
/// use apptheory::lambda::{InvokeMode, Runtime};
///
/// # async fn run(app: AppService) -> Result<(), apptheory::lambda::RuntimeError> {
/// Runtime::new(app)
///     .mode(InvokeMode::Streaming)
///     .shutdown_on_sigterm()
///     .run()
///     .await
/// # }
/// ```
pub struct Runtime {
    app: AppService,
    mode: Option<InvokeMode>,
    env: LookUp,
    shutdown: Option<Trigger>,
}

type LookUp = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Begins to wait for the shutdown, where tokio runs.
type Trigger = Box<dyn FnOnce() -> io::Result<BoxFuture<()>> + Send>;

/// How long what is being handled may go on once a shutdown has begun: what Lambda gives a function
/// whose extensions are all internal, between SIGTERM and SIGKILL.
pub const DRAIN_TIME: Duration = Duration::from_millis(500);

impl Runtime {
    /// Makes a function of an application, as the environment of the process says.
    #[must_use]
    pub fn new(app: AppService) -> Self {
        Self { app, mode: None, env: Box::new(process_env), shutdown: None }
    }

    /// Sends responses in a mode, whatever `APPTHEORY_INVOKE_MODE` says.
    #[must_use]
    pub const fn mode(mut self, mode: InvokeMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Looks variables up here, and not in the environment of the process.
    #[must_use]
    pub fn env(mut self, look_up: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.env = Box::new(look_up);
        self
    }

    /// Shuts down at SIGTERM, which Lambda sends only to functions that have an extension:
    /// registers an internal one, before the first invocation is asked for.
    ///
    /// Once it comes, no more invocations are taken, streams end with `app.internal`, and what else is
    /// being handled is given up unless it is done within [`DRAIN_TIME`] by the application's clock.
    ///
    /// On systems without SIGTERM it never shuts down.
    #[must_use]
    pub fn shutdown_on_sigterm(mut self) -> Self {
        self.shutdown = Some(Box::new(sigterm));
        self
    }

    /// Shuts down when a future is done, and not at SIGTERM; else like
    /// [`shutdown_on_sigterm`](Self::shutdown_on_sigterm).
    #[must_use]
    pub fn shutdown_on(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Some(Box::new(move || Ok(Box::pin(stop))));
        self
    }

    /// Takes invocations and answers them until there are no more, or until it shuts down. As
    /// many are handled at the same time as `AWS_LAMBDA_MAX_CONCURRENCY` says, each by a task of its
    /// own.
    ///
    /// Dropping the future gives up what is being handled.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`], once what was being handled is answered. A shutdown is no error. What goes wrong
    /// before the first invocation is asked for is reported to Lambda, too.
    pub async fn run(self) -> Result<(), RuntimeError> {
        let Self { app, mode, env, shutdown } = self;
        let (settings, waiting) = match prepare(mode, &env, shutdown).await {
            Ok(prepared) => prepared,
            Err(error) => {
                report_failed_init(&env, &error).await;
                return Err(error);
            }
        };
        let shutdown = CancellationToken::new();
        let shared = Arc::new(Shared {
            app,
            mode: settings.mode,
            stop: shutdown.child_token(),
            shutdown,
            odd_deadline: Once::new(),
        });
        let mut workers = JoinSet::new();
        for _ in 0..settings.max_concurrency.get() {
            let api = RuntimeApi::new(settings.api.clone());
            let worker = Worker { shared: Arc::clone(&shared), api };
            workers.spawn(worker.work());
        }
        let ended = match waiting {
            None => join_all(&mut workers).await,
            Some((stop, extension)) => {
                let (shut_down, stand_by) =
                    (pin!(shared.shut_down(stop)), pin!(extension.stand_by()));
                let out_of_time = select(shut_down, stand_by);
                match before(out_of_time, join_all(&mut workers)).await {
                    Some(ended) => ended,
                    None => {
                        give_up(&mut workers).await;
                        Ok(())
                    }
                }
            }
        };
        shared.app.flush().await;
        ended
    }
}

/// Reads the settings, and registers the extension that a shutdown needs.
async fn prepare(
    mode: Option<InvokeMode>,
    env: &LookUp,
    shutdown: Option<Trigger>,
) -> Result<(Settings, Option<(BoxFuture<()>, Extension)>), RuntimeError> {
    let settings = Settings::read(mode, env)?;
    let Some(trigger) = shutdown else { return Ok((settings, None)) };
    // First the signal: Lambda may send it as soon as there is an extension.
    let stop = trigger().map_err(RuntimeError::Signal)?;
    let extension = Extension::register(settings.api.clone()).await?;
    Ok((settings, Some((stop, extension))))
}

/// Waits for all workers to end.
async fn join_all(workers: &mut JoinSet<Result<(), RuntimeError>>) -> Result<(), RuntimeError> {
    let mut outcome = Ok(());
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(ended) => outcome = outcome.and(ended),
            // It is not cancelled while it is waited for: it panicked.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    outcome
}

/// Drops what is being handled.
async fn give_up(workers: &mut JoinSet<Result<(), RuntimeError>>) {
    tracing::warn!(workers = workers.len(), "the shutdown gives up what is being handled");
    workers.shutdown().await;
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("app", &self.app)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// What all workers share.
struct Shared {
    app: AppService,
    mode: InvokeMode,
    /// Ends when no more invocations are to be taken.
    stop: CancellationToken,
    /// Ends when a shutdown begins, and [`stop`](Self::stop) with it.
    shutdown: CancellationToken,
    /// Whether it was logged that deadlines are missing.
    odd_deadline: Once,
}

/// Handles one invocation after the other.
struct Worker {
    shared: Arc<Shared>,
    api: RuntimeApi,
}

/// How an invocation ends.
enum Answer {
    Whole(String),
    Streamed(Box<Frames>),
    Failed(FunctionError),
}

impl Worker {
    async fn work(mut self) -> Result<(), RuntimeError> {
        let stop = self.shared.stop.clone();
        while !stop.is_cancelled() {
            // What has come is handled, also if everything stops at the same moment.
            let next = match before(stop.cancelled(), self.api.next()).await {
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    tracing::error!(%error, "no more invocations are taken");
                    stop.cancel();
                    return Err(error);
                }
                None => break,
            };
            let (begun, ending) = self.shared.app.begin(self.shared.invocation(&next));
            let span = begun.span.clone();
            span.run(self.handle(next, begun)).await;
            // The span has ended: it is flushed, too. What is sent then has the trace.
            self.shared.app.finish(ending).await;
        }
        Ok(())
    }

    /// Handles an invocation, and is done with it by its deadline, as far as anything in it waits.
    async fn handle(&mut self, next: Next, begun: Begun) {
        let Next { reply, event, .. } = next;
        let shared = Arc::clone(&self.shared);
        let time = begun.time;
        let clock = shared.app.clock();
        let answer = match clock.race(time.stops_at(), self.api.receive(event)).await {
            Some(Ok(event)) => shared.answer_guarded(&event, begun).await,
            Some(Err(error)) => {
                tracing::error!(%error, "the event was not received to its end");
                Answer::Failed(FunctionError::not_received())
            }
            None => Answer::Failed(FunctionError::not_received()),
        };
        let by = time.answers_by(clock.now());
        let delivered = AssertUnwindSafe(clock.race(by, self.deliver(&reply, answer)));
        match delivered.catch_unwind().await {
            Ok(Some(())) => {}
            Ok(None) => tracing::warn!("the answer was not read in time: its connection is closed"),
            // Something of a response was dropped, and did not take it well.
            Err(panic) => shared.tell_of_panic(&reply.request_id, panic),
        }
    }

    /// Sends an answer. Dropping the future closes the connection that it is on.
    async fn deliver(&mut self, reply: &Reply, answer: Answer) {
        let delivered = match answer {
            Answer::Whole(answer) => self.api.respond(reply, answer).await,
            Answer::Streamed(frames) => {
                let (delivered, outcome) = self.api.stream(reply, frames).await;
                if let Some(outcome) = outcome {
                    tell(&outcome);
                }
                delivered
            }
            Answer::Failed(error) => return self.fail(reply, &error).await,
        };
        if matches!(delivered, Ok(StatusCode::PAYLOAD_TOO_LARGE)) {
            return self.fail(reply, &FunctionError::too_large()).await;
        }
        log("response", &delivered);
    }

    async fn fail(&mut self, reply: &Reply, error: &FunctionError) {
        let FunctionError { error_type, message } = error;
        tracing::error!(
            error_type = &**error_type,
            error = &*log_text(message),
            "the invocation fails"
        );
        log("error", &self.api.fail(reply, error).await);
    }
}

impl Shared {
    /// Shuts down once `stop` is done, and is done itself when there is no time left for it.
    async fn shut_down(&self, stop: BoxFuture<()>) {
        stop.await;
        tracing::info!("the function shuts down");
        self.shutdown.cancel();
        self.app.clock().sleep(DRAIN_TIME).await;
    }

    /// What an event is answered with, also if that panics where no handler's guard is.
    async fn answer_guarded(&self, event: &[u8], begun: Begun) -> Answer {
        let request_id = begun.invocation.request_id.clone();
        let answer = AssertUnwindSafe(self.answer(event, begun)).catch_unwind().await;
        answer.unwrap_or_else(|panic| {
            self.tell_of_panic(&request_id, panic);
            Answer::Failed(FunctionError::panicked())
        })
    }

    fn tell_of_panic(&self, request_id: &str, panic: Box<dyn Any + Send>) {
        let error = AppError::internal().with_cause(Panicked::new("the function", panic));
        self.app.tell(Failure { request_id: request_id.to_owned(), error });
    }

    async fn answer(&self, event: &[u8], begun: Begun) -> Answer {
        let answered = match core::str::from_utf8(event) {
            Ok(event) => self.answer_text(event, begun).await,
            Err(_) => Err(FunctionError::invalid_event("the event is not UTF-8")),
        };
        answered.unwrap_or_else(Answer::Failed)
    }

    async fn answer_text(&self, event: &str, begun: Begun) -> Result<Answer, FunctionError> {
        let read = self.app.read_event(event, &begun)?;
        let target = if let LambdaEvent::Http(request) = &read
            && self.app.serves(&read)
        {
            self.mode.target(request)
        } else {
            None
        };
        match (target, read) {
            (Some(target), LambdaEvent::Http(event)) => {
                let stops_at = begun.time.stops_at();
                let response = self.app.serve_begun(event.request, begun).await;
                let mut frames =
                    Box::new(Frames::new(&self.app, response, target, stops_at, &self.shutdown));
                if !frames.open().await {
                    return Err(FunctionError::aborted());
                }
                Ok(Answer::Streamed(frames))
            }
            (_, read) => Ok(Answer::Whole(self.app.answer_event(read, event, begun).await?)),
        }
    }

    /// What the head of an event says of its invocation.
    fn invocation(&self, next: &Next) -> Invocation {
        let deadline = next.head.deadline_ms().and_then(|ms| self.deadline(ms));
        let is_cold_start = self.app.starts_cold();
        Invocation { deadline, is_cold_start, ..next.head.invocation() }
    }

    /// When Lambda ends an invocation that has just come. Emulators say it ended before: that is no
    /// deadline.
    fn deadline(&self, ms: u64) -> Option<Timestamp> {
        let deadline = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_millis(ms));
        if deadline > self.app.clock().now() {
            return Some(deadline);
        }
        self.odd_deadline.call_once(|| {
            tracing::warn!(
                "an invocation came after its deadline: such deadlines are taken for none"
            );
        });
        None
    }
}

fn tell(outcome: &FrameOutcome) {
    let FrameOutcome { status, chunks, bytes, code, refused_code, reason, .. } = outcome;
    if code.is_empty() && refused_code.is_none() {
        tracing::debug!(?status, chunks, bytes, ?reason, "stream.completed");
    } else {
        tracing::warn!(?status, chunks, bytes, code, ?refused_code, ?reason, "stream.completed");
    }
}

/// Logs why an answer was not delivered, if it was not.
pub(super) fn log(what: &str, delivered: &Result<StatusCode, ConnectionError>) {
    match delivered {
        Ok(status) if status.is_success() => {}
        Ok(StatusCode::GONE) => tracing::warn!(what, "Lambda gave the invocation up"),
        Ok(status) => tracing::error!(what, %status, "the Runtime API refuses the answer"),
        Err(error) => tracing::error!(what, %error, "the answer could not be sent"),
    }
}
