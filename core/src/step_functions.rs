//! Task tokens of Step Functions callbacks.
//!
//! This module decides under which names an event carries its token. It refuses
//! to know what is called back.
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

/// The token of an event, trimmed: the first of `taskToken`, `TaskToken` and `task_token` that is a
/// text and not blank; an empty text when there is none. Names are told apart by case, and only the
/// event's own members are looked at.
///
/// A token lets its bearer complete the task: do not log it.
#[must_use]
pub fn task_token(event: &Json) -> &str {
    let tokens = NAMES.iter().filter_map(|name| event.get(name)?.as_str());
    tokens.map(str::trim).find(|token| !token.is_empty()).unwrap_or_default()
}

/// An event with a token, for tests of what a state machine calls: the members of the payload, and
/// the token, trimmed, as `taskToken` in place of whatever the payload has there.
#[must_use]
pub fn task_token_event(token: &str, mut payload: Map<String, Json>) -> Json {
    payload.insert(NAMES[0].into(), token.trim().into());
    Json::Object(payload)
}

/// The first that holds a token wins.
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
