//! Links from errors and log lines to pages of the guide. A link is a path in this crate's
//! documentation, so it is right wherever the source is hosted.

use core::error::Error;
use core::fmt;

use apptheory_core::store::StoreFailure;
use apptheory_core::{eventbus, events, gateway, idempotency, kinesis, limiter, registry, store};

use crate::causes::causes;

/// Prints a link to a page of the guide, as `see apptheory::guide::routing`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct See(pub(crate) &'static str);

impl fmt::Display for See {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "see apptheory::guide::{}", self.0)
    }
}

impl See {
    /// Returns the page about an error, or about its first cause that is an error of this crate.
    /// Use it for errors whose own texts have no link.
    pub(crate) fn about(error: &(dyn Error + 'static)) -> Option<Self> {
        core::iter::once(error).chain(causes(error)).find_map(page).map(Self)
    }
}

fn page(error: &(dyn Error + 'static)) -> Option<&'static str> {
    Some(if error.is::<limiter::Error>() {
        "rate_limiting"
    } else if error.is::<eventbus::Error>() {
        "event_bus"
    } else if error.is::<idempotency::Error>() {
        "idempotency"
    } else if error.is::<gateway::Error>() || error.is::<registry::Error>() {
        "websockets"
    } else if error.is::<events::Error>() {
        "events"
    } else if error.is::<store::Error>()
        || error.is::<StoreFailure>()
        || error.is::<kinesis::Error>()
    {
        "deployment"
    } else {
        return None;
    })
}
