//! The console: a page that shows everything, and the routes that only this page needs.

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

/// Returns the console to browsers, and a list of all routes to other clients.
async fn index(State(limits): State<Limits>, context: Context) -> Response {
    let response = if context.header("accept").contains("text/html") {
        Response::html(200, include_str!("console.html"))
    } else {
        Response::text(200, list(&limits))
    };
    response.with_header("vary", "accept").with_header("content-security-policy", POLICY)
}

/// Allows only resources of this server, and no frame around the page.
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
How much of a limit is used:
  /usage/{route}
Events (POST, GET with ?tenant=&type=&tag=&limit=&cursor=, DELETE by id), and what a cursor contains:
  /events
  /events/{id}
  /cursors/{cursor}
The same as they happen (GET with accept: text/event-stream):
  /events
A page that arrives in pieces:
  /page
A room to talk in, for browsers:
  /chat
The last calls to the store and their cost, also as they happen; the items of its tables:
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

/// The file of each panel, which has the panel's lines between markers.
const SOURCES: [(&str, &str); 7] = [
    ("limits", include_str!("limits.rs")),
    ("events", include_str!("events.rs")),
    ("feed", include_str!("events.rs")),
    ("page", include_str!("page.rs")),
    ("chat", include_str!("chat.rs")),
    ("store", include_str!("store.rs")),
    ("faults", include_str!("store.rs")),
];

/// Returns the lines of Rust behind a panel.
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

/// Returns the last calls to the store; as they happen to a client that accepts server-sent events.
async fn effects(State(journal): State<Journal>, context: Context, sse: Sse) -> Answer {
    if !context.header("accept").contains("text/event-stream") {
        return Response::json(200, &journal.calls());
    }
    let last_seen = context.header("last-event-id").parse().unwrap_or_default();
    let sent =
        |call: Call| Ok::<_, AppError>(SseEvent::json(&call)?.with_id(call.number.to_string()));
    Ok(sse.send(journal.follow(last_seen).map(sent)))
}

/// Returns the store's fault.
async fn fault(State(switch): State<Switch>) -> Json<Value> {
    Json(json!({"fault": switch.fault()}))
}

/// Switches a fault of the store on, or all off.
async fn switch_fault(State(switch): State<Switch>, Path(fault): Path<Fault>) -> Json<Value> {
    switch.set(fault);
    Json(json!({"fault": fault}))
}
