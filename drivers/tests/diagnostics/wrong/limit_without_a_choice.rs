// a limit needs a choice for when its store does not respond
use apptheory::prelude::*;

pub fn limit(store: &Store) -> impl Middleware {
    RateLimit::per_minute(100).on(store)
}
