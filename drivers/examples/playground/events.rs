//! The event bus over HTTP: publish, page through, get and delete.

use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory::clock::Clock;
use apptheory::embedded::EmbeddedStore;
use apptheory::event_bus::{Bus as _, PublishFailed, StoreEventBus};
use apptheory_core::eventbus::{
    ConfigError, ErrorKind, Event, EventBus, EventQuery, PayloadError, PublishOutcome,
};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

type Bus<C> = Arc<StoreEventBus<EmbeddedStore<C>, C>>;
type Parameters = BTreeMap<String, String>;

/// What went wrong, as an answer.
type Failed = (StatusCode, String);

/// The event bus of the playground: one table, every default.
pub(crate) fn bus() -> Result<EventBus, ConfigError> {
    EventBus::builder().build()
}

/// `/events` and `/events/{id}` over a store that has the bus's table.
pub(crate) fn routes<C: Clock + Clone + 'static>(
    bus: EventBus,
    store: &EmbeddedStore<C>,
    clock: &C,
) -> Router {
    let bus = StoreEventBus::new(bus, store.clone()).with_clock(clock.clone());
    Router::new()
        .route("/events", get(query::<C>).post(publish::<C>))
        .route("/events/{id}", get(get_one::<C>).delete(delete::<C>))
        .with_state((Arc::new(bus), clock.clone()))
}

/// Publishes the event in the body, which needs no more than `tenant_id` and `event_type`.
async fn publish<C: Clock>(
    State((bus, clock)): State<(Bus<C>, C)>,
    body: String,
) -> Result<Response, Failed> {
    let event = Event::from_json(&body, clock.now());
    let event = event.map_err(|error| failed(ErrorKind::InvalidInput, &error.to_string()))?;
    let published = bus.publish(event).await.map_err(|error| match error {
        PublishFailed::NotPublished(error) => failed(error.kind(), &error.to_string()),
        PublishFailed::NotHandled { failure, .. } => {
            (StatusCode::INTERNAL_SERVER_ERROR, problem(&failure.to_string()))
        }
    })?;
    let status = match published.outcome {
        PublishOutcome::Created => StatusCode::CREATED,
        PublishOutcome::Deduplicated => StatusCode::OK,
    };
    Ok((status, as_json(published.event.to_json().map_err(unreadable)?)).into_response())
}

/// A page of `tenant`'s events, narrowed down by `type` and every `tag`, up to `limit`, after
/// `cursor`.
async fn query<C: Clock>(
    State((bus, _)): State<(Bus<C>, C)>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Failed> {
    let query = read_query(parameters)?;
    let page = bus.query(&query).await.map_err(|error| failed(error.kind(), &error.to_string()))?;
    Ok(as_json(page.to_json()).into_response())
}

fn read_query(parameters: Vec<(String, String)>) -> Result<EventQuery, Failed> {
    let refused = |why: String| failed(ErrorKind::InvalidInput, &why);
    let mut query = EventQuery::default();
    for (name, value) in parameters {
        query = match name.as_str() {
            "tenant" => EventQuery { tenant_id: value, ..query },
            "type" => query.with_event_type(value),
            "tag" => query.with_tags([value]),
            "cursor" => query.after(value),
            "limit" => {
                let limit = value.parse();
                query.with_limit(limit.map_err(|_| refused(format!("limit={value}: no number")))?)
            }
            _ => return Err(refused(format!("{name}: there is no such parameter"))),
        };
    }
    Ok(query)
}

/// The newest event with an id, of `tenant` if that is given.
async fn get_one<C: Clock>(
    State((bus, _)): State<(Bus<C>, C)>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failed> {
    let tenant = parameters.get("tenant").map(String::as_str);
    let event = bus.get(&id, tenant).await;
    let event = event.map_err(|error| failed(error.kind(), &error.to_string()))?;
    Ok(as_json(event.to_json().map_err(unreadable)?).into_response())
}

/// Deletes the newest event with an id, of `tenant` if that is given.
async fn delete<C: Clock>(
    State((bus, _)): State<(Bus<C>, C)>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failed> {
    let tenant = parameters.get("tenant").map(String::as_str);
    let deleted = bus.delete(&id, tenant).await;
    let deleted = deleted.map_err(|error| failed(error.kind(), &error.to_string()))?;
    Ok(as_json(json!({"deleted": deleted.copies}).to_string()).into_response())
}

fn failed(kind: ErrorKind, why: &str) -> Failed {
    let status = match kind {
        ErrorKind::InvalidInput | ErrorKind::InvalidCursor | ErrorKind::CursorMismatch => {
            StatusCode::BAD_REQUEST
        }
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Store => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, problem(why))
}

fn unreadable(error: PayloadError) -> Failed {
    (StatusCode::INTERNAL_SERVER_ERROR, problem(&error.to_string()))
}

fn problem(why: &str) -> String {
    format!("{why}\n")
}

fn as_json(json: String) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], json + "\n")
}
