//! What may be logged of what others sent.
//!
//! A [`Sanitizer`] has one set of rules for all: [fields](Sanitizer::field) by their names,
//! [JSON](Sanitizer::json), [XML](Sanitizer::xml) and [messages](Sanitizer::free_text). An application
//! adds its own with a [`Policy`], as JSON or, with the feature `yaml`, as YAML. By default the rules
//! are strict: whatever may be a secret is hidden, however its name is written, and numbers of cards
//! are hidden everywhere.
//!
//! Everything here takes any input, in time linear in its length. By default, sanitising again changes
//! nothing.
//!
//! ```
//! use apptheory::prelude::json;
//! use apptheory::sanitize::Sanitizer;
//!
//! let sanitizer = Sanitizer::new();
//! assert_eq!(sanitizer.field("csrfToken", "t"), json!("[REDACTED]"));
//! assert_eq!(sanitizer.field("ok", json!({"n": 7, "cvv": 1})), json!({"n": "7", "cvv": "[REDACTED]"}));
//! assert_eq!(sanitizer.free_text("bad password: hunter2"), "bad password: [REDACTED]");
//! ```

#[cfg(feature = "yaml")]
mod yaml;

#[doc(inline)]
pub use apptheory_core::sanitize::*;
#[cfg(feature = "yaml")]
pub use yaml::{policy_from_env, policy_from_text};
