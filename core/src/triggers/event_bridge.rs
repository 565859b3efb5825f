//! Events of EventBridge, and which handler they are for.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::arn::{ArnKind, name_from_arn};
use super::raw::{json_of, object, text, trimmed, value_of};
use super::trigger::{EventError, Trigger};
use crate::json;
use crate::members::{Entries, List, Text, owned};

/// An event of EventBridge. Texts are trimmed; what the event lacks is empty.
///
/// Only what routes the event has to have the right type. Anything else that has not is as if it
/// were missing.
#[derive(Clone, Debug)]
pub struct EventBridgeEvent<'a> {
    /// The event's id.
    pub id: String,
    /// Who sent it.
    pub source: String,
    /// What it is: `detail-type`, else `detailType`.
    pub detail_type: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// When it happened, as the event writes it.
    pub time: String,
    /// ARNs of what it is about; not trimmed.
    pub resources: Vec<String>,
    text: Cow<'a, str>,
    detail: Option<Cow<'a, str>>,
    metadata: Option<Cow<'a, str>>,
    headers: Option<Cow<'a, str>>,
}

impl<'a> EventBridgeEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// [`EventError`] when the text is no JSON object, or `source`, a detail type or `resources` is
    /// of another type.
    pub fn read(event: &'a str) -> Result<Self, EventError> {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Event<'a> {
            #[serde(borrow)]
            id: Option<&'a RawValue>,
            #[serde(borrow)]
            source: Text<'a>,
            #[serde(borrow, rename = "detail-type")]
            detail_type: Text<'a>,
            #[serde(borrow, rename = "detailType")]
            camel_detail_type: Text<'a>,
            #[serde(borrow)]
            account: Option<&'a RawValue>,
            #[serde(borrow)]
            region: Option<&'a RawValue>,
            #[serde(borrow)]
            time: Option<&'a RawValue>,
            #[serde(borrow)]
            resources: List<'a>,
            #[serde(borrow)]
            detail: Option<&'a RawValue>,
            #[serde(borrow)]
            metadata: Option<&'a RawValue>,
            #[serde(borrow)]
            headers: Option<&'a RawValue>,
        }

        let read: Event<'a> = json::read_object(event)
            .map_err(|cause| EventError { trigger: Trigger::EventBridge, cause })?;
        let detail_type = match read.detail_type.as_str().trim() {
            "" => read.camel_detail_type.as_str().trim(),
            detail_type => detail_type,
        };
        Ok(Self {
            id: trimmed(read.id),
            source: read.source.as_str().trim().to_string(),
            detail_type: detail_type.to_string(),
            account: trimmed(read.account),
            region: trimmed(read.region),
            time: trimmed(read.time),
            resources: read.resources.into_strings(),
            text: Cow::Borrowed(event),
            detail: read.detail.map(json_of),
            metadata: read.metadata.map(json_of),
            headers: read.headers.map(json_of),
        })
    }

    /// The event as it came.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// The event without the text that it was read from, for a handler that may outlive it.
    #[must_use]
    pub fn into_owned(self) -> EventBridgeEvent<'static> {
        EventBridgeEvent {
            id: self.id,
            source: self.source,
            detail_type: self.detail_type,
            account: self.account,
            region: self.region,
            time: self.time,
            resources: self.resources,
            text: owned(self.text),
            detail: self.detail.map(owned),
            metadata: self.metadata.map(owned),
            headers: self.headers.map(owned),
        }
    }

    /// The detail as the event has it, for [`serde_json::from_str`]; `null` when there is none.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or("null")
    }

    /// A member of the detail that is a text.
    pub(super) fn detail_text(&self, name: &str) -> String {
        trimmed(self.detail_member(name))
    }

    /// A member of the detail.
    pub(super) fn detail_member(&self, name: &str) -> Option<&RawValue> {
        member(value_of(self.detail.as_deref()), name)
    }

    /// A member of the metadata that is a text.
    pub(super) fn metadata_text(&self, name: &str) -> String {
        trimmed(member(value_of(self.metadata.as_deref()), name))
    }

    /// The first text that is not blank of a header, whose name may be in any spelling: those of
    /// several spellings come in the order of the event (`events-websockets.md` §7.2).
    pub(super) fn header_text(&self, name: &str) -> String {
        let values = members(value_of(self.headers.as_deref())).into_iter();
        let values = values.filter(|(known, _)| known.trim().eq_ignore_ascii_case(name));
        let mut texts = values.map(|(_, value)| first_text(value));
        texts.find(|text| !text.is_empty()).unwrap_or_default()
    }
}

