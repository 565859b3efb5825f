//! A function: it starts, has its workers take invocations, and shuts down.

use core::fmt;
use core::future::Future;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Once};

use apptheory_core::events::InvokeMode;
use futures_util::future::select;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::api::RuntimeApi;
use super::error::RuntimeError;
use super::extension::{Extension, sigterm};
use super::init::{pass_snapshot, report_failed_init};
use super::settings::{Settings, function};
use super::worker::{Shared, Worker};
use crate::app::{AppService, BoxFuture};
use crate::clock::{Clock as _, before};
use crate::env::{OwnedEnv, process_env};

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
    env: OwnedEnv,
    shutdown: Option<Trigger>,
}

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
        let stop = shutdown.child_token();
        let mut workers = JoinSet::new();
        let work = async {
            let is_to_run = match settings.is_snapshotted {
                true => pass_snapshot(&app, &settings.api, &env, &stop).await?,
                false => true,
            };
            if is_to_run {
                #[cfg(feature = "aws")]
                crate::store::aws::connect_all(app.clock()).await;
                let shared = Arc::new(Shared {
                    app: app.clone(),
                    function: function(&env),
                    mode: settings.mode,
                    stop,
                    shutdown: shutdown.clone(),
                    odd_deadline: Once::new(),
                });
                for _ in 0..settings.max_concurrency.get() {
                    let api = RuntimeApi::new(settings.api.clone());
                    let worker = Worker { shared: Arc::clone(&shared), api };
                    workers.spawn(worker.work());
                }
            }
            join_all(&mut workers).await
        };
        let ended = match waiting {
            None => work.await,
            Some((stopping, extension)) => {
                let shut_down = pin!(shut_down(&app, stopping, &shutdown));
                let stand_by = pin!(extension.stand_by());
                let out_of_time = select(shut_down, stand_by);
                match before(out_of_time, work).await {
                    Some(ended) => ended,
                    None => {
                        give_up(&mut workers).await;
                        Ok(())
                    }
                }
            }
        };
        app.flush().await;
        ended
    }
}

/// Reads the settings, and registers the extension that a shutdown needs.
async fn prepare(
    mode: Option<InvokeMode>,
    env: &OwnedEnv,
    shutdown: Option<Trigger>,
) -> Result<(Settings, Option<(BoxFuture<()>, Extension)>), RuntimeError> {
    let settings = Settings::read(mode, env)?;
    let Some(trigger) = shutdown else { return Ok((settings, None)) };
    // First the signal: Lambda may send it as soon as there is an extension.
    let stop = trigger().map_err(RuntimeError::Signal)?;
    let extension = Extension::register(settings.api.clone()).await?;
    Ok((settings, Some((stop, extension))))
}

/// Shuts down once `stopping` is done, and is done itself when there is no time left for it.
async fn shut_down(app: &AppService, stopping: BoxFuture<()>, shutdown: &CancellationToken) {
    stopping.await;
    tracing::info!("the function shuts down");
    shutdown.cancel();
    app.clock().sleep(DRAIN_TIME).await;
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
