//! Events of EventBridge, including those of schedules.

use serde::Serialize;
use serde_json::{Value, json};

use super::{ACCOUNT, REGION, arn};
use crate::testkit::json_of;

/// Creates an EventBridge event.
#[must_use]
pub fn event_bridge(entry: EventBridgeEntry) -> Value {
    let EventBridgeEntry { id, source, detail_type, detail, resources } = entry;
    json!({
        "version": "0",
        "id": id,
        "source": source,
        "detail-type": detail_type,
        "account": ACCOUNT,
        "time": "1970-01-01T00:00:00Z",
        "region": REGION,
        "resources": resources,
        "detail": detail,
    })
}

/// Creates the event of an EventBridge rule with a schedule.
#[must_use]
pub fn scheduled_rule(name: &str) -> Value {
    let rule = arn("events", name, |name| format!("rule/{name}"));
    event_bridge(EventBridgeEntry::new("aws.events", "Scheduled Event").resource(&rule))
}

/// Creates the event of an EventBridge Scheduler schedule without an input of its own.
#[must_use]
pub fn schedule(group: &str, name: &str) -> Value {
    let group = group.trim();
    let schedule = arn("scheduler", name, |name| format!("schedule/{group}/{name}"));
    let entry = EventBridgeEntry::new("aws.scheduler", "Scheduled Event").resource(&schedule);
    // The scheduler sends a text here, rules an object.
    event_bridge(entry.detail("{}"))
}

/// An event that a program sends to a bus.
#[derive(Clone, Debug)]
pub struct EventBridgeEntry {
    id: String,
    source: String,
    detail_type: String,
    detail: Value,
    resources: Vec<String>,
}

impl EventBridgeEntry {
    /// Creates an event with a source and a detail type, the id `evt-1` and an empty detail.
    #[must_use]
    pub fn new(source: &str, detail_type: &str) -> Self {
        Self {
            id: "evt-1".to_owned(),
            source: source.to_owned(),
            detail_type: detail_type.to_owned(),
            detail: json!({}),
            resources: Vec::new(),
        }
    }

    /// Sets the detail.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    #[must_use]
    pub fn detail<T: Serialize + ?Sized>(self, detail: &T) -> Self {
        Self { detail: json_of(detail), ..self }
    }

    /// Sets the id.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self }
    }

    /// Adds the ARN of a resource.
    #[must_use]
    pub fn resource(mut self, arn: &str) -> Self {
        self.resources.push(arn.to_owned());
        self
    }
}
