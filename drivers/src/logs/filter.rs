//! Filtering events.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::layer::is_sampled;

/// Selects events by level and target, and in sampled invocations also events of level debug.
pub(super) struct LineFilter {
    pub(super) levels: Targets,
    pub(super) has_samples: bool,
}

impl LineFilter {
    fn always(&self, metadata: &Metadata<'_>) -> bool {
        self.levels.would_enable(metadata.target(), metadata.level()) || is_own_span(metadata)
    }

    /// Returns whether the decision depends on the invocation. Targets that are switched off stay
    /// off.
    fn sometimes(&self, metadata: &Metadata<'_>) -> bool {
        self.has_samples
            && *metadata.level() <= Level::DEBUG
            && self.levels.would_enable(metadata.target(), &Level::ERROR)
    }
}

/// Returns whether this is a span of this crate, such as an invocation: every line has its fields,
/// whatever the level.
fn is_own_span(metadata: &Metadata<'_>) -> bool {
    let crates = metadata.target().split("::").next();
    metadata.is_span() && *metadata.level() <= Level::INFO && crates == Some("apptheory")
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Filter<S> for LineFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        self.always(metadata)
            || self.sometimes(metadata)
                && context.lookup_current().is_some_and(|span| is_sampled(&span))
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.always(metadata) {
            Interest::always()
        } else if self.sometimes(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let least = if self.has_samples { LevelFilter::DEBUG } else { LevelFilter::INFO };
        let levels = Filter::<S>::max_level_hint(&self.levels)?;
        Some(levels.max(least))
    }
}
