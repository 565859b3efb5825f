//! The runtime: starts workers that take invocations, and shuts them down.

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

/// Runs an application as a Lambda function, with settings of its own. Use [`run`](super::run) for
/// the defaults.
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

/// Starts to wait for the shutdown, on a tokio runtime.
type Trigger = Box<dyn FnOnce() -> io::Result<BoxFuture<()>> + Send>;

/// How long work may continue after a shutdown has begun: the time that Lambda gives a function
/// with internal extensions only, between SIGTERM and SIGKILL.
pub const DRAIN_TIME: Duration = Duration::from_millis(500);

impl Runtime {
    /// Creates a runtime for an application, configured by the process's environment.
    #[must_use]
    pub fn new(app: AppService) -> Self {
        Self { app, mode: None, env: Box::new(process_env), shutdown: None }
    }

    /// Sets how responses are sent; `APPTHEORY_INVOKE_MODE` is ignored then.
    #[must_use]
    pub const fn mode(mut self, mode: InvokeMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Looks variables up with `look_up` instead of in the process's environment.
    #[must_use]
    pub fn env(mut self, look_up: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.env = Box::new(look_up);
        self
    }

    /// Shuts down at SIGTERM. Lambda sends it only to functions with an extension, so an internal
    /// one is registered before the first invocation is fetched.
    ///
    /// After SIGTERM, no more invocations are taken, streams end with `app.internal`, and other
    /// work is dropped unless it finishes within [`DRAIN_TIME`] of the application's clock.
    ///
    /// On systems without SIGTERM there is no shutdown.
    #[must_use]
    pub fn shutdown_on_sigterm(mut self) -> Self {
        self.shutdown = Some(Box::new(sigterm));
        self
    }

    /// Shuts down when `stop` completes, instead of at SIGTERM; otherwise like
    /// [`shutdown_on_sigterm`](Self::shutdown_on_sigterm).
    #[must_use]
    pub fn shutdown_on(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Some(Box::new(move || Ok(Box::pin(stop))));
        self
    }

    /// Takes invocations and responds to them, until the Runtime API ends or the runtime shuts
    /// down. `AWS_LAMBDA_MAX_CONCURRENCY` sets how many are handled concurrently, each in a task of
    /// its own.
    ///
    /// Dropping the future cancels the invocations in progress.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`], after invocations in progress were answered. A shutdown is not an error.
    /// Errors before the first invocation are also reported to Lambda.
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
                #[cfg(any(feature = "aws", feature = "aws-lean"))]
                crate::store::connect_all(app.clock()).await;
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

/// Reads the settings, and registers the extension for the shutdown.
async fn prepare(
    mode: Option<InvokeMode>,
    env: &OwnedEnv,
    shutdown: Option<Trigger>,
) -> Result<(Settings, Option<(BoxFuture<()>, Extension)>), RuntimeError> {
    let settings = Settings::read(mode, env)?;
    let Some(trigger) = shutdown else { return Ok((settings, None)) };
    // Listen for the signal first: Lambda may send it as soon as there is an extension.
    let stop = trigger().map_err(RuntimeError::Signal)?;
    let extension = Extension::register(settings.api.clone()).await?;
    Ok((settings, Some((stop, extension))))
}

/// Shuts down when `stopping` completes; returns when the time for it is up.
async fn shut_down(app: &AppService, stopping: BoxFuture<()>, shutdown: &CancellationToken) {
    stopping.await;
    tracing::info!("shutting down");
    shutdown.cancel();
    app.clock().sleep(DRAIN_TIME).await;
}

/// Waits until all workers have ended.
async fn join_all(workers: &mut JoinSet<Result<(), RuntimeError>>) -> Result<(), RuntimeError> {
    let mut outcome = Ok(());
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(ended) => outcome = outcome.and(ended),
            // Workers are not cancelled while they are joined, so this one panicked.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    outcome
}

/// Drops the invocations in progress.
async fn give_up(workers: &mut JoinSet<Result<(), RuntimeError>>) {
    tracing::warn!(
        workers = workers.len(),
        "the time for the shutdown is up: dropping the invocations in progress"
    );
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
