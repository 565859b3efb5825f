//! Error notifications.

#[cfg(feature = "sns")]
mod sns;
#[cfg(test)]
mod tests;

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, Weak};

use apptheory_core::observe::{LogEntry, LoggerSettings};
use apptheory_core::time::Timestamp;
use futures_util::FutureExt as _;

#[cfg(feature = "sns")]
pub use self::sns::{SnsNotifier, aws_sdk_sns};
use super::lock;
use super::logger::{LogError, Tally};
use crate::clock::{Clock as _, SharedClock};

/// The future that [`ErrorNotifier::notify`] returns.
pub type NotifyFuture<'n> = Pin<Box<dyn Future<Output = Result<(), NotifyError>> + Send + 'n>>;

/// Sends error notifications, for instance by mail or chat. Pass it to a
/// [factory](super::LoggerFactory::with_notifier). It gets sanitized entries of level error, one at
/// a time; failed ones are retried later.
///
/// ```
/// use apptheory::logs::{ErrorNotifier, LoggerConfig, LoggerFactory, NotifyFuture};
/// use apptheory::observe::LogEntry;
///
/// #[derive(Debug)]
/// struct Pager;
///
/// impl ErrorNotifier for Pager {
///     fn notify<'n>(&'n self, entry: &'n LogEntry) -> NotifyFuture<'n> {
///         Box::pin(async move {
///             println!("call somebody: {}", entry.message);
///             Ok(())
///         })
///     }
/// }
///
/// let logger = LoggerFactory::new().with_notifier(Pager).console(&LoggerConfig::default())?;
/// logger.error("out of paper", &[]);
/// # Ok::<(), apptheory::logs::LoggerConfigError>(())
/// ```
pub trait ErrorNotifier: fmt::Debug + Send + Sync {
    /// Sends a notification of an entry. If the invocation's time is up, the future is dropped and
    /// the entry is tried again later: an entry may be sent twice.
    ///
    /// # Errors
    ///
    /// [`NotifyError`] if it could not be sent.
    fn notify<'n>(&'n self, entry: &'n LogEntry) -> NotifyFuture<'n>;
}

/// Why a notification could not be sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct NotifyError(pub String);

/// Entries that wait for their notifier. [Pushing](Self::push) never waits; entries that do not fit
/// are dropped, and counted. Entries are sent at the end of an invocation, or by a flush, never in
/// the background.
#[derive(Clone)]
pub(super) struct Notifications(Arc<Shared>);

struct Shared {
    notifier: Arc<dyn ErrorNotifier>,
    clock: SharedClock,
    retry_delay: Duration,
    attempts: u32,
    most: usize,
    tally: Arc<Tally>,
    waiting: Mutex<Waiting>,
    /// Held while notifications are sent.
    sending: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    notifications: VecDeque<Notification>,
    next_number: u64,
}

struct Notification {
    number: u64,
    entry: LogEntry,
    tried: u32,
    due_at: Timestamp,
}

/// All queues of the process, for the end of an invocation.
static ALL: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Returns the future that sends due notifications, with one attempt each; `None` if nothing
/// notifies.
pub(super) fn send_due() -> Option<impl Future<Output = ()>> {
    let all: Vec<_> = lock(&ALL).iter().filter_map(Weak::upgrade).collect();
    (!all.is_empty()).then_some(async {
        for shared in all {
            shared.send_due().await;
        }
    })
}

impl Notifications {
    pub(super) fn new(
        notifier: Arc<dyn ErrorNotifier>,
        clock: SharedClock,
        settings: &LoggerSettings,
        tally: Arc<Tally>,
    ) -> Self {
        let shared = Arc::new(Shared::new(notifier, clock, settings, tally));
        let mut all = lock(&ALL);
        all.retain(|shared| shared.strong_count() > 0);
        all.push(Arc::downgrade(&shared));
        Self(shared)
    }

    pub(super) fn push(&self, entry: LogEntry) {
        let Shared { most, tally, waiting, .. } = &*self.0;
        let mut waiting = lock(waiting);
        if waiting.notifications.len() >= *most {
            tally.dropped();
            return;
        }
        let (number, due_at) = (waiting.next_number, entry.at);
        waiting.next_number += 1;
        waiting.notifications.push_back(Notification { number, entry, tried: 0, due_at });
    }

