//! The logger that logs nothing, and the logger of the process, which is that one by default.

use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use apptheory_core::observe::Level;
use serde_json::Value as Json;

use super::logger::{LoggerFuture, LoggerStats, SharedLogger, StructuredLogger};

/// A logger that logs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopLogger;

impl StructuredLogger for NoopLogger {
    fn log(&self, _: Level, _: &str, _: &[(&str, Json)]) {}

    fn with_fields(&self, _: &[(&str, Json)]) -> SharedLogger {
        Arc::new(Self)
    }

    fn flush(&self) -> LoggerFuture<'_> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> LoggerFuture<'_> {
        self.flush()
    }

    fn is_healthy(&self) -> bool {
        true
    }

    fn stats(&self) -> LoggerStats {
        LoggerStats::default()
    }
}

static LOGGER: LazyLock<RwLock<SharedLogger>> = LazyLock::new(|| RwLock::new(Arc::new(NoopLogger)));

/// Returns the logger of the process, which logs nothing until [`set_logger`] is called. Use it in
/// code that cannot be passed a logger.
#[must_use]
pub fn logger() -> SharedLogger {
    Arc::clone(&LOGGER.read().unwrap_or_else(PoisonError::into_inner))
}

/// Sets the logger of the process; `None` sets the one that logs nothing.
///
/// ```
/// use apptheory::logs::{LoggerConfig, LoggerFactory, logger, set_logger};
///
/// let json = LoggerFactory::new().console(&LoggerConfig::default())?;
/// set_logger(Some(json));
/// logger().info("set up", &[]);
/// # Ok::<(), apptheory::logs::LoggerConfigError>(())
/// ```
pub fn set_logger(logger: Option<SharedLogger>) {
    let logger = logger.unwrap_or_else(|| Arc::new(NoopLogger));
    *LOGGER.write().unwrap_or_else(PoisonError::into_inner) = logger;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::logs::TestLogger;

    /// The only test that uses the process's logger.
    #[test]
    fn lines_are_logged_only_while_a_logger_is_set() {
        let kept = TestLogger::new(SystemClock);
        logger().info("before", &[]);
        set_logger(Some(Arc::new(kept.clone())));
        logger().with_request_id("r1").info("meanwhile", &[]);
        set_logger(None);
        logger().info("after", &[]);
        let messages: Vec<_> = kept.entries().into_iter().map(|entry| entry.message).collect();
        assert_eq!(messages, ["meanwhile"]);
    }
}
