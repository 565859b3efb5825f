// no method named `on` found
use apptheory::prelude::*;

pub fn limit(store: &Store) -> impl Middleware {
    RateLimit::per_minute(100).on(store)
}
