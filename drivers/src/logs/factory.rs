//! Creating loggers.

use core::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use apptheory_core::observe::line::LineFormat;
use apptheory_core::observe::profile::LoggingProfile;
use apptheory_core::observe::{LoggerConfig, LoggerConfigError, MAX_LINES};

use super::console_logger::ConsoleLogger;
use super::logger::SharedLogger;
use super::noop::NoopLogger;
use super::notify::{ErrorNotifier, Notifications};
use super::output::Output;
use super::profile_logger::ProfileLogger;
use super::test_logger::TestLogger;
use crate::clock::{Clock, SharedClock, SystemClock};
use crate::env::process_env;

/// Creates loggers that share a clock, a writer and a notifier.
///
/// ```
/// use apptheory::logs::{LoggerConfig, LoggerFactory};
/// use serde_json::json;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let config = LoggerConfig { format: "json".into(), ..LoggerConfig::default() };
/// let logger = LoggerFactory::new().console(&config)?.with_request_id("r1");
/// logger.info("placed", &[("order", json!(7))]);
/// logger.flush().await?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// Loggers write to the standard output:
///
/// ```json
/// {"timestamp":"…","level":"INFO","message":"placed","request_id":"r1","order":7}
/// ```
pub struct LoggerFactory {
    clock: SharedClock,
    writer: Box<dyn Fn() -> Box<dyn Write + Send> + Send + Sync>,
    notifier: Option<Arc<dyn ErrorNotifier>>,
}

impl Default for LoggerFactory {
    fn default() -> Self {
        Self::new()
    }
}

impl LoggerFactory {
    /// Creates a factory whose loggers write to the standard output, without a notifier.
    #[must_use]
    pub fn new() -> Self {
        let clock = SharedClock::new(SystemClock);
        Self { clock, writer: Box::new(|| Box::new(io::stdout())), notifier: None }
    }

    /// Sets the clock of the entries' times.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Sets the writer, instead of the standard output. Each logger gets a writer of its own, which
    /// is called from one thread with whole lines.
    #[must_use]
    pub fn with_writer<W: Write + Send + 'static>(
        self,
        writer: impl Fn() -> W + Send + Sync + 'static,
    ) -> Self {
        Self { writer: Box::new(move || Box::new(writer())), ..self }
    }

    /// Also passes entries of level error to `notifier`. They wait in a bounded queue until the
    /// invocation's response is sent, or until a flush.
    #[must_use]
    pub fn with_notifier(self, notifier: impl ErrorNotifier + 'static) -> Self {
        Self { notifier: Some(Arc::new(notifier)), ..self }
    }

    /// Creates a logger for production, with a configuration.
    ///
    /// # Errors
    ///
    /// [`LoggerConfigError`] for an unknown level or format.
    pub fn console(&self, config: &LoggerConfig) -> Result<SharedLogger, LoggerConfigError> {
        let settings = config.settings(process_env)?;
        let notifier = self.notifier.clone();
        let clock = self.clock.clone();
        let notifications =
            |tally: &_| Some(Notifications::new(notifier?, clock, &settings, Arc::clone(tally)));
        let output = self.output(settings.max_lines, settings.format, notifications);
        Ok(Arc::new(ConsoleLogger::new(settings, output)))
    }

    /// Creates a logger whose lines have the fields of a profile. It has no notifier, because
    /// alerts come from where the lines are collected.
    #[must_use]
    pub fn profile(&self, profile: LoggingProfile) -> ProfileLogger {
        ProfileLogger::new(profile, self.output(MAX_LINES, LineFormat::Json, |_| None))
    }

    /// Creates a logger that keeps its entries, for tests.
    #[must_use]
    pub fn test(&self) -> TestLogger {
        TestLogger::new(self.clock.clone())
    }

    /// Creates a logger that logs nothing.
    #[must_use]
    pub fn noop(&self) -> SharedLogger {
        Arc::new(NoopLogger)
    }

    fn output(
        &self,
        max_lines: usize,
        format: LineFormat,
        notifications: impl FnOnce(&Arc<super::logger::Tally>) -> Option<Notifications>,
    ) -> Output {
        Output::new((self.writer)(), max_lines, format, self.clock.clone(), notifications)
    }
}

impl fmt::Debug for LoggerFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggerFactory").field("notifier", &self.notifier).finish_non_exhaustive()
    }
}
