//! Routes events of unknown services to handlers, by their members.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::event::source_of_record;
use super::raw::RawEvent;
use crate::document::Value;
use crate::routes::RouteTaken;

/// Selects the events of a handler by their members. Use it for events of unknown services: the
/// input of direct invocations, of Step Functions, and of schedules with their own input.
///
/// ```
/// use apptheory_core::events::{RawEvent, Shape};
///
/// let shape = Shape::all([Shape::member("order"), Shape::member_is("action", "ship")]);
/// let event = RawEvent::read(r#"{"action":"ship","order":{"id":7}}"#)?;
/// assert!(shape.fits(&event) && Shape::member("action").fits(&event));
/// assert!(!Shape::member_is("action", "cancel").fits(&event));
/// # Ok::<(), apptheory_core::events::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shape(Vec<Condition>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Condition {
    Member(String),
    MemberIs { name: String, text: String },
    RecordsFrom(String),
    ListOf(Shape),
}

impl Shape {
    /// Fits objects with a member of this name that is not null. Names are case-sensitive.
    #[must_use]
    pub fn member(name: &str) -> Self {
        Self(Vec::from([Condition::Member(name.to_string())]))
    }

    /// Fits objects with a member of this name that is exactly this text.
    #[must_use]
    pub fn member_is(name: &str, text: &str) -> Self {
        let (name, text) = (name.to_string(), text.to_string());
        Self(Vec::from([Condition::MemberIs { name, text }]))
    }

    /// Fits events whose first record is from this source, such as `aws:s3`.
    #[must_use]
    pub fn records_from(source: &str) -> Self {
        Self(Vec::from([Condition::RecordsFrom(source.trim().to_string())]))
    }

    /// Fits lists whose first element fits a shape, as EventBridge Pipes send them.
    ///
    /// ```
    /// use apptheory_core::events::{RawEvent, Shape};
    ///
    /// let messages = Shape::list_of(Shape::member_is("eventSource", "aws:sqs"));
    /// let event = RawEvent::read(r#"[{"eventSource":"aws:sqs","messageId":"1","body":"a"}]"#)?;
    /// assert!(messages.fits(&event));
    /// # Ok::<(), apptheory_core::events::Error>(())
    /// ```
    #[must_use]
    pub fn list_of(element: Self) -> Self {
        Self(Vec::from([Condition::ListOf(element)]))
    }

    /// Fits events that fit all of these shapes.
    #[must_use]
    pub fn all(shapes: impl IntoIterator<Item = Self>) -> Self {
        Self(shapes.into_iter().flat_map(|Self(conditions)| conditions).collect())
    }

    /// Returns whether the shape has no conditions, or a blank text, perhaps because of an unset
    /// variable. Such a shape fits nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let is_blank = |text: &String| text.trim().is_empty();
        self.0.is_empty()
            || self.0.iter().any(|condition| match condition {
                Condition::Member(text) | Condition::RecordsFrom(text) => is_blank(text),
                Condition::MemberIs { name, text } => is_blank(name) || is_blank(text),
                Condition::ListOf(element) => element.is_blank(),
            })
    }

    /// Returns whether an event fits the shape. A member that occurs twice counts as missing,
    /// because readers differ in which one they use.
    #[must_use]
    pub fn fits(&self, event: &RawEvent<'_>) -> bool {
        !self.is_blank() && self.fits_value(event.root())
    }

    fn fits_value(&self, value: Value<'_, '_>) -> bool {
        self.0.iter().all(|condition| condition.holds(value))
    }

    /// Returns whether this shape fits every event that another one fits.
    fn covers(&self, other: &Self) -> bool {
        let is_implied = |own: &Condition| other.0.iter().any(|theirs| theirs.implies(own));
        self.0.iter().all(is_implied)
    }
}

