//! Selects the route of a message.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::error::{Error, ErrorKind};

/// Selects the route of a WebSocket message by one member of its JSON, as a *route selection
/// expression* such as `$request.body.action` defines.
///
/// ```
/// use apptheory_core::gateway::RouteSelection;
///
/// let selection = RouteSelection::parse("$request.body.message.kind")?;
/// assert_eq!(selection.value(r#"{"message":{"kind":"say"}}"#).as_deref(), Some("say"));
/// assert_eq!(selection.value("hello"), None);
/// # Ok::<(), apptheory_core::gateway::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteSelection {
    /// The member names, from the outermost in.
    path: Vec<Cow<'static, str>>,
}

/// The default is `$request.body.action`, which the console of API Gateway suggests.
impl Default for RouteSelection {
    fn default() -> Self {
        Self { path: Vec::from([Cow::Borrowed("action")]) }
    }
}

impl RouteSelection {
    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`InvalidRouteSelection`](ErrorKind::InvalidRouteSelection).
    pub fn parse(expression: &str) -> Result<Self, Error> {
        let text = expression.trim();
        let braced = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let path = braced.or_else(|| text.strip_prefix('$')).unwrap_or_default();
        let path = path.strip_prefix("request.body.").unwrap_or_default();
        let is_name = |name: &str| {
            let is_in_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            !name.is_empty() && name.chars().all(is_in_names)
        };
        if !path.split('.').all(is_name) {
            return Err(Error::from(ErrorKind::InvalidRouteSelection).with_message(expression));
        }
        Ok(Self { path: path.split('.').map(|name| Cow::Owned(name.to_string())).collect() })
    }

    /// Returns the selected value in a message: a string as it is, a number or boolean as JSON.
    /// `None` if the message is not JSON, lacks the member, or has another type there.
    #[must_use]
    pub fn value(&self, message: &str) -> Option<String> {
        let message: Value = serde_json::from_str(message).ok()?;
        let mut found = &message;
        for name in &self.path {
            found = found.get(&**name)?;
        }
        match found {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Returns the route of a message: the selected route if it `is_served`, or else `$default` if
    /// that is served. `$connect` and `$disconnect` cannot be selected.
    pub fn route(&self, message: &str, is_served: impl Fn(&str) -> bool) -> Option<String> {
        let selected = self.value(message);
        let selected = selected.filter(|key| !matches!(&**key, "$connect" | "$disconnect"));
        let default = || Some("$default".to_string()).filter(|key| is_served(key));
        selected.filter(|key| is_served(key)).or_else(default)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::RouteSelection;

    #[test]
    fn an_expression_names_a_member() {
        let deep = r#"{"action":"a","message":{"kind":"say","n":1,"on":true,"x":null,"y":{}}}"#;
        for (expression, message, expected) in [
            ("$request.body.action", deep, Some("a")),
            (" ${request.body.message.kind} ", deep, Some("say")),
            ("$request.body.message.n", deep, Some("1")),
            ("$request.body.message.on", deep, Some("true")),
            ("$request.body.message.x", deep, None),
            ("$request.body.message.y", deep, None),
            ("$request.body.message.kind.z", deep, None),
            ("$request.body.action", "hello", None),
            ("$request.body.action", "[]", None),
            ("$request.body.action", r#"{"action":""}"#, Some("")),
            ("$request.body.action", r#"{"action":"a"} x"#, None),
        ] {
            let selection = RouteSelection::parse(expression).unwrap();
            assert_eq!(selection.value(message).as_deref(), expected, "{expression} {message}");
        }
        assert_eq!(RouteSelection::parse("$request.body.action"), Ok(RouteSelection::default()));
    }

    #[test]
    fn malformed_route_selection_expressions_are_refused() {
        for text in [
            "",
            "$",
            "action",
            "request.body.action",
            "$request.body",
            "$request.body.",
            "$request.body..a",
            "$request.header.a",
            "${request.body.a",
            "$request.body.a[0]",
            "$request.body.a $request.body.b",
        ] {
            let error = RouteSelection::parse(text).unwrap_err();
            assert_eq!(error.to_string(), alloc::format!("no route selection expression: {text}"));
        }
    }
}
