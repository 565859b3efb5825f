//! Serializes values as messages.

use alloc::string::ToString;
use alloc::vec::Vec;

use serde::Serialize;

use super::error::{Error, ErrorKind};
use crate::http::json_body;

/// Serializes a value to the JSON that a connection receives, with the members of structs in order.
///
/// # Errors
///
/// [`Error`] of the kind [`UnwritableMessage`](ErrorKind::UnwritableMessage).
pub fn json_message<T: Serialize + ?Sized>(message: &T) -> Result<Vec<u8>, Error> {
    json_body::to_bytes(message).map_err(|error| {
        Error::from(ErrorKind::UnwritableMessage).with_message(error.to_string()).with_cause(error)
    })
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::ToString;

    use serde_json::json;

    use super::json_message;

    #[test]
    fn a_value_is_sent_as_the_one_json_writer_writes_it() {
        let message = json!({"b": 1, "a": "<x>&\u{2028}é", "f": 1.0, "n": null});
        let text = r#"{"a":"\u003cx\u003e\u0026\u2028é","b":1,"f":1,"n":null}"#;
        assert_eq!(json_message(&message).unwrap(), text.as_bytes());
        let nameless = BTreeMap::from([([1], 2)]);
        let error = json_message(&nameless).unwrap_err();
        assert!(error.to_string().starts_with("apptheory: marshal websocket json message: "));
    }
}
