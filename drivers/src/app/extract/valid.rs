//! What was read and keeps its rules.

use apptheory_core::error::AppError;
use apptheory_core::events::Change;
use apptheory_core::validation::Violations;
use garde::Validate;
use serde::de::DeserializeOwned;

use super::{Form, FromContext, Headers, Json, OptionalFromContext, Path, Query};
use crate::app::context::Context;
use crate::app::events::Detail;
use crate::validation::check;

/// What another extractor reads, such as `Json<T>`, if it keeps the rules of its type. It is an extractor
/// where the other one is: of requests, messages and records.
///
/// The rules are those of the crate `garde`: `cargo add garde@0.23 --features derive`, and derive
/// `garde::Validate` for the type. What breaks some is answered with 422, and each broken rule in the
/// details:
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
/// | Rules of `garde` | are told as |
/// |---|---|
/// | `required` | `required` |
/// | `range` | `min`, `max` |
/// | `length` | `min_length`, `max_length` |
/// | `pattern` | `pattern` |
/// | `ascii`, `alphanumeric`, `email`, `url`, `ip`, `ipv4`, `ipv6`, `credit_card`, `phone_number`, `contains`, `prefix`, `suffix`, `matches` | their own names |
/// | `custom` | `custom`, with the text of its error, which clients see |
///
/// Members have the names that clients write: those of `#[serde(rename_all)]`, and of a `rename` that
/// changes case and punctuation alone. A member that is renamed to another word is told by its own
/// name, which clients do not know: call it so in Rust, too. Those of enums and of `#[serde(flatten)]`
/// are told by their own names as well. Up to [`MAX_TOLD`](Violations::MAX_TOLD) broken rules are
/// told, in the order in which the type declares its members, and first of all those of other names.
///
/// A record that breaks rules fails alone. The log says which rules of which members, and no value.
///
/// All elements of a list are checked, even if it is longer than a rule allows: a body of millions of
/// wrong ones takes time and memory. Bound bodies by [`limits`](crate::app::App::limits).
///
/// A validator that panics fails its request with a masked 500, as a handler does; a `pattern` that is
/// no regular expression does not compile. Validators need no context, or one with a default.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Valid<X>(pub X);

/// An extractor whose value can be checked, for [`Valid`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules that `Valid` could check",
    note = "`Valid` is for `Json`, `Query`, `Path`, `Headers`, `Form`, `Detail` and `Change` of a type that derives `garde::Validate`",
    note = "implement `Checked` for an extractor of your own"
)]
pub trait Checked {
    /// Checks the value, and returns the rules that it breaks.
    fn check(&self) -> Violations;
}

impl<S, K, X: FromContext<S, K> + Checked> FromContext<S, K> for Valid<X> {
    const KEEPS_EVENT: bool = X::KEEPS_EVENT;

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

/// What the item has become is checked, and what it was is not.
impl<T: Validate<Context: Default> + DeserializeOwned> Checked for Change<T> {
    fn check(&self) -> Violations {
        self.new.as_ref().map(check).unwrap_or_default().within("NewImage")
    }
}
