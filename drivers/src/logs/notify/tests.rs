use apptheory_core::observe::{Fields, Level, LoggerConfig};
use apptheory_core::sanitize::Sanitizer;
use futures_util::future::pending;

use super::*;
use crate::clock::ManualClock;

/// Responds as scripted, and records entries with their times.
#[derive(Debug)]
struct Scripted {
    clock: ManualClock,
    answers: Mutex<VecDeque<Answer>>,
    delivered: Mutex<Vec<(i64, String)>>,
}

#[derive(Debug)]
enum Answer {
    Fails,
    Panics,
    Hangs,
}

impl ErrorNotifier for Scripted {
    fn notify<'n>(&'n self, entry: &'n LogEntry) -> NotifyFuture<'n> {
        lock(&self.delivered).push((self.clock.now().unix_seconds(), entry.message.clone()));
        Box::pin(async {
            let answer = lock(&self.answers).pop_front();
            match answer {
                None => Ok(()),
                Some(Answer::Fails) => Err(NotifyError("busy".to_owned())),
                Some(Answer::Panics) => panic!("a notifier's mistake"),
                Some(Answer::Hangs) => pending().await,
            }
        })
    }
}

/// Returns a queue of two notifications with three attempts, ten seconds apart.
fn notifications(answers: impl IntoIterator<Item = Answer>) -> (Notifications, Arc<Scripted>) {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let notifier = Arc::new(Scripted {
        clock: clock.clone(),
        answers: Mutex::new(answers.into_iter().collect()),
        delivered: Mutex::default(),
    });
    let retry_delay = Some(Duration::from_secs(10));
    let config = LoggerConfig { retry_delay, buffer_size: 2, ..LoggerConfig::default() };
    let settings = config.settings(|_| None).unwrap();
    let (shared, tally) = (Arc::clone(&notifier), Arc::default());
    let shared = Shared::new(shared, SharedClock::new(clock), &settings, tally);
    (Notifications(Arc::new(shared)), notifier)
}

impl Notifications {
    fn push_all(&self, messages: &[&str]) {
        for message in messages {
            let (at, none) = (Timestamp::UNIX_EPOCH, Fields::new());
            self.push(LogEntry::new(at, Level::Error, message, &none, &Sanitizer::new()));
        }
    }

    fn waiting(&self) -> usize {
        lock(&self.0.waiting).notifications.len()
    }
}

impl Scripted {
    fn delivered(&self) -> Vec<(i64, String)> {
        lock(&self.delivered).clone()
    }
}

fn deliveries(all: &[(i64, &str)]) -> Vec<(i64, String)> {
    all.iter().map(|(at, text)| (*at, (*text).to_owned())).collect()
}

#[tokio::test]
async fn what_has_no_room_is_dropped_and_counted() {
    let (notifications, notifier) = notifications([]);
    notifications.push_all(&["a", "b", "c"]);
    assert_eq!(notifications.0.tally.stats().entries_dropped, 1);
    assert_eq!(notifications.send_all().await, Ok(()));
    assert_eq!(notifier.delivered(), deliveries(&[(0, "a"), (0, "b")]));
    assert_eq!(notifications.waiting(), 0);
}

#[tokio::test]
async fn a_notification_is_tried_again_after_a_while_and_given_up_with_its_reason() {
    use Answer::{Fails, Panics};
    let (notifications, notifier) = notifications([Fails, Fails, Panics]);
    notifications.push_all(&["a"]);
    let why = "the notifier panicked".to_owned();
    assert_eq!(notifications.send_all().await, Err(LogError::NotNotified { count: 1, why }));
    assert_eq!(notifier.delivered(), deliveries(&[(0, "a"), (10, "a"), (20, "a")]));
    let stats = notifications.0.tally.stats();
    assert_eq!(
        (stats.error_count, stats.last_error.as_deref()),
        (1, Some("the notifier panicked"))
    );
    assert!(!notifications.0.tally.is_healthy());

    notifications.push_all(&["b"]);
    assert_eq!(notifications.send_all().await, Ok(()));
    assert!(notifications.0.tally.is_healthy());
    assert_eq!(notifications.0.tally.stats().error_count, 1);
}

#[tokio::test]
async fn the_end_of_an_invocation_tries_what_is_due_once_and_waits_for_nothing() {
    let (notifications, notifier) = notifications([Answer::Fails, Answer::Fails]);
    notifications.push_all(&["a", "b"]);
    for _ in 0..3 {
        notifications.0.send_due().await;
    }
    assert_eq!(notifier.delivered(), deliveries(&[(0, "a"), (0, "b")]));
    notifier.clock.advance(Duration::from_secs(10));
    notifications.0.send_due().await;
    assert_eq!(notifier.delivered().split_off(2), deliveries(&[(10, "a"), (10, "b")]));
    assert_eq!(notifications.waiting(), 0);
}

#[tokio::test]
async fn a_notification_that_was_cut_short_waits_and_counts_as_tried() {
    use Answer::{Fails, Hangs};
    let (notifications, notifier) = notifications([Hangs, Hangs, Fails]);
    notifications.push_all(&["a"]);
    for _ in 0..2 {
        let mut sending = core::pin::pin!(notifications.0.send_due());
        assert!(futures_util::poll!(sending.as_mut()).is_pending());
        // A second caller does not wait for the first.
        notifications.0.send_due().await;
        notifier.clock.advance(Duration::from_secs(10));
    }
    assert_eq!((notifications.waiting(), notifier.delivered().len()), (1, 2));
    notifications.0.send_due().await;
    assert_eq!((notifications.waiting(), notifier.delivered().len()), (0, 3));
    assert_eq!(notifications.0.tally.stats().error_count, 1);
}

#[tokio::test]
async fn a_notification_that_is_always_cut_short_keeps_no_other_waiting_and_is_given_up() {
    use Answer::{Fails, Hangs};
    let (notifications, notifier) = notifications([Hangs, Fails, Hangs, Fails, Hangs, Fails]);
    notifications.push_all(&["a", "b"]);
    for _ in 0..3 {
        {
            let mut sending = core::pin::pin!(notifications.0.send_due());
            assert!(futures_util::poll!(sending.as_mut()).is_pending());
        }
        notifications.0.send_due().await;
        notifier.clock.advance(Duration::from_secs(10));
    }
    let both = [(0, "a"), (0, "b"), (10, "a"), (10, "b"), (20, "a"), (20, "b")];
    assert_eq!((notifier.delivered(), notifications.waiting()), (deliveries(&both), 1));
    notifications.0.send_due().await;
    assert_eq!((notifier.delivered(), notifications.waiting()), (deliveries(&both), 0));
    assert_eq!(notifications.0.tally.stats().error_count, 2);
}
