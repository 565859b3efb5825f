//! Events of EventBridge, and which handler they are for.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::arn::{ArnKind, name_from_arn, schedule_from_arn};
use super::error::{Error, ErrorKind};
use super::owned;
use super::routes::RouteTaken;
use super::workload::{Correlation, CorrelationSource};
use crate::document::{Document, Object, Value};
use crate::json::JsonError;
use crate::printing::prints;

/// An event of EventBridge. Texts are trimmed; what the event lacks is empty.
///
/// Only what routes the event has to have the right type. Anything else that has not is as if it
/// were missing.
#[derive(Clone)]
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
    /// What the event itself says that it belongs to, its own id apart.
    pub(super) correlation: Option<(String, CorrelationSource)>,
}

prints!(EventBridgeEvent<'_>: id, source, detail_type, account, region, time);

impl<'a> EventBridgeEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// [`Error`] when the text is not a JSON object, or `source`, a detail type or `resources` is of
    /// another type or comes twice.
    pub fn read(event: &'a str) -> Result<Self, Error> {
        let malformed = |cause| Error::malformed(WHAT, cause);
        let document = Document::scan(event).map_err(malformed)?;
        Self::of(event, document.object().map_err(malformed)?)
    }

    pub(super) fn of(text: &'a str, event: Object<'a, '_>) -> Result<Self, Error> {
        Self::from_object(text, event).map_err(|cause| Error::malformed(WHAT, cause))
    }

    fn from_object(text: &'a str, event: Object<'a, '_>) -> Result<Self, JsonError> {
        let trimmed = |name| event.get(name).map(|value| value.trimmed().into_owned());
        let (names, alias) = (event.text("detail-type")?, event.text("detailType")?);
        let detail_type = if names.trim().is_empty() { alias.trim() } else { names.trim() };
        let detail = event.get("detail")?;
        Ok(Self {
            id: trimmed("id")?,
            source: event.text("source")?.trim().to_string(),
            detail_type: detail_type.to_string(),
            account: trimmed("account")?,
            region: trimmed("region")?,
            time: trimmed("time")?,
            resources: event.get("resources")?.strings()?,
            text: Cow::Borrowed(text),
            correlation: correlation(event.get("metadata")?, event.get("headers")?, detail),
            detail: detail.filled().map(|detail| Cow::Borrowed(detail.json())),
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
            correlation: self.correlation,
        }
    }

    /// The detail as the event has it, for [`serde_json::from_str`]; `null` when there is none.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or("null")
    }
}

/// What an event says that it belongs to, and where: its metadata, a header, its detail.
fn correlation(
    metadata: Value<'_, '_>,
    headers: Value<'_, '_>,
    detail: Value<'_, '_>,
) -> Option<Correlation> {
    const NAME: &str = "correlation_id";
    let (metadata, detail) = (metadata.member(NAME), detail.member(NAME));
    let header = header(headers, "x-correlation-id");
    let found = match (metadata.filled_text(), header, detail.filled_text()) {
        (Some(id), ..) => (id, CorrelationSource::Metadata),
        (None, Some(id), _) => (id, CorrelationSource::Header),
        (None, None, Some(id)) => (id, CorrelationSource::Detail),
        (None, None, None) => return None,
    };
    Some((found.0.trim().to_string(), found.1))
}

/// The first text that is not blank of a header, whose name may be in any spelling: those of several
/// spellings come in the order of the event.
fn header<'a>(headers: Value<'a, '_>, name: &str) -> Option<Cow<'a, str>> {
    let mut members = headers.object().ok()?.members();
    members.find_map(|(known, value)| {
        if !known.trimmed().eq_ignore_ascii_case(name) {
            return None;
        }
        match value.list() {
            Ok(mut list) => list.find_map(Value::filled_text),
            Err(_) => value.filled_text(),
        }
    })
}

/// What events are called in errors.
const WHAT: &str = "eventbridge event";

/// Which events a handler is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventBridgeSelector(Selection);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Selection {
    Rule(String),
    Schedule {
        group: String,
        name: String,
    },
    /// A blank text stands for any.
    Pattern {
        source: String,
        detail_type: String,
    },
}

impl EventBridgeSelector {
    /// Selects events that name a rule among their resources: those of a rule with a schedule.
    ///
    /// Events that a rule's pattern matched name what they are about instead: use
    /// [`pattern`](Self::pattern) for those. Schedules of EventBridge Scheduler are no rules: use
    /// [`schedule`](Self::schedule).
    #[must_use]
    pub fn rule(name: &str) -> Self {
        Self(Selection::Rule(name.trim().to_string()))
    }

