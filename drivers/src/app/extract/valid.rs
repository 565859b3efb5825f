//! Validation of extracted values.

use apptheory_core::error::AppError;
use apptheory_core::events::Change;
use apptheory_core::http::binding;
use apptheory_core::validation::Violations;
use garde::Validate;
use serde::de::DeserializeOwned;

use super::{Form, FromContext, Headers, Json, OptionalFromContext, Path, Query};
use crate::app::context::Context;
use crate::app::events::Detail;
use crate::validation::check;

/// Reads what another extractor such as `Json<T>` reads, and validates it. It works wherever the
/// other extractor does: for requests, messages and records.
///
/// Needs the feature `validation`.
///
/// The rules are those of the crate `garde`: run `cargo add garde@0.23 --features derive`, and
/// derive `garde::Validate` for the type. A value that breaks rules gets a 422 whose details list
/// each broken rule:
///
/// ```
/// use apptheory::app::{App, Invocation, Json, Valid};
///
/// #[derive(serde::Deserialize, garde::Validate)]
/// #[serde(rename_all = "camelCase")]
/// struct Order {
///     #[garde(length(min = 1), dive)]
///     order_lines: Vec<Line>,
/// }
///
/// #[derive(serde::Deserialize, garde::Validate)]
/// #[serde(rename_all = "camelCase")]
/// struct Line {
///     #[garde(range(min = 1, max = 10))]
///     how_many: u32,
/// }
///
/// async fn order(Valid(Json(order)): Valid<Json<Order>>) -> String {
///     format!("{} lines", order.order_lines.len())
/// }
///
/// let app = App::new().post("/orders", order).build()?;
/// let event = r#"{"rawPath": "/orders", "requestContext": {"http": {"method": "POST"}},
///     "headers": {"content-type": "application/json"},
///     "body": "{\"orderLines\": [{\"howMany\": 1}, {\"howMany\": 12}]}"}"#;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let answer = app.invoke(event, Invocation::default()).await?;
/// assert!(answer.contains(r#"\"field\":\"orderLines[1].howMany\""#));
/// assert!(answer.contains(r#"\"rule\":\"max\""#));
/// # Ok::<(), apptheory::app::InvokeError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | Rules of `garde` | Reported as |
/// |---|---|
/// | `required` | `required` |
/// | `range` | `min`, `max` |
/// | `length` | `min_length`, `max_length` |
/// | `pattern` | `pattern` |
/// | `ascii`, `alphanumeric`, `email`, `url`, `ip`, `ipv4`, `ipv6`, `credit_card`, `phone_number`, `contains`, `prefix`, `suffix`, `matches` | their own names |
/// | `custom` | `custom`, with the text of its error, which clients see |
///
/// Members are reported under the names that clients use: those of `#[serde(rename_all)]`, and of a
/// `rename` that changes only case and punctuation. A member that is renamed to another word, a
/// member of an enum, or of `#[serde(flatten)]`, is reported under its Rust name; give it the same
/// name in Rust. Up to [`MAX_REPORTED`](Violations::MAX_REPORTED) broken rules are reported,
/// members of other names first, then in the order in which the type declares its members.
///
/// A record that breaks rules fails alone. The log names the rules and members, never values.
///
/// All elements of a list are checked, even if the list is longer than a rule allows. A body with
/// millions of invalid elements takes time and memory: limit bodies with
/// [`limits`](crate::app::App::limits).
///
/// A validator that panics fails its request with a masked 500, as a handler does. A `pattern` that
/// is not a regular expression does not compile. Validators take no context, or one with a default.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Valid<X>(pub X);

/// An extractor whose value can be validated by [`Valid`].
///
/// Needs the feature `validation`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules that `Valid` could check",
    note = "`Valid` is for `Json`, `Query`, `Path`, `Headers`, `Form`, `Detail` and `Change` of a type that derives `garde::Validate`",
    note = "implement `Checked` for an extractor of your own"
)]
pub trait Checked {
    /// Validates the value, and returns the broken rules.
    fn check(&self) -> Violations;
}

impl<S, K, X: FromContext<S, K> + Checked> FromContext<S, K> for Valid<X> {
    const KEEPS_EVENT: bool = X::KEEPS_EVENT;

    fn check_params(names: &[&str]) -> Result<(), binding::Error> {
        X::check_params(names)
    }

    fn body_formats() -> Vec<&'static str> {
        X::body_formats()
    }

    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        let read = X::from_context(context, state)?;
        read.check().into_result()?;
        Ok(Self(read))
    }
}

impl<S, K, X: OptionalFromContext<S, K> + Checked> OptionalFromContext<S, K> for Valid<X> {
    fn optional_from_context(context: &Context, state: &S) -> Result<Option<Self>, AppError> {
        let Some(read) = X::optional_from_context(context, state)? else { return Ok(None) };
        read.check().into_result()?;
        Ok(Some(Self(read)))
    }
}

macro_rules! checked {
    ($($extractor:ident)+) => {$(
        impl<T: Validate<Context: Default> + DeserializeOwned> Checked for $extractor<T> {
            fn check(&self) -> Violations {
                check(&self.0)
            }
        }
    )+};
}

checked!(Json Query Path Headers Form);

impl<T: Validate<Context: Default> + DeserializeOwned> Checked for Detail<T> {
    fn check(&self) -> Violations {
        check(&self.0).within("detail")
    }
}

/// Validates the new item only.
impl<T: Validate<Context: Default> + DeserializeOwned> Checked for Change<T> {
    fn check(&self) -> Violations {
        self.new.as_ref().map(check).unwrap_or_default().within("NewImage")
    }
}
