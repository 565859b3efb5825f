//! Sanitizing what others sent, before it is logged.
//!
//! A [`Sanitizer`] has one set of rules for [fields](Sanitizer::field) by their names,
//! [JSON](Sanitizer::json), [XML](Sanitizer::xml) and [messages](Sanitizer::free_text). An
//! application adds rules with a [`Policy`], written in JSON or, with the feature `yaml`, in YAML.
//! The default rules are strict: values that may be secrets are hidden, however their names are
//! written, and card numbers are hidden everywhere.
//!
//! All functions accept any input, and take linear time. With the default rules, sanitizing twice
//! changes nothing.
//!
//! ```
//! use apptheory::prelude::json;
//! use apptheory::sanitize::Sanitizer;
//!
//! let sanitizer = Sanitizer::new();
//! assert_eq!(sanitizer.field("csrfToken", "t"), json!("[REDACTED]"));
//! let shown = sanitizer.field("ok", json!({"n": 7, "cvv": 1}));
//! assert_eq!(shown, json!({"n": "7", "cvv": "[REDACTED]"}));
//! assert_eq!(sanitizer.free_text("bad password: hunter2"), "bad password: [REDACTED]");
//! ```

#[cfg(feature = "yaml")]
mod yaml;

#[doc(inline)]
pub use apptheory_core::sanitize::*;
#[cfg(feature = "yaml")]
pub use yaml::{policy_from_env, policy_from_text};
