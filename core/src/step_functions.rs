//! Task tokens of Step Functions callbacks: finds the token in an event, and builds events with
//! one.
//!
//! ```
//! use apptheory_core::step_functions::{task_token, task_token_event};
//! use serde_json::json;
//!
//! assert_eq!(task_token(&json!({"taskToken": " ", "task_token": " token-1 "})), "token-1");
//! let event = task_token_event("token-2", json!({"order": 7}).as_object().cloned().unwrap());
//! assert_eq!(task_token(&event), "token-2");
//! ```

use alloc::string::String;

use serde_json::{Map, Value as Json};

/// Returns the trimmed task token of an event: the first of the members `taskToken`, `TaskToken`
/// and `task_token` that is a string and not blank. Returns an empty text if there is no token.
/// Names are case-sensitive, and only top-level members are read.
///
/// The token lets its holder complete the task: do not log it.
#[must_use]
pub fn task_token(event: &Json) -> &str {
    let tokens = NAMES.iter().filter_map(|name| event.get(name)?.as_str());
    tokens.map(str::trim).find(|token| !token.is_empty()).unwrap_or_default()
}

/// Returns an event with a task token, for tests of functions that a state machine calls. Holds the
/// members of `payload` and the trimmed token as `taskToken`, which replaces a member of this name
/// in `payload`.
#[must_use]
pub fn task_token_event(token: &str, mut payload: Map<String, Json>) -> Json {
    payload.insert(NAMES[0].into(), token.trim().into());
    Json::Object(payload)
}

/// In order of precedence.
const NAMES: [&str; 3] = ["taskToken", "TaskToken", "task_token"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{task_token, task_token_event};

    #[test]
    fn the_first_name_with_a_text_wins() {
        for (event, expected) in [
            (json!({"taskToken": " a "}), "a"),
            (json!({"taskToken": " ", "TaskToken": "b"}), "b"),
            (json!({"taskToken": 5, "task_token": "c"}), "c"),
            (json!({"taskToken": null, "TaskToken": "j"}), "j"),
            (json!({"task_token": "c", "TaskToken": "b", "taskToken": "a"}), "a"),
            (json!({"TASKTOKEN": "i"}), ""),
            (json!({"detail": {"taskToken": "z"}}), ""),
            (json!([{"taskToken": "z"}]), ""),
            (json!("{\"taskToken\": \"z\"}"), ""),
            (json!(null), ""),
        ] {
            assert_eq!(task_token(&event), expected, "{event}");
        }
    }

    #[test]
    fn a_built_event_carries_its_own_token() {
        let payload = json!({"foo": "bar", "taskToken": "ignored"}).as_object().cloned().unwrap();
        let event = task_token_event(" tok-built ", payload);
        assert_eq!(event, json!({"foo": "bar", "taskToken": "tok-built"}));
    }
}
