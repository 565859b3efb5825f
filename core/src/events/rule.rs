//! Routes EventBridge events to handlers.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::arn::{ArnKind, name_from_arn, schedule_from_arn};
use super::error::{Error, ErrorKind};
use super::event_bridge::EventBridgeEvent;
use crate::routes::RouteTaken;

/// Selects the EventBridge events of a handler.
///
/// It repeats the rule or schedule that invokes the function, so that a function can handle the
/// events of several.
///
/// ```
/// use apptheory_core::events::{EventBridgeEvent, Rule};
///
/// let rule = Rule::source("shop").detail_type("order.created");
/// let event = r#"{"source":"shop","detail-type":"order.created","detail":{"id":7}}"#;
/// assert!(rule.selects(&EventBridgeEvent::read(event)?));
/// # Ok::<(), apptheory_core::events::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    origin: Origin,
    detail_type: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Origin {
    Any,
    Source(String),
    Name(String),
    Schedule { group: String, name: String },
    Scheduled(String),
}

impl Rule {
    /// Selects every event. Narrow it with [`detail_type`](Self::detail_type), or register it last.
    #[must_use]
    pub const fn any() -> Self {
        Self { origin: Origin::Any, detail_type: None }
    }

    /// Selects the events of a source, such as `aws.s3` or the source of a program.
    #[must_use]
    pub fn source(source: &str) -> Self {
        Self::of(Origin::Source(source.trim().to_string()))
    }

    /// Selects events that list a rule in their resources. Use it for rules with a schedule; the
    /// events that a rule's pattern matches list other resources.
    ///
    /// For schedules of EventBridge Scheduler use [`schedule`](Self::schedule).
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::of(Origin::Name(name.trim().to_string()))
    }

    /// Selects the events of an EventBridge Scheduler schedule, which list it in their resources. A
    /// schedule without a group is in the group `default`.
    ///
    /// If the schedule's target has its own input, exactly this input is sent, and not an
    /// EventBridge event. Use a [`Shape`](super::Shape) for it.
    ///
    /// ```
    /// use apptheory_core::events::{EventBridgeEvent, Rule};
    ///
    /// let event = r#"{"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}",
    ///     "resources":["arn:aws:scheduler:eu-west-1:111122223333:schedule/default/nightly"]}"#;
    /// let event = EventBridgeEvent::read(event)?;
    /// assert!(Rule::schedule("default", "nightly").selects(&event));
    /// # Ok::<(), apptheory_core::events::Error>(())
    /// ```
    #[must_use]
    pub fn schedule(group: &str, name: &str) -> Self {
        let (group, name) = (group.trim().to_string(), name.trim().to_string());
        Self::of(Origin::Schedule { group, name })
    }

    /// Selects the events of a schedule by its name: those of an EventBridge rule, as
    /// [`named`](Self::named), and those of EventBridge Scheduler in the group `default`, as
    /// [`schedule`](Self::schedule).
    #[must_use]
    pub fn scheduled(name: &str) -> Self {
        Self::of(Origin::Scheduled(name.trim().to_string()))
    }

    /// Also requires a detail type.
    #[must_use]
    pub fn detail_type(self, detail_type: &str) -> Self {
        Self { detail_type: Some(detail_type.trim().to_string()), ..self }
    }

    const fn of(origin: Origin) -> Self {
        Self { origin, detail_type: None }
    }

    /// Returns whether a text of the rule is blank, perhaps because of an unset variable. Such a
    /// rule selects nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let is_of_nothing = match &self.origin {
            Origin::Any => false,
            Origin::Source(text) | Origin::Name(text) | Origin::Scheduled(text) => text.is_empty(),
            Origin::Schedule { group, name } => group.is_empty() || name.is_empty(),
        };
        is_of_nothing || self.detail_type.as_ref().is_some_and(String::is_empty)
    }

    /// Returns whether the rule selects an event.
    #[must_use]
    pub fn selects(&self, event: &EventBridgeEvent<'_>) -> bool {
        let mut arns = event.resources.iter();
        let is_from_there = match &self.origin {
            _ if self.is_blank() => false,
            Origin::Any => true,
            Origin::Source(source) => *source == event.source,
            Origin::Name(name) => arns.any(|arn| is_rule(arn, name)),
            Origin::Schedule { group, name } => arns.any(|arn| is_schedule(arn, group, name)),
            Origin::Scheduled(name) => {
                arns.any(|arn| is_rule(arn, name) || is_schedule(arn, DEFAULT_GROUP, name))
            }
        };
        is_from_there && self.detail_type.as_ref().is_none_or(|wanted| *wanted == event.detail_type)
    }

    /// Returns whether this rule selects every event that another one selects.
    fn covers(&self, other: &Self) -> bool {
        let covers_origin = match (&self.origin, &other.origin) {
            (Origin::Any, _) => true,
            (Origin::Scheduled(own), Origin::Name(name)) => own == name,
            (Origin::Scheduled(own), Origin::Schedule { group, name }) => {
                own == name && group == DEFAULT_GROUP
            }
            (own, other) => own == other,
        };
        covers_origin && (self.detail_type.is_none() || self.detail_type == other.detail_type)
    }
}