    /// Selects the events of a schedule of EventBridge Scheduler, which name it among their
    /// resources. A schedule that was made without a group is in the group `default`.
    ///
    /// A schedule whose target has an input of its own sends just that, and no event: no selector
    /// selects it.
    ///
    /// ```
    /// use apptheory_core::events::{EventBridgeEvent, EventBridgeSelector};
    ///
    /// let event = r#"{"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}",
    ///     "resources":["arn:aws:scheduler:eu-west-1:111122223333:schedule/default/nightly"]}"#;
    /// let event = EventBridgeEvent::read(event)?;
    /// assert!(EventBridgeSelector::schedule("default", "nightly").selects(&event));
    /// # Ok::<(), apptheory_core::events::Error>(())
    /// ```
    #[must_use]
    pub fn schedule(group: &str, name: &str) -> Self {
        Self(Selection::Schedule { group: group.trim().to_string(), name: name.trim().to_string() })
    }

    /// Selects events of a source and a detail type; a blank one stands for any.
    #[must_use]
    pub fn pattern(source: &str, detail_type: &str) -> Self {
        let (source, detail_type) = (source.trim().to_string(), detail_type.trim().to_string());
        Self(Selection::Pattern { source, detail_type })
    }

    /// Whether it says nothing, and selects nothing: a rule without a name, a schedule without a
    /// group or a name, a pattern without a source and a detail type.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match &self.0 {
            Selection::Rule(name) => name.is_empty(),
            Selection::Schedule { group, name } => group.is_empty() || name.is_empty(),
            Selection::Pattern { source, detail_type } => {
                source.is_empty() && detail_type.is_empty()
            }
        }
    }

    /// Whether it selects an event.
    #[must_use]
    pub fn selects(&self, event: &EventBridgeEvent<'_>) -> bool {
        let mut arns = event.resources.iter();
        match &self.0 {
            _ if self.is_blank() => false,
            Selection::Rule(name) => {
                arns.any(|arn| name_from_arn(ArnKind::EventBridgeRule, arn) == name)
            }
            Selection::Schedule { group, name } => {
                arns.any(|arn| schedule_from_arn(arn) == Some((group, name)))
            }
            Selection::Pattern { source, detail_type } => {
                is_any_or(source, &event.source) && is_any_or(detail_type, &event.detail_type)
            }
        }
    }

    /// Whether it selects every event that another one selects.
    fn covers(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (
                Selection::Pattern { source, detail_type },
                Selection::Pattern { source: other_source, detail_type: other_type },
            ) => is_any_or(source, other_source) && is_any_or(detail_type, other_type),
            (selection, other) => selection == other,
        }
    }
}

fn is_any_or(wanted: &str, actual: &str) -> bool {
    wanted.is_empty() || wanted == actual
}

/// As it is made: `rule("nightly")`.
impl fmt::Display for EventBridgeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Selection::Rule(name) => write!(f, "rule({name:?})"),
            Selection::Schedule { group, name } => write!(f, "schedule({group:?}, {name:?})"),
            Selection::Pattern { source, detail_type } => {
                write!(f, "pattern({source:?}, {detail_type:?})")
            }
        }
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
    /// It succeeds, with `null`. A mistake in a selector loses events, which only the log and a
    /// metric show.
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

    /// Registers a handler after those that are registered.
    ///
    /// # Errors
    ///
    /// [`RouteTaken`] for a blank selector, and for one whose events an earlier one all selects.
    pub fn insert(&mut self, selector: EventBridgeSelector, handler: H) -> Result<(), RouteTaken> {
        if selector.is_blank() {
            return Err(RouteTaken::Blank);
        }
        let earlier = self.routes.iter().find(|(earlier, _)| earlier.covers(&selector));
        if let Some((earlier, _)) = earlier {
            return Err(RouteTaken::By(earlier.to_string()));
        }
        self.routes.push((selector, handler));
        Ok(())
    }

    /// The handler of an event; none when nobody selects it and that counts as success.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unmatched`] when nobody selects it and that counts as failure.
    pub fn find(&self, event: &EventBridgeEvent<'_>) -> Result<Option<&H>, Error> {
        let found = self.routes.iter().find(|(selector, _)| selector.selects(event));
        match (found, self.on_unmatched) {
            (Some((_, handler)), _) => Ok(Some(handler)),
            (None, OnUnmatched::Succeed) => Ok(None),
            (None, OnUnmatched::Fail) => {
                Err(Error::new(ErrorKind::Unmatched, "apptheory: unmatched eventbridge event"))
            }
        }
    }
}