    /// Sends all notifications, and waits for their retries.
    pub(super) async fn send_all(&self) -> Result<(), LogError> {
        let _sending = self.0.sending.lock().await;
        let (mut count, mut why) = (0, String::new());
        while let Some(due_at) = self.0.next_due() {
            let until = self.0.clock.now().until(due_at);
            if !until.is_zero() {
                self.0.clock.sleep(until).await;
            }
            for NotifyError(text) in self.0.try_due().await {
                (count, why) = (count + 1, text);
            }
        }
        if count == 0 { Ok(()) } else { Err(LogError::NotNotified { count, why }) }
    }
}

impl Shared {
    fn new(
        notifier: Arc<dyn ErrorNotifier>,
        clock: SharedClock,
        settings: &LoggerSettings,
        tally: Arc<Tally>,
    ) -> Self {
        let LoggerSettings { retry_delay, attempts, max_notifications: most, .. } = *settings;
        let (waiting, sending) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { notifier, clock, retry_delay, attempts, most, tally, waiting, sending }
    }

    fn next_due(&self) -> Option<Timestamp> {
        lock(&self.waiting).notifications.iter().map(|notification| notification.due_at).min()
    }

    async fn send_due(&self) {
        // Another task is already sending.
        if let Ok(_sending) = self.sending.try_lock() {
            drop(self.try_due().await);
        }
    }

    /// Makes one attempt for each due notification, in order. Returns the errors of those that were
    /// given up.
    async fn try_due(&self) -> Vec<NotifyError> {
        let now = self.clock.now();
        let due = |notification: &&Notification| notification.due_at <= now;
        let numbers: Vec<u64> = lock(&self.waiting)
            .notifications
            .iter()
            .filter(due)
            .map(|notification| notification.number)
            .collect();
        let mut given_up = Vec::new();
        for number in numbers {
            given_up.extend(self.attempt(number).await.err());
        }
        given_up
    }

    /// Makes an attempt; returns an error after the last one. An attempt counts when it begins, and
    /// the notification stays queued until it was sent.
    async fn attempt(&self, number: u64) -> Result<(), NotifyError> {
        let Some(entry) = self.begin(number)? else { return Ok(()) };
        let attempt = AssertUnwindSafe(async { self.notifier.notify(&entry).await });
        let panicked = |_| Err(NotifyError("the notifier panicked".to_owned()));
        let outcome = attempt.catch_unwind().await.unwrap_or_else(panicked);

        let mut waiting = lock(&self.waiting);
        let at =
            waiting.notifications.iter().position(|notification| notification.number == number);
        match outcome {
            Ok(()) => {
                at.and_then(|at| waiting.notifications.remove(at));
                self.tally.succeeded();
                Ok(())
            }
            Err(error) => {
                let notification = at.and_then(|at| waiting.notifications.get_mut(at));
                match notification {
                    Some(notification) if notification.tried < self.attempts => {
                        notification.due_at = self.clock.now().saturating_add(self.retry_delay);
                        Ok(())
                    }
                    Some(_) | None => {
                        at.and_then(|at| waiting.notifications.remove(at));
                        self.tally.failed(error.to_string());
                        Err(error)
                    }
                }
            }
        }
    }

    /// Begins an attempt; returns an error if all attempts of the notification were interrupted.
    fn begin(&self, number: u64) -> Result<Option<LogEntry>, NotifyError> {
        let mut waiting = lock(&self.waiting);
        let Some(at) =
            waiting.notifications.iter().position(|notification| notification.number == number)
        else {
            return Ok(None);
        };
        let Some(notification) = waiting.notifications.get_mut(at) else { return Ok(None) };
        if notification.tried < self.attempts {
            notification.tried += 1;
            // If the attempt is interrupted, others go first before it is retried.
            notification.due_at = self.clock.now().saturating_add(self.retry_delay);
            return Ok(Some(notification.entry.clone()));
        }
        waiting.notifications.remove(at);
        let error = NotifyError("the notifier did not finish in time".to_owned());
        self.tally.failed(error.to_string());
        Err(error)
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = lock(&self.0.waiting).notifications.len();
        f.debug_struct("Notifications").field("waiting", &waiting).finish_non_exhaustive()
    }
}
