//! A logger for tests.

use std::sync::{Arc, Mutex, MutexGuard};

use apptheory_core::observe::{Fields, Level, LogEntry};
use apptheory_core::sanitize::Sanitizer;
use serde_json::Value as Json;

use super::lock;
use super::logger::{LoggerFuture, LoggerStats, SharedLogger, StructuredLogger, Tally, merged};
use crate::clock::{Clock, SharedClock};

/// A logger that keeps its entries, for tests. Clones and derived loggers share the entries. A
/// failed assertion panics with all entries.
///
/// Values are sanitized as by other loggers, and numbers are texts.
///
/// ```
/// use apptheory::clock::ManualClock;
/// use apptheory::logs::{StructuredLogger, TestLogger};
/// use apptheory::observe::Level;
/// use apptheory::time::Timestamp;
/// use serde_json::json;
///
/// let logger = TestLogger::new(ManualClock::new(Timestamp::UNIX_EPOCH));
/// logger.with_request_id("r1").warn("refused", &[("status", json!(401))]);
///
/// let fields = [("request_id", json!("r1")), ("status", json!(401))];
/// logger.assert_logged(Level::Warn, "refused", &fields);
/// logger.assert_not_logged(Level::Error, "");
/// assert_eq!(logger.entries()[0].fields["status"], "401");
/// ```
#[derive(Clone, Debug)]
pub struct TestLogger {
    shared: Arc<Shared>,
    bound: Arc<Fields>,
}

#[derive(Debug)]
struct Shared {
    clock: SharedClock,
    sanitizer: Sanitizer,
    tally: Tally,
    entries: Mutex<Vec<LogEntry>>,
}

impl TestLogger {
    /// Creates a logger without entries. `clock` gives the times.
    #[must_use]
    pub fn new(clock: impl Clock + 'static) -> Self {
        let shared = Shared {
            clock: SharedClock::new(clock),
            sanitizer: Sanitizer::new(),
            tally: Tally::default(),
            entries: Mutex::default(),
        };
        Self { shared: Arc::new(shared), bound: Arc::default() }
    }

    /// Returns the entries so far, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<LogEntry> {
        self.shared.entries().clone()
    }

    /// Asserts that there is an entry of this level whose message contains `message`, with these
    /// fields; ids are fields, too, and an empty id means that the entry has none. Values are
    /// compared as they are logged.
    ///
    /// # Panics
    ///
    /// If there is no such entry; the panic's message shows all entries.
    #[track_caller]
    pub fn assert_logged(&self, level: Level, message: &str, fields: &[(&str, Json)]) {
        if !self.has_logged(level, message, fields) {
            let asked = merged(&Fields::new(), fields);
            self.fail(&format!(
                "no entry of level {} has {message:?} with {asked:?}",
                level.name()
            ));
        }
    }

    /// Asserts that no entry of this level has a message that contains `message`; `""` matches all
    /// messages.
    ///
    /// # Panics
    ///
    /// If there is such an entry; the panic's message shows all entries.
    #[track_caller]
    pub fn assert_not_logged(&self, level: Level, message: &str) {
        if self.has_logged(level, message, &[]) {
            self.fail(&format!("an entry of level {} has {message:?}", level.name()));
        }
    }

    fn has_logged(&self, level: Level, message: &str, fields: &[(&str, Json)]) -> bool {
        let names = merged(&Fields::new(), fields);
        let asked =
            LogEntry::new(self.shared.clock.now(), level, message, &names, &self.shared.sanitizer);
        let has = |entry: &LogEntry| {
            let mut fields = asked.fields.iter();
            let mut ids = asked.ids().into_iter().zip(entry.ids());
            entry.level == level
                && entry.message.contains(message)
                && fields.all(|(name, value)| entry.fields.get(name) == Some(value))
                && ids.all(|(asked, id)| !names.contains_key(asked.0) || asked == id)
        };
        self.shared.entries().iter().any(has)
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion of a test")]
    fn fail(&self, what: &str) -> ! {
        let lines: Vec<String> = self.entries().iter().map(shown).collect();
        panic!("{what}; {} entries were logged:\n{}", lines.len(), lines.join("\n"))
    }
}

fn shown(entry: &LogEntry) -> String {
    serde_json::to_string(entry).unwrap_or_else(|error| error.to_string())
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, Vec<LogEntry>> {
        lock(&self.entries)
    }
}

impl StructuredLogger for TestLogger {
    fn log(&self, level: Level, message: &str, fields: &[(&str, Json)]) {
        let Shared { clock, sanitizer, tally, .. } = &*self.shared;
        if tally.admits() {
            let fields = merged(&self.bound, fields);
            let entry = LogEntry::new(clock.now(), level, message, &fields, sanitizer);
            self.shared.entries().push(entry);
            tally.logged();
        }
    }