impl<H> Default for EventBridgeRoutes<H> {
    fn default() -> Self {
        Self::new(OnUnmatched::default())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{
        EventBridgeEvent, EventBridgeRoutes, EventBridgeSelector, OnUnmatched, RouteTaken,
    };

    fn event(json: &str) -> EventBridgeEvent<'_> {
        EventBridgeEvent::read(json).unwrap()
    }

    #[test]
    fn the_first_selector_that_fits_wins() {
        let mut routes = EventBridgeRoutes::new(OnUnmatched::Fail);
        for (selector, handler) in [
            (EventBridgeSelector::rule(" nightly "), 1),
            (EventBridgeSelector::pattern("app", "made"), 2),
            (EventBridgeSelector::pattern("app", ""), 3),
            (EventBridgeSelector::pattern("", "gone"), 4),
            (EventBridgeSelector::schedule(" default ", " nightly "), 5),
        ] {
            assert_eq!(routes.insert(selector, handler), Ok(()));
        }
        for (json, handler) in [
            (r#"{"source":"app","detail-type":"made","resources":["x","a:rule/bus/nightly"]}"#, 1),
            (r#"{"source":" app ","detailType":" made "}"#, 2),
            (r#"{"source":"app","detail-type":" ","detailType":"gone","resources":null}"#, 3),
            (r#"{"source":"x","detail-type":"gone","detailType":"made"}"#, 4),
            (r#"{"resources":[" arn:aws:scheduler:r:1:schedule/default/nightly "]}"#, 5),
        ] {
            assert_eq!(routes.find(&event(json)), Ok(Some(&handler)), "{json}");
        }
        let unmatched = routes.find(&event(r#"{"source":"App"}"#)).unwrap_err();
        assert_eq!(unmatched.to_string(), "apptheory: unmatched eventbridge event");
        let lenient = EventBridgeRoutes::<u8>::default();
        assert_eq!(lenient.find(&event("{}")), Ok(None));
    }

    #[test]
    fn rules_and_schedules_are_not_each_other() {
        let arn = |arn: &str| alloc::format!(r#"{{"resources":["{arn}"]}}"#);
        let schedule = EventBridgeSelector::schedule("default", "nightly");
        let rule = EventBridgeSelector::rule("nightly");
        for (resource, by_schedule, by_rule) in [
            ("arn:aws:scheduler:eu-west-1:1:schedule/default/nightly", true, false),
            ("arn:aws-cn:scheduler:cn-north-1:1:schedule/default/nightly", true, false),
            ("arn:aws:scheduler:eu-west-1:1:schedule/other/nightly", false, false),
            ("arn:aws:scheduler:eu-west-1:1:schedule/default/nightly/x", false, false),
            ("arn:aws:scheduler:eu-west-1:1:schedule/default/Nightly", false, false),
            ("arn:aws:scheduler:eu-west-1:1:schedule-group/default", false, false),
            ("arn:aws:events:eu-west-1:1:schedule/default/nightly", false, false),
            ("schedule/default/nightly", false, false),
            ("arn:aws:events:eu-west-1:1:rule/nightly", false, true),
        ] {
            let json = arn(resource);
            let selected = (schedule.selects(&event(&json)), rule.selects(&event(&json)));
            assert_eq!(selected, (by_schedule, by_rule), "{resource}");
        }
    }

    #[test]
    fn a_selector_that_would_never_select_is_refused() {
        let mut routes = EventBridgeRoutes::default();
        let (pattern, rule) = (EventBridgeSelector::pattern, EventBridgeSelector::rule);
        let schedule = EventBridgeSelector::schedule;
        for blank in [pattern(" ", ""), rule(" "), schedule("", "a"), schedule("default", "\t")] {
            assert_eq!(routes.insert(blank.clone(), 0), Err(RouteTaken::Blank));
            assert!(!blank.selects(&event("{}")));
        }
        for first in [pattern("app", ""), pattern("", "made"), rule("r"), schedule("g", "n")] {
            assert_eq!(routes.insert(first, 1), Ok(()));
        }
        for (later, taken_by) in [
            (pattern(" app", "made "), r#"pattern("app", "")"#),
            (pattern("app", ""), r#"pattern("app", "")"#),
            (pattern("x", "made"), r#"pattern("", "made")"#),
            (rule("r "), r#"rule("r")"#),
            (schedule("g", " n"), r#"schedule("g", "n")"#),
        ] {
            assert_eq!(routes.insert(later, 2), Err(RouteTaken::By(taken_by.into())));
        }
        for other in [pattern("App", ""), rule("R"), schedule("g", "m"), schedule("n", "g")] {
            assert_eq!(routes.insert(other, 3), Ok(()));
        }
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
            event(&json).correlation.map(|(id, _)| id).unwrap_or_default()
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
