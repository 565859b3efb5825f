//! Building a log.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, IsTerminal as _, Write};

use apptheory_core::observe::line::LineFormat;
use apptheory_core::observe::{MAX_LINES, SampleRate};
use apptheory_core::sanitize::Sanitizer;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

use super::Format;
use super::env::Settings;
use super::filter::LineFilter;
use super::layer::LineLayer;
use super::panics::log_panics;
use super::queue::Queue;
use super::warning::{lost_lines, warning};
use crate::clock::{Clock as _, SystemClock};
use crate::env::{Env, process_env};

/// Builds a log. Starts with the settings from the environment, which the methods override.
///
/// ```
/// use apptheory::logs::{Format, Logs};
///
/// Logs::from_env().format(Format::Json).debug_sample_rate(0.01).init();
/// ```
pub struct Logs {
    settings: Settings,
    debug_sample_rate: SampleRate,
    sanitizer: Sanitizer,
    writer: Option<Box<dyn Write + Send>>,
    capacity: usize,
}

/// Whether a log was set up for the process.
static IS_SET: AtomicBool = AtomicBool::new(false);

/// Returns whether a log of this module was set up for the process.
#[cfg(feature = "start")]
pub(crate) fn is_set() -> bool {
    IS_SET.load(Ordering::Relaxed)
}

impl Logs {
    /// Reads the environment variables that [`init`](super::init) lists.
    #[must_use]
    pub fn from_env() -> Self {
        Self::read(&process_env)
    }

    pub(crate) fn read(env: Env<'_>) -> Self {
        Self {
            settings: Settings::read(env),
            debug_sample_rate: SampleRate::default(),
            sanitizer: Sanitizer::new(),
            writer: None,
            capacity: MAX_LINES,
        }
    }

    /// Returns whether programs read the log: if it is JSON, or on Lambda.
    #[cfg(feature = "start")]
    pub(crate) fn is_for_programs(&self) -> bool {
        self.settings.is_on_lambda || self.settings.format == Format::Json
    }

    /// Sets the format of the lines.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.settings.format = format;
        self
    }

    /// Sets the least severe level that is logged.
    #[must_use]
    pub fn level(self, level: LevelFilter) -> Self {
        self.levels(Targets::new().with_default(level))
    }

    /// Sets levels by target, such as the module that events are in. Replaces
    /// [`level`](Self::level).
    ///
    /// ```
    /// use apptheory::logs::Logs;
    ///
    /// let logs = Logs::from_env().levels("info,shop::orders=debug,aws_config=off".parse()?);
    /// # drop(logs);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn levels(mut self, levels: Targets) -> Self {
        self.settings.levels = levels;
        self
    }

    /// Also logs events of level `DEBUG` for a sample of invocations: `0.01` is one in a hundred, 0
    /// (the default) none, 1 all. The request id decides, so all functions log the same requests.
    /// Targets that are switched off stay off.
    #[must_use]
    pub fn debug_sample_rate(mut self, rate: f64) -> Self {
        self.debug_sample_rate = SampleRate::new(rate);
        self
    }

    /// Sets the sanitizer, which decides what is shown; by default [`Sanitizer::new`].
    #[must_use]
    pub fn sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.sanitizer = sanitizer;
        self
    }

    /// Sets the writer, instead of the standard error. It gets several lines at once, on a thread
    /// of its own. Events that the writer itself logs are dropped, and counted.
    #[must_use]
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = Some(Box::new(writer));
        self
    }

    /// Sets how many lines may wait for the writer, 8192 by default, and at most 16 MiB. Further
    /// lines are dropped and counted: see [`stats`](super::stats).
    #[must_use]
    pub const fn capacity(mut self, lines: usize) -> Self {
        self.capacity = lines;
        self
    }

    /// Returns the log as a layer, for combining with other layers, and starts its thread.
    ///
    /// ```
    /// use apptheory::logs::Logs;
    /// use tracing_subscriber::layer::SubscriberExt as _;
    ///
    /// let subscriber = tracing_subscriber::registry().with(Logs::from_env().layer());
    /// tracing::subscriber::set_global_default(subscriber)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn layer<S>(self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let Self { settings, debug_sample_rate, sanitizer, writer, capacity } = self;
        let format = match settings.format {
            Format::Json => LineFormat::Json,
            Format::Text => LineFormat::Text {
                is_timed: !settings.is_on_lambda,
                is_colored: settings.may_be_colored
                    && writer.is_none()
                    && io::stderr().is_terminal(),
            },
        };
        let writer = writer.unwrap_or_else(|| Box::new(io::stderr()));
        let queue = Queue::new(writer, capacity, lost_lines(format, SystemClock));
        for complaint in settings.complaints {
            queue.push(&warning(format, SystemClock.now(), &complaint));
        }
        let about = settings.about;
        let filter =
            LineFilter { levels: settings.levels, has_samples: !debug_sample_rate.is_zero() };
        LineLayer { queue, format, sanitizer, about, debug_sample_rate }.with_filter(filter)
    }

    /// Writes `tracing` events and panics to this log from now on. Returns `false`, and changes
    /// nothing, if a `tracing` subscriber is already set; that subscriber gets a warning. Call it
    /// before [`start`](crate::start()), not in its closure.
    pub fn init(self) -> bool {
        let is_set = self.init_if_none();
        if !is_set {
            tracing::warn!(
                target: "apptheory::logs",
                "`Logs::init` had no effect, because there is a log already: call it before \
                 `apptheory::start`, which sets one up",
            );
        }
        is_set
    }

    /// Sets the log up, unless a subscriber is already set; returns whether it did.
    pub(crate) fn init_if_none(self) -> bool {
        // Checked first, so that no thread is started for nothing.
        if tracing::dispatcher::has_been_set() {
            return false;
        }
        let subscriber = tracing_subscriber::registry().with(self.layer());
        let is_set = tracing::subscriber::set_global_default(subscriber).is_ok();
        if is_set {
            IS_SET.store(true, Ordering::Relaxed);
            log_panics();
        }
        is_set
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs")
            .field("settings", &self.settings)
            .field("debug_sample_rate", &self.debug_sample_rate)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