impl Condition {
    fn holds(&self, event: Value<'_, '_>) -> bool {
        if let Self::ListOf(element) = self {
            let first = event.list().ok().and_then(|mut list| list.next());
            return first.is_some_and(|first| element.fits_value(first));
        }
        let Ok(object) = event.object() else { return false };
        match self {
            Self::ListOf(_) => false,
            Self::Member(name) => object.get(name).is_ok_and(|value| !value.is_null()),
            Self::MemberIs { name, text } => object.get(name).is_ok_and(|value| value.is(text)),
            Self::RecordsFrom(source) => object.get("Records").is_ok_and(|records| {
                let first = records.list().ok().and_then(|mut records| records.next());
                first.and_then(source_of_record).as_deref() == Some(source)
            }),
        }
    }

    /// Returns whether another condition holds wherever this one does.
    fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::MemberIs { name, .. }, Self::Member(other)) => name == other,
            (Self::RecordsFrom(_), Self::Member(other)) => other == "Records",
            (Self::ListOf(own), Self::ListOf(other)) => other.covers(own),
            _ => self == other,
        }
    }
}

/// Writes the shape as it is in code: `Shape::member("action")`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            [condition] => write!(f, "{condition}"),
            conditions => {
                f.write_str("Shape::all([")?;
                for (n, condition) in conditions.iter().enumerate() {
                    write!(f, "{}{condition}", if n == 0 { "" } else { ", " })?;
                }
                f.write_str("])")
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, "Shape::member({name:?})"),
            Self::MemberIs { name, text } => write!(f, "Shape::member_is({name:?}, {text:?})"),
            Self::RecordsFrom(source) => write!(f, "Shape::records_from({source:?})"),
            Self::ListOf(element) => write!(f, "Shape::list_of({element})"),
        }
    }
}

/// Handlers by shapes, and a handler for all other events. The first handler whose shape fits an
/// event is used.
#[derive(Clone, Debug)]
pub struct ShapeRoutes<H> {
    routes: Vec<(Shape, H)>,
    otherwise: Option<H>,
}

impl<H> ShapeRoutes<H> {
    /// Creates an empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new(), otherwise: None }
    }

    /// Registers a handler after the existing ones.
    ///
    /// # Errors
    ///
    /// [`RouteTaken`] for a blank shape, and for a shape whose events an earlier shape fits.
    pub fn insert(&mut self, shape: Shape, handler: H) -> Result<(), RouteTaken> {
        if shape.is_blank() {
            return Err(RouteTaken::Blank);
        }
        let mut shapes = self.routes.iter().map(|(shape, _)| shape);
        if let Some(earlier) = shapes.find(|earlier| earlier.covers(&shape)) {
            return Err(RouteTaken::By(earlier.to_string()));
        }
        self.routes.push((shape, handler));
        Ok(())
    }

    /// Registers the handler of all events that fit no shape.
    ///
    /// # Errors
    ///
    /// [`RouteTaken`] if there is one already.
    pub fn set_otherwise(&mut self, handler: H) -> Result<(), RouteTaken> {
        if self.otherwise.is_some() {
            return Err(RouteTaken::By("otherwise".into()));
        }
        self.otherwise = Some(handler);
        Ok(())
    }

    /// Returns the handler of an event.
    #[must_use]
    pub fn find(&self, event: &RawEvent<'_>) -> Option<&H> {
        let fitting = self.routes.iter().find(|(shape, _)| shape.fits(event));
        fitting.map(|(_, handler)| handler).or(self.otherwise.as_ref())
    }
}