/// A member of an object, of equal names the last; `None` where there is none.
pub(super) fn member<'a>(value: Option<&'a RawValue>, name: &str) -> Option<&'a RawValue> {
    let found = members(value).into_iter().rev().find(|(known, _)| known == name);
    found.map(|(_, value)| value)
}

fn members(value: Option<&RawValue>) -> Vec<(Cow<'_, str>, &RawValue)> {
    object::<Entries<'_, &RawValue>>(value).map(|Entries(members)| members).unwrap_or_default()
}

/// A text, or the first of a list of them that is not blank.
fn first_text(value: &RawValue) -> String {
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
        return trimmed(Some(value));
    };
    let first = list.into_iter().find(|value| text(Some(value)).is_some());
    trimmed(first)
}

/// Which events a handler is for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EventBridgeSelector {
    rule_name: String,
    source: String,
    detail_type: String,
}

impl EventBridgeSelector {
    /// Events that name a rule among their resources.
    ///
    /// Scheduled events do. Events that a rule's pattern matched name what they are about instead:
    /// use [`pattern`](Self::pattern) for those.
    #[must_use]
    pub fn rule(name: &str) -> Self {
        Self { rule_name: name.trim().to_string(), ..Self::default() }
    }

    /// Events of a source and a detail type; a blank one stands for any.
    #[must_use]
    pub fn pattern(source: &str, detail_type: &str) -> Self {
        let (source, detail_type) = (source.trim().to_string(), detail_type.trim().to_string());
        Self { source, detail_type, ..Self::default() }
    }

    /// Whether it says nothing, and selects nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it selects an event.
    #[must_use]
    pub fn selects(&self, event: &EventBridgeEvent<'_>) -> bool {
        if !self.rule_name.is_empty() {
            let mut arns = event.resources.iter();
            return arns.any(|arn| name_from_arn(ArnKind::EventBridgeRule, arn) == self.rule_name);
        }
        let fits = |wanted: &str, actual: &str| wanted.is_empty() || wanted == actual;
        !self.is_blank()
            && fits(&self.source, &event.source)
            && fits(&self.detail_type, &event.detail_type)
    }
}

/// Handlers of events, of which the first that selects an event serves it.
#[derive(Clone, Debug)]
pub struct EventBridgeRoutes<H> {
    routes: Vec<(EventBridgeSelector, H)>,
    on_unmatched: OnUnmatched,
}

/// What becomes of an event that nobody selects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnUnmatched {
    /// It succeeds, with `null`. A mistake in a selector loses events without a word.
    #[default]
    Succeed,
    /// The invocation fails, so that EventBridge tries again and then keeps the event where
    /// failures go.
    Fail,
}

impl<H> EventBridgeRoutes<H> {
    /// No routes.
    #[must_use]
    pub const fn new(on_unmatched: OnUnmatched) -> Self {
        Self { routes: Vec::new(), on_unmatched }
    }

    /// Registers a handler after those that are registered. A blank selector is ignored; says
    /// whether it was taken.
    pub fn insert(&mut self, selector: EventBridgeSelector, handler: H) -> bool {
        let is_useful = !selector.is_blank();
        if is_useful {
            self.routes.push((selector, handler));
        }
        is_useful
    }

