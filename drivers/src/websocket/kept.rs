//! What the factories of clients have in common: which API a client sends to, and keeping it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::gateway::{RequestBase, ResolvedRegion, normalize_endpoint};

/// The API that a client sends to.
#[derive(Clone, Debug)]
pub(super) struct Api {
    pub(super) endpoint: String,
    pub(super) base: RequestBase,
    pub(super) region: ResolvedRegion,
}

/// The clients of a factory, one per endpoint and region.
pub(super) struct Kept<C>(Mutex<BTreeMap<(String, String), Arc<C>>>);

/// Returns the endpoint that the application has set, or that of the event.
pub(super) fn chosen<'e>(own: Option<&'e str>, of_event: &'e str) -> &'e str {
    own.filter(|own| !own.trim().is_empty()).unwrap_or(of_event)
}

impl Api {
    pub(super) fn new(endpoint: &str, base: RequestBase, region: ResolvedRegion) -> Self {
        Self { endpoint: normalize_endpoint(endpoint), base, region }
    }

    #[cfg(feature = "tracing")]
    fn warn_of_contradiction(&self) {
        use apptheory_core::sanitize::log_text;

        if self.region.contradicts_endpoint() {
            let (signed_for, region_source) = (&self.region.name, self.region.source.as_str());
            let base = log_text(self.base.as_str());
            tracing::warn!(
                target: "apptheory::websocket",
                signed_for, region_source, %base, "the endpoint is in another region: AWS will respond with 403"
            );
        }
    }

    #[cfg(not(feature = "tracing"))]
    const fn warn_of_contradiction(&self) {}
}

impl<C> Kept<C> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Returns the client of an API, which `create` makes once.
    pub(super) fn client(&self, api: Api, create: impl FnOnce(Api) -> C) -> Arc<C> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (api.base.to_string(), api.region.name.clone());
        let client = clients.entry(key).or_insert_with(|| {
            api.warn_of_contradiction();
            Arc::new(create(api))
        });
        Arc::clone(client)
    }
}
