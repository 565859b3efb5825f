//! Routers: a prefix, middleware and access rules for a part of an application.
//!
//! ```text
//! cargo run --example routers
//! curl -i localhost:3000/orders/7
//! curl -i -X DELETE localhost:3000/orders -H 'authorization: Bearer of-ann'
//! ```

use std::process::ExitCode;

use apptheory::prelude::*;

async fn show(Path(id): Path<u32>) -> String {
    format!("order {id}")
}

async fn create() -> (StatusCode, &'static str) {
    (StatusCode::CREATED, "ordered")
}

async fn clear() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn not_found(context: Context) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("nothing is at {}", context.path()))
}

/// Authenticates the caller. A real application verifies the token.
async fn authenticate(context: Context) -> Result<Option<Principal>, AppError> {
    let scopes = match context.header("authorization") {
        "Bearer of-ann" => vec!["orders:delete".to_owned()],
        "Bearer of-bob" => vec![],
        _ => return Ok(None),
    };
    let identity = context.header("authorization").trim_start_matches("Bearer of-").to_owned();
    Ok(Some(Principal { identity, scopes, ..Principal::default() }))
}

fn admin() -> Router {
    Router::new().delete("/orders", clear).for_scopes(["orders:delete"])
}

pub(crate) fn app(store: &Store) -> App {
    let limit = RateLimit::per_minute(100).fail_closed().on(store);
    let orders = Router::new()
        .get("/{id}", show)
        .post("/", create.layer(Idempotent::new("orders", store)))
        .layer(limit);
    App::new().nest("/orders", orders).merge(admin()).fallback(not_found).authenticate(authenticate)
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}
