//! Validation rules for values, and error responses that list every broken rule.
//!
//! With the feature `validation`, the extractor [`Valid`](crate::app::Valid) checks a value by the
//! rules of its type, which the crate `garde` derives. Without it, a handler adds broken rules to
//! [`Violations`] itself. The response has the same form.

#[cfg(feature = "validation")]
mod names;
#[cfg(feature = "validation")]
mod report;

#[doc(inline)]
pub use apptheory_core::validation::*;
#[cfg(feature = "validation")]
pub use report::check;