    /// The handler of an event; none when nobody selects it and that counts as success.
    ///
    /// # Errors
    ///
    /// [`UnmatchedEvent`] when nobody selects it and that counts as failure.
    pub fn find(&self, event: &EventBridgeEvent<'_>) -> Result<Option<&H>, UnmatchedEvent> {
        let found = self.routes.iter().find(|(selector, _)| selector.selects(event));
        match (found, self.on_unmatched) {
            (Some((_, handler)), _) => Ok(Some(handler)),
            (None, OnUnmatched::Succeed) => Ok(None),
            (None, OnUnmatched::Fail) => Err(UnmatchedEvent),
        }
    }
}

impl<H> Default for EventBridgeRoutes<H> {
    fn default() -> Self {
        Self::new(OnUnmatched::default())
    }
}

/// Nobody selects an event, and the application wants to know ([`OnUnmatched::Fail`]). Register a
/// handler, or narrow the rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("apptheory: unmatched eventbridge event")]
pub struct UnmatchedEvent;

#[cfg(test)]
mod tests {
    use super::{
        EventBridgeEvent, EventBridgeRoutes, EventBridgeSelector, OnUnmatched, UnmatchedEvent,
    };

    fn event(json: &str) -> EventBridgeEvent<'_> {
        EventBridgeEvent::read(json).unwrap()
    }

    #[test]
    fn the_first_selector_that_fits_wins() {
        let mut routes = EventBridgeRoutes::new(OnUnmatched::Fail);
        assert!(!routes.insert(EventBridgeSelector::pattern(" ", ""), 0));
        for (selector, handler) in [
            (EventBridgeSelector::rule(" nightly "), 1),
            (EventBridgeSelector::pattern("app", "made"), 2),
            (EventBridgeSelector::pattern("app", ""), 3),
            (EventBridgeSelector::pattern("", "gone"), 4),
        ] {
            assert!(routes.insert(selector, handler));
        }
        for (json, handler) in [
            (r#"{"source":"app","detail-type":"made","resources":["x","a:rule/bus/nightly"]}"#, 1),
            (r#"{"source":" app ","detailType":" made "}"#, 2),
            (r#"{"source":"app","detail-type":" ","detailType":"gone","resources":null}"#, 3),
            (r#"{"source":"x","detail-type":"gone","detailType":"made"}"#, 4),
        ] {
            assert_eq!(routes.find(&event(json)), Ok(Some(&handler)), "{json}");
        }
        assert_eq!(routes.find(&event(r#"{"source":"App"}"#)), Err(UnmatchedEvent));
        let lenient = EventBridgeRoutes::<u8>::default();
        assert_eq!(lenient.find(&event("{}")), Ok(None));
        assert!(!EventBridgeSelector::default().selects(&event("{}")));
    }

    #[test]
    fn what_routes_has_to_have_its_type_and_nothing_else() {
        let lenient = event(r#"{"id":5,"time":" t ","account":[],"detail":"{}","source":null}"#);
        assert_eq!((&*lenient.id, &*lenient.time, lenient.detail()), ("", "t", r#""{}""#));
        for json in [r#"{"source":5}"#, r#"{"detailType":{}}"#, r#"{"resources":"x"}"#, "[]"] {
            assert!(EventBridgeEvent::read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn headers_are_looked_up_in_the_order_of_the_event() {
        let found = |headers: &str| {
            let json = alloc::format!(r#"{{"headers":{headers}}}"#);
            event(&json).header_text("x-correlation-id")
        };
        for (headers, expected) in [
            (r#"{" X-Correlation-Id ":" b ","x-correlation-id":"a"}"#, "b"),
            (r#"{"X-Correlation-Id":" ","x-correlation-id":"a"}"#, "a"),
            (r#"{"x-correlation-id":["",5," h "]}"#, "h"),
            (r#"{"x-correlation-id":5}"#, ""),
            ("[]", ""),
        ] {
            assert_eq!(found(headers), expected, "{headers}");
        }
    }
}