impl<H> Default for ShapeRoutes<H> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(shape: &Shape, text: &str) -> bool {
        shape.fits(&RawEvent::read(text).unwrap())
    }

    #[test]
    fn shapes_look_at_members() {
        let ship = Shape::member_is("action", "ship");
        let order = || Shape::member("order");
        let both = Shape::all([order(), ship.clone()]);
        for (text, has_order, is_ship) in [
            (r#"{"order":0,"action":"ship"}"#, true, true),
            (r#"{"order":null,"action":"\u0073hip"}"#, false, true),
            (r#"{"order":false,"action":"Ship"}"#, true, false),
            (r#"{"Order":1,"action":["ship"]}"#, false, false),
            (r#"{"order":1,"order":2,"action":"ship","action":"ship"}"#, false, false),
            (r#"{"data":{"order":1,"action":"ship"}}"#, false, false),
            ("null", false, false),
            (r#"["order"]"#, false, false),
        ] {
            let found = (fits(&order(), text), fits(&ship, text), fits(&both, text));
            assert_eq!(found, (has_order, is_ship, has_order && is_ship), "{text}");
        }
        let bucket = Shape::records_from(" aws:s3 ");
        assert!(fits(&bucket, r#"{"Records":[{"eventSource":"aws:s3"},{}]}"#));
        for text in [r#"{"Records":[{},{"eventSource":"aws:s3"}]}"#, r#"{"Records":{}}"#, "{}"] {
            assert!(!fits(&bucket, text), "{text}");
        }
    }

    #[test]
    fn lists_are_known_by_their_first_element() {
        let tasks = || Shape::list_of(Shape::member("task"));
        let ship = || Shape::list_of(Shape::member_is("task", "ship"));
        for (text, is_tasks, is_ship) in [
            (r#"[{"task":"ship"},{}]"#, true, true),
            (r#"[{"task":1}]"#, true, false),
            (r#"[{},{"task":"ship"}]"#, false, false),
            (r#"[[{"task":"ship"}]]"#, false, false),
            (r#"{"task":"ship"}"#, false, false),
            ("[]", false, false),
            ("null", false, false),
        ] {
            assert_eq!((fits(&tasks(), text), fits(&ship(), text)), (is_tasks, is_ship), "{text}");
        }
        assert!(fits(&Shape::list_of(tasks()), r#"[[{"task":1}]]"#));
        let mut routes = ShapeRoutes::new();
        assert_eq!(routes.insert(Shape::list_of(Shape::member("")), 0), Err(RouteTaken::Blank));
        assert_eq!(routes.insert(tasks(), 1), Ok(()));
        let taken = RouteTaken::By(r#"Shape::list_of(Shape::member("task"))"#.into());
        assert_eq!(routes.insert(ship(), 2), Err(taken));
        assert_eq!(routes.insert(Shape::member("task"), 3), Ok(()));
    }

    #[test]
    fn a_shape_that_would_never_be_used_is_refused() {
        let (member, is) = (Shape::member, Shape::member_is);
        let mut routes = ShapeRoutes::new();
        for blank in [
            member(" "),
            is("", "x"),
            is("x", " "),
            Shape::records_from(""),
            Shape::all([]),
            Shape::all([member("a"), member("")]),
        ] {
            assert_eq!(routes.insert(blank.clone(), 0), Err(RouteTaken::Blank), "{blank}");
            assert!(!fits(&blank, r#"{"":1,"x":"","a":1}"#));
        }
        let pair = Shape::all([member("a"), is("b", "1")]);
        for first in [is("type", "order"), member("action"), pair] {
            assert_eq!(routes.insert(first, 1), Ok(()));
        }
        for (later, taken_by) in [
            (is("type", "order"), r#"Shape::member_is("type", "order")"#),
            (is("action", "ship"), r#"Shape::member("action")"#),
            (Shape::all([member("x"), member("action")]), r#"Shape::member("action")"#),
            (
                Shape::all([is("b", "1"), is("a", "2")]),
                r#"Shape::all([Shape::member("a"), Shape::member_is("b", "1")])"#,
            ),
        ] {
            assert_eq!(routes.insert(later, 2), Err(RouteTaken::By(taken_by.into())));
        }
        for other in [member("type"), member("a"), is("b", "1"), Shape::records_from("aws:s3")] {
            assert_eq!(routes.insert(other, 3), Ok(()));
        }
        let shadowed = routes.insert(member("Records"), 4);
        assert_eq!(shadowed, Ok(()), "the wider one may come later");
        assert!(routes.insert(Shape::records_from("aws:ses"), 5).is_err());
        let event = RawEvent::read(r#"{"type":"order","action":"ship"}"#).unwrap();
        assert_eq!((routes.find(&event), routes.routes.len()), (Some(&1), 8));
        let other = RawEvent::read("{}").unwrap();
        assert_eq!((routes.find(&other).copied(), routes.set_otherwise(6)), (None, Ok(())));
        assert_eq!((routes.find(&event), routes.find(&other)), (Some(&1), Some(&6)));
        assert!(routes.set_otherwise(7).is_err());
    }
}