/// The group of schedules without a group.
const DEFAULT_GROUP: &str = "default";

fn is_rule(arn: &str, name: &str) -> bool {
    name_from_arn(ArnKind::EventBridgeRule, arn) == name
}

fn is_schedule(arn: &str, group: &str, name: &str) -> bool {
    schedule_from_arn(arn) == Some((group, name))
}

/// Writes the rule as it is in code: `Rule::source("shop").detail_type("order.created")`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Any => f.write_str("Rule::any()"),
            Origin::Source(source) => write!(f, "Rule::source({source:?})"),
            Origin::Name(name) => write!(f, "Rule::named({name:?})"),
            Origin::Schedule { group, name } => write!(f, "Rule::schedule({group:?}, {name:?})"),
            Origin::Scheduled(name) => write!(f, "Rule::scheduled({name:?})"),
        }?;
        match &self.detail_type {
            Some(detail_type) => write!(f, ".detail_type({detail_type:?})"),
            None => Ok(()),
        }
    }
}

/// Handlers of events. The first handler whose rule selects an event is used.
#[derive(Clone, Debug)]
pub struct EventBridgeRoutes<H> {
    routes: Vec<(Rule, H)>,
    on_unmatched: OnUnmatched,
}

/// Says what happens to an event that no rule selects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnUnmatched {
    /// The invocation succeeds, with `null`. Events that are lost by a wrong rule are only visible
    /// in the log and in a metric.
    #[default]
    Succeed,
    /// The invocation fails, so that EventBridge retries, and then sends the event to the
    /// destination for failures.
    Fail,
}

impl<H> EventBridgeRoutes<H> {
    /// Creates an empty table.
    #[must_use]
    pub const fn new(on_unmatched: OnUnmatched) -> Self {
        Self { routes: Vec::new(), on_unmatched }
    }

    /// Registers a handler after the existing ones.
    ///
    /// # Errors
    ///
    /// [`RouteTaken`] for a blank rule, and for a rule whose events an earlier rule selects.
    pub fn insert(&mut self, rule: Rule, handler: H) -> Result<(), RouteTaken> {
        if rule.is_blank() {
            return Err(RouteTaken::Blank);
        }
        let earlier = self.routes.iter().find(|(earlier, _)| earlier.covers(&rule));
        if let Some((earlier, _)) = earlier {
            return Err(RouteTaken::By(earlier.to_string()));
        }
        self.routes.push((rule, handler));
        Ok(())
    }

