//! The event bus over HTTP: publish, page through, follow, get and delete; and decode cursors.

use std::sync::Arc;

use apptheory::eventbus::{EventQuery, Feed, PublishOutcome};
use apptheory::http::MultiMap;
use apptheory::http::exchange::Call;
use apptheory::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::{Services, cursor};

type Answer = Result<Response, AppError>;
type Bus = State<EventBus>;

/// `/events`, `/events/{id}` and `/cursors/{cursor}`.
pub(crate) fn routes() -> Router<Services> {
    Router::new()
        .get("/events", query)
        .post("/events", publish)
        .get("/events/{id}", get_one)
        .delete("/events/{id}", delete)
        .get("/cursors/{cursor}", look_into_cursor)
}

// console: events
/// Publishes the event in the body, which needs only `tenant_id` and `event_type`.
async fn publish(State(bus): Bus, context: Context) -> Answer {
    let body = core::str::from_utf8(context.body());
    let body = body.map_err(|error| AppError::bad_request(error.to_string()))?;
    let event = Event::from_json(body, context.now())?;
    let published = bus.publish(event).await?;
    let status = match published.outcome {
        PublishOutcome::Created => 201,
        PublishOutcome::Deduplicated => 200,
    };
    Ok(as_json(status, published.event.to_json()?))
}
// console: end

// console: feed
/// Returns a page of `tenant`'s events, filtered by `type` and every `tag`, up to `limit`, after
/// `cursor`. A client that accepts server-sent events gets them as they happen, oldest first.
async fn query(State(bus): Bus, call: Arc<Call>, context: Context, sse: Sse) -> Answer {
    let query = read_query(&call.request.query)?;
    if context.header("accept").contains("text/event-stream") {
        let feed = Feed::new(&bus, query);
        let feed = feed.after(context.header("last-event-id"));
        return Ok(sse.send(feed.open().await?));
    }
    Ok(as_json(200, bus.query(query).page().await?.to_json()))
}
// console: end

fn read_query(parameters: &MultiMap) -> Result<EventQuery, AppError> {
    let mut query = EventQuery::default();
    let parameters =
        parameters.iter().flat_map(|(name, values)| values.iter().map(move |v| (name, v)));
    for (name, value) in parameters {
        query = match name {
            "tenant" => EventQuery { tenant_id: value.to_owned(), ..query },
            "type" => query.of_type(value),
            "tag" => query.tagged([value]),
            "cursor" => query.after(value),
            "limit" => query.limit(read_limit(value)?),
            _ => {
                let why = format!("{name}: there is no such parameter");
                return Err(AppError::bad_request(why));
            }
        };
    }
    if query.tenant_id.trim().is_empty() {
        return Err(AppError::bad_request("tenant: name one, as in /events?tenant=t1"));
    }
    Ok(query)
}

/// Refuses numbers that the bus would silently replace with its default.
fn read_limit(value: &str) -> Result<u32, AppError> {
    let limit = value.parse().ok().filter(|limit| (1..=1_000).contains(limit));
    limit.ok_or_else(|| AppError::bad_request(format!("limit={value}: not from 1 to 1000")))
}

/// Returns the newest event with an id, of `tenant` if that is given.
async fn get_one(State(bus): Bus, Path(id): Path<String>, Query(of): Query<Of>) -> Answer {
    let event = bus.get(&id, of.tenant.as_deref()).await?;
    Ok(as_json(200, event.to_json()?))
}

/// Deletes the newest event with an id, of `tenant` if that is given.
async fn delete(
    State(bus): Bus,
    Path(id): Path<String>,
    Query(of): Query<Of>,
) -> Result<Json<Value>, AppError> {
    let deleted = bus.delete(&id, of.tenant.as_deref()).await?;
    Ok(Json(json!({"deleted": deleted.copies})))
}

/// Returns what a cursor contains.
async fn look_into_cursor(Path(text): Path<String>) -> Result<Json<Value>, AppError> {
    let decoded = cursor::decode(&text);
    decoded.map(Json).map_err(|error| AppError::bad_request(error.to_string()))
}

/// The query of one event.
#[derive(Deserialize)]
struct Of {
    tenant: Option<String>,
}

fn as_json(status: u16, json: String) -> Response {
    Response::text(status, json).with_header("content-type", "application/json; charset=utf-8")
}
