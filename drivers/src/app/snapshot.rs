//! Hooks around the snapshot that Lambda SnapStart takes of the process.

use core::future::Future;
use core::pin::pin;
use core::sync::atomic::Ordering;

use super::events::BoxError;
use super::guard::guarded;
use super::{App, AppService, BoxFuture};
use crate::snapshot;

pub(super) type SnapshotHook = Box<dyn Fn() -> BoxFuture<Result<(), BoxError>> + Send + Sync>;

fn boxed<F, R>(hook: F) -> SnapshotHook
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    Box::new(move || Box::pin(hook()))
}

/// Lambda SnapStart: Lambda starts a function once, takes a snapshot of its memory, and starts all
/// of its processes from that snapshot.
///
/// All processes begin with the same memory, which may be old. This crate keeps no id, random
/// number or instant across a restore, and its AWS clients open new connections and fetch
/// credentials again. Use these hooks for what your application keeps. They run on Lambda, for the
/// application that [runs](crate::lambda::Runtime) there, not for applications that are mounted in
/// it.
impl<S> App<S> {
    /// Runs `hook` before the snapshot is taken, and waits for it. Use it to load and compute what
    /// all processes need, and to close what they must not share. An error or a panic fails the
    /// publication of the function's version.
    ///
    /// ```
    /// use apptheory::app::App;
    ///
    /// let app = App::new()
    ///     .before_snapshot(async || {
    ///         println!("prices are loaded here");
    ///         Ok(())
    ///     })
    ///     .after_restore(async || {
    ///         println!("connections are made here");
    ///         Ok(())
    ///     })
    ///     .build()?;
    /// # Ok::<(), apptheory::app::BuildError>(())
    /// ```
    #[must_use]
    pub fn before_snapshot<F, R>(mut self, hook: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.hooks.set("before_snapshot", |hooks| &mut hooks.before_snapshot, boxed(hook));
        self
    }

    /// Runs `hook` after a process was restored from the snapshot and before its first invocation,
    /// and waits for it. Lambda allows 10 s for the restore including the hook. Use it to renew
    /// what is old or must not be shared: connections, secrets, seeds of random numbers. An error
    /// or a panic ends the process and is reported to Lambda.
    #[must_use]
    pub fn after_restore<F, R>(mut self, hook: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.hooks.set("after_restore", |hooks| &mut hooks.after_restore, boxed(hook));
        self
    }
}

impl AppService {
    /// Prepares for a snapshot of the process.
    pub(crate) async fn before_snapshot(&self) -> Result<(), BoxError> {
        run("the hook before the snapshot", self.inner.hooks.before_snapshot.as_ref()).await
    }

    /// Resumes from a snapshot: discards what must not survive it.
    pub(crate) async fn restore(&self) -> Result<(), BoxError> {
        snapshot::restored();
        self.inner.is_warm.store(false, Ordering::Relaxed);
        run("the hook after the restore", self.inner.hooks.after_restore.as_ref()).await
    }
}

async fn run(whose: &'static str, hook: Option<&SnapshotHook>) -> Result<(), BoxError> {
    match hook {
        Some(hook) => guarded(whose, pin!(async { hook().await })).await,
        None => Ok(()),
    }
}