    /// Returns the handler of an event; `None` if no rule selects it and unmatched events succeed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unmatched`] if no rule selects it and unmatched events fail.
    pub fn find(&self, event: &EventBridgeEvent<'_>) -> Result<Option<&H>, Error> {
        let found = self.routes.iter().find(|(rule, _)| rule.selects(event));
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

    use super::{EventBridgeEvent, EventBridgeRoutes, OnUnmatched, RouteTaken, Rule};

    fn event(json: &str) -> EventBridgeEvent<'_> {
        EventBridgeEvent::read(json).unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_wins() {
        let mut routes = EventBridgeRoutes::new(OnUnmatched::Fail);
        for (rule, handler) in [
            (Rule::named(" nightly "), 1),
            (Rule::source("app").detail_type("made"), 2),
            (Rule::source(" app "), 3),
            (Rule::any().detail_type("gone"), 4),
            (Rule::schedule(" default ", " nightly "), 5),
        ] {
            assert_eq!(routes.insert(rule, handler), Ok(()));
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
    fn rules_select_rule_arns_and_schedules_select_schedule_arns() {
        let arn = |arn: &str| alloc::format!(r#"{{"resources":["{arn}"]}}"#);
        let schedule = Rule::schedule("default", "nightly");
        let rule = Rule::named("nightly");
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
    fn a_schedule_is_known_by_its_name_wherever_it_is_kept() {
        let nightly = || Rule::scheduled(" nightly ");
        for (resource, selected) in [
            ("arn:aws:events:eu-west-1:1:rule/nightly", true),
            ("arn:aws:scheduler:eu-west-1:1:schedule/default/nightly", true),
            ("arn:aws:scheduler:eu-west-1:1:schedule/other/nightly", false),
            ("arn:aws:events:eu-west-1:1:rule/daily", false),
        ] {
            let json = alloc::format!(r#"{{"resources":["{resource}"]}}"#);
            assert_eq!(nightly().selects(&event(&json)), selected, "{resource}");
        }
        let mut routes = EventBridgeRoutes::default();
        assert_eq!(routes.insert(Rule::scheduled(" "), 0), Err(RouteTaken::Blank));
        assert_eq!(routes.insert(Rule::named("early"), 1), Ok(()));
        for first in [nightly(), Rule::scheduled("early")] {
            assert_eq!(routes.insert(first, 2), Ok(()));
        }
        for later in [nightly(), Rule::named("nightly"), Rule::schedule("default", "nightly")] {
            let taken = RouteTaken::By(r#"Rule::scheduled("nightly")"#.into());
            assert_eq!(routes.insert(later, 3), Err(taken));
        }
        assert_eq!(routes.insert(Rule::schedule("other", "nightly"), 4), Ok(()));
    }

    #[test]
    fn a_rule_that_would_never_select_is_refused() {
        let mut routes = EventBridgeRoutes::default();
        let (source, named, schedule) = (Rule::source, Rule::named, Rule::schedule);
        for blank in [
            source(" "),
            named(" "),
            schedule("", "a"),
            schedule("default", "\t"),
            Rule::any().detail_type(""),
            source("app").detail_type(" "),
        ] {
            assert_eq!(routes.insert(blank.clone(), 0), Err(RouteTaken::Blank));
            assert!(!blank.selects(&event("{}")));
        }
        let made = || Rule::any().detail_type("made");
        let typed = named("typed").detail_type("t");
        for first in [source("app"), made(), named("r"), schedule("g", "n"), typed] {
            assert_eq!(routes.insert(first, 1), Ok(()));
        }
        for (later, taken_by) in [
            (source(" app").detail_type("made "), r#"Rule::source("app")"#),
            (source("app"), r#"Rule::source("app")"#),
            (source("x").detail_type("made"), r#"Rule::any().detail_type("made")"#),
            (schedule("x", "y").detail_type("made"), r#"Rule::any().detail_type("made")"#),
            (named("r "), r#"Rule::named("r")"#),
            (schedule("g", " n"), r#"Rule::schedule("g", "n")"#),
            (named("typed").detail_type(" t"), r#"Rule::named("typed").detail_type("t")"#),
        ] {
            assert_eq!(routes.insert(later, 2), Err(RouteTaken::By(taken_by.into())));
        }
        for other in [
            source("App"),
            named("R"),
            named("typed"),
            schedule("g", "m"),
            schedule("n", "g"),
            Rule::any(),
        ] {
            assert_eq!(routes.insert(other, 3), Ok(()));
        }
        let taken = routes.insert(source("anything"), 4);
        assert_eq!(taken, Err(RouteTaken::By("Rule::any()".into())));
    }
}