    fn with_fields(&self, fields: &[(&str, Json)]) -> SharedLogger {
        let bound = merged(&self.bound, fields).into();
        Arc::new(Self { shared: Arc::clone(&self.shared), bound })
    }

    fn flush(&self) -> LoggerFuture<'_> {
        Box::pin(async {
            self.shared.tally.flushed(self.shared.clock.now(), core::time::Duration::ZERO);
            Ok(())
        })
    }

    fn close(&self) -> LoggerFuture<'_> {
        self.shared.tally.close();
        self.flush()
    }

    fn is_healthy(&self) -> bool {
        self.shared.tally.is_healthy()
    }

    fn stats(&self) -> LoggerStats {
        self.shared.tally.stats()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use apptheory_core::time::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::clock::ManualClock;

    fn logger() -> (TestLogger, ManualClock) {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        (TestLogger::new(clock.clone()), clock)
    }

    #[test]
    fn derived_loggers_share_entries_and_never_change_each_other() {
        let (logger, clock) = logger();
        let of_request = logger.with_request_id("r\u{202e}\n1");
        of_request
            .with_request_id("r2")
            .with_user_id("u")
            .info("a", &[("n", json!(1)), ("n", json!(2))]);
        clock.advance(core::time::Duration::from_secs(1));
        of_request.with_fields(&[("n", json!(0))]).error("b", &[("pin", json!("1234"))]);
        logger.debug("c password=x", &[]);
        let entries = logger.entries();
        let ids: Vec<_> =
            entries.iter().map(|entry| (&*entry.request_id, &*entry.user_id)).collect();
        assert_eq!(ids, [("r2", "u"), ("r1", ""), ("", "")]);
        assert_eq!(entries[0].fields, Fields::from([("n".into(), json!("2"))]));
        assert_eq!(entries[1].fields["pin"], "[REDACTED]");
        assert_eq!(
            (entries[1].at.unix_seconds(), &*entries[2].message),
            (1, "c password=[REDACTED]")
        );
        assert_eq!(logger.stats().entries_logged, 3);
    }

    #[test]
    fn an_assertion_that_does_not_hold_shows_all_entries() {
        let (logger, _) = logger();
        logger.with_tenant_id("t").warn("first", &[("n", json!(1))]);
        logger.info("second", &[]);
        logger.assert_logged(Level::Warn, "irs", &[("n", json!(1)), ("tenant_id", json!("t"))]);
        logger.assert_logged(Level::Info, "second", &[("tenant_id", json!(""))]);
        logger.assert_not_logged(Level::Error, "");
        let refused: [fn(&TestLogger); 6] = [
            |logger| logger.assert_logged(Level::Info, "first", &[]),
            |logger| logger.assert_logged(Level::Warn, "first", &[("n", json!(2))]),
            |logger| logger.assert_logged(Level::Warn, "first", &[("m", json!(1))]),
            |logger| logger.assert_logged(Level::Warn, "", &[("tenant_id", json!("u"))]),
            |logger| logger.assert_logged(Level::Warn, "", &[("tenant_id", json!(""))]),
            |logger| logger.assert_not_logged(Level::Warn, ""),
        ];
        for refused in refused {
            let panic = catch_unwind(AssertUnwindSafe(|| refused(&logger))).unwrap_err();
            let text = panic.downcast_ref::<String>().unwrap();
            for part in
                ["2 entries were logged:", r#""message":"first","fields":{"n":"1"}"#, "second"]
            {
                assert!(text.contains(part), "{text}");
            }
        }
    }

    #[tokio::test]
    async fn closing_one_closes_all_and_what_comes_later_is_counted() {
        let (logger, clock) = logger();
        clock.advance(core::time::Duration::from_secs(9));
        assert_eq!((logger.stats().last_flush, logger.is_healthy()), (None, true));
        let derived = logger.with_request_id("r");
        derived.flush().await.unwrap();
        derived.close().await.unwrap();
        logger.info("late", &[]);
        assert!(logger.entries().is_empty() && !logger.is_healthy());
        let stats = logger.stats();
        assert_eq!((stats.entries_dropped, stats.flush_count), (1, 2));
        let json = serde_json::to_value(&stats).unwrap();
        let expected = json!({"last_flush": "1970-01-01T00:00:09Z", "entries_logged": 0,
            "entries_dropped": 1, "flush_count": 2, "error_count": 0, "average_flush_time": 0});
        assert_eq!(json, expected);
    }
}
