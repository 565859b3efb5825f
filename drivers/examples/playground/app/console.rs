//! The console: a page to see everything in, and what it asks besides the routes that it shows.

use apptheory::prelude::*;
use serde_json::Value;

use super::Services;
use super::limits::Limits;
use super::store::{Call, Fault, Journal, Switch};
use super::tables::tables;

/// `/`, and the routes behind the console.
pub(super) fn routes() -> Router<Services> {
    Router::new()
        .get("/", index)
        .get("/console.css", async || asset("text/css", include_str!("console.css")))
        .get("/console.js", async || asset("text/javascript", include_str!("console.js")))
        .get("/source/{panel}", source)
        .get("/effects", effects)
        .get("/tables", tables)
        .get("/fault", fault)
        .put("/fault/{fault}", switch_fault)
}

/// The console for browsers; for others, a list of what there is.
async fn index(State(limits): State<Limits>, context: Context) -> Response {
    let response = if context.header("accept").contains("text/html") {
        Response::html(200, include_str!("console.html"))
    } else {
        Response::text(200, list(&limits))
    };
    response.with_header("vary", "accept").with_header("content-security-policy", POLICY)
}

/// Nothing but what this server has, and no page around it.
const POLICY: &str = "default-src 'self'; img-src data:; frame-ancestors 'none'";

fn list(limits: &Limits) -> String {
    let mut text = String::from("Limited per client:\n");
    for limit in limits.iter() {
        text.push_str(&format!("  {:<10}{}\n", limit.path(), limit.about));
    }
    text.push_str(ROUTES);
    text
}

const ROUTES: &str = "\
What is used of a limit:
  /usage/{route}
Events (POST, GET with ?tenant=&type=&tag=&limit=&cursor=, DELETE by id), and what a cursor holds:
  /events
  /events/{id}
  /cursors/{cursor}
The same as they happen (GET with accept: text/event-stream):
  /events
A page that arrives in pieces:
  /page
A room to talk in, for browsers:
  /chat
The last calls to the store and what they cost, also as they happen; what is in its tables:
  /effects
  /tables
The store's fault (PUT none, down, slow, throttled or lost_replies):
  /fault
  /fault/{fault}
All of this as a page, for browsers:
  /
";

fn asset(media_type: &str, text: &str) -> Response {
    Response::text(200, text).with_header("content-type", format!("{media_type}; charset=utf-8"))
}

/// The files that have a panel's lines between markers.
const SOURCES: [(&str, &str); 7] = [
    ("limits", include_str!("limits.rs")),
    ("events", include_str!("events.rs")),
    ("feed", include_str!("events.rs")),
    ("page", include_str!("page.rs")),
    ("chat", include_str!("chat.rs")),
    ("store", include_str!("store.rs")),
    ("faults", include_str!("store.rs")),
];

/// The lines of Rust behind a panel.
async fn source(Path(panel): Path<String>) -> Option<String> {
    let (_, file) = SOURCES.iter().find(|(name, _)| *name == panel)?;
    let (begin, end) = (format!("// console: {panel}"), "// console: end");
    let mut source = String::new();
    let mut indent = None;
    for line in file.lines() {
        match (line.trim(), indent) {
            (marker, None) if marker == begin => {
                indent = Some(line.len().saturating_sub(begin.len()));
            }
            (marker, Some(_)) if marker == end => indent = None,
            (_, Some(indent)) => {
                source.push_str(line.get(indent..).unwrap_or_default());
                source.push('\n');
            }
            (_, None) => {}
        }
    }
    Some(source)
}

/// The last calls to the store. A client that accepts server-sent events gets them as they happen.
async fn effects(State(journal): State<Journal>, context: Context, sse: Sse) -> Answer {
    if !context.header("accept").contains("text/event-stream") {
        return Response::json(200, &journal.calls());
    }
    let last_seen = context.header("last-event-id").parse().unwrap_or_default();
    let sent =
        |call: Call| Ok::<_, AppError>(SseEvent::json(&call)?.with_id(call.number.to_string()));
    Ok(sse.send(journal.follow(last_seen).map(sent)))
}

/// What is wrong with the store at present.
async fn fault(State(switch): State<Switch>) -> Json<Value> {
    Json(json!({"fault": switch.fault()}))
}

/// Has the store fail, or work again.
async fn switch_fault(State(switch): State<Switch>, Path(fault): Path<Fault>) -> Json<Value> {
    switch.set(fault);
    Json(json!({"fault": fault}))
}
