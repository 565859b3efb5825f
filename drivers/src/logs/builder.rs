//! Putting a log together.

use core::fmt;
use std::io::{self, IsTerminal as _, Write};

use apptheory_core::observe::Share;
use apptheory_core::observe::line::{self, Head, LineBuffer};
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
use crate::clock::{Clock as _, SystemClock};
use crate::env::{Env, process_env};

/// A log that is being put together. It begins as the environment has it; what is set here wins.
///
/// ```
/// use apptheory::logs::{Format, Logs};
///
/// Logs::from_env().format(Format::Json).debug_share(0.01).init();
/// ```
pub struct Logs {
    settings: Settings,
    debug_share: Share,
    sanitizer: Sanitizer,
    writer: Option<Box<dyn Write + Send>>,
    capacity: usize,
}

/// How many lines wait for the writer at most.
const CAPACITY: usize = 8192;

impl Logs {
    /// Reads what the environment says, as [`init`](super::init) has it.
    #[must_use]
    pub fn from_env() -> Self {
        Self::read(&process_env)
    }

    pub(crate) fn read(env: Env<'_>) -> Self {
        Self {
            settings: Settings::read(env),
            debug_share: Share::default(),
            sanitizer: Sanitizer::new(),
            writer: None,
            capacity: CAPACITY,
        }
    }

    /// Writes lines in this format.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.settings.format = format;
        self
    }

    /// Logs events that are at least so severe.
    #[must_use]
    pub fn level(self, level: LevelFilter) -> Self {
        self.levels(Targets::new().with_default(level))
    }

    /// Logs events that are at least as severe as their targets want it.
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

    /// Logs events of level `DEBUG`, too, in this share of all invocations: from 0, the default, to 1. A
    /// request id decides whether its invocation is one of them, in every function alike. Targets that
    /// are switched off stay off.
    #[must_use]
    pub fn debug_share(mut self, share: f64) -> Self {
        self.debug_share = Share::new(share);
        self
    }

    /// Decides with this sanitiser what is shown; by default with the strict rules.
    #[must_use]
    pub fn sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.sanitizer = sanitizer;
        self
    }

    /// Writes lines here instead of to the standard error, several at a time, from a thread of its own.
    /// What the writer logs itself is dropped, and counted.
    #[must_use]
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = Some(Box::new(writer));
        self
    }

    /// Lets so many lines wait for the writer, and at most 16 MiB of them; 8192 by default. Further ones
    /// are dropped and counted.
    #[must_use]
    pub const fn capacity(mut self, lines: usize) -> Self {
        self.capacity = lines;
        self
    }

    /// Returns the log as a layer, to be composed with others, and starts its thread.
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
        let Self { settings, debug_share, sanitizer, writer, capacity } = self;
        let format = match settings.format {
            Format::Json => line::Format::Json,
            Format::Text => line::Format::Text {
                is_timed: !settings.is_on_lambda,
                is_coloured: settings.may_be_coloured
                    && writer.is_none()
                    && io::stderr().is_terminal(),
            },
        };
        let writer = writer.unwrap_or_else(|| Box::new(io::stderr()));
        let say = move |message: &str, out: &mut String| warn(format, message, out);
        let queue = Queue::new(writer, capacity, move |lost, out| {
            say(&format!("{lost} log lines were lost: see `apptheory::logs::stats`"), out);
        });
        for complaint in settings.complaints {
            let mut line = String::new();
            say(&complaint, &mut line);
            queue.push(&line);
        }
        let about = settings.about;
        let filter = LineFilter { levels: settings.levels, has_share: !debug_share.is_none() };
        LineLayer { queue, format, sanitizer, about, debug_share }.with_filter(filter)
    }

    /// Makes lines of `tracing` events and of panics from here on; whether it does: not where a `tracing`
    /// subscriber is set already.
    #[expect(clippy::must_use_candidate, reason = "who has set up logging before does not care")]
    pub fn init(self) -> bool {
        // Asked first, so that no thread is started in vain.
        if tracing::dispatcher::has_been_set() {
            return false;
        }
        let subscriber = tracing_subscriber::registry().with(self.layer());
        let is_set = tracing::subscriber::set_global_default(subscriber).is_ok();
        if is_set {
            log_panics();
        }
        is_set
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs")
            .field("settings", &self.settings)
            .field("debug_share", &self.debug_share)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// Appends a warning of the log itself, without a line end.
fn warn(format: line::Format, message: &str, out: &mut String) {
    let (mut buffer, sanitizer) = (LineBuffer::default(), Sanitizer::new());
    let (at, level) = (SystemClock.now(), apptheory_core::observe::Level::Warn);
    let head = Head { at, level, target: "apptheory::logs", message };
    out.push_str(buffer.begin(format, &sanitizer, head).end());
}
