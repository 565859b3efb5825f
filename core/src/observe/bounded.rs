//! Values in the room that a line or a message has left.

use alloc::borrow::Cow;
use alloc::string::String;

use serde_json::Value as Json;

use super::line::{CUT, MAX_LINE_BYTES, head};
use crate::json;

/// The room that is left, in bytes of JSON.
pub(super) struct Room(pub(super) usize);

impl Room {
    /// Returns as much of the value of a member as there is room for: each gets at most half of what is
    /// left, so that others fit, too. A text that is too long is cut, and anything else becomes its own
    /// JSON as a text, cut. `None` where not even that has room.
    pub(super) fn fit(&mut self, name: &str, value: Json) -> Option<Json> {
        let most = self.0 / 2;
        let mut written = json::to_text(&value);
        let mut fitting = value;
        if written.len() > most {
            fitting = Json::String(cut(fitting.as_str().unwrap_or(&written), most));
            written = json::to_text(&fitting);
        }
        // The name in quotes, a colon and a comma.
        let taken = written.len().saturating_add(name.len()).saturating_add(4);
        self.0 = self.0.checked_sub(taken)?;
        Some(fitting)
    }
}

/// The text, or the beginning of one that is longer than a line, and [`CUT`]: whatever comes, no more than
/// that is sanitized.
pub(super) fn beginning(text: &str) -> Cow<'_, str> {
    let beginning = head(text, MAX_LINE_BYTES);
    if beginning.len() == text.len() {
        return Cow::Borrowed(text);
    }
    Cow::Owned([beginning, CUT].concat())
}

/// As much of a text as has so many bytes in JSON, and [`CUT`].
fn cut(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    loop {
        let boundary = (0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        let (head, _) = text.split_at(boundary);
        let shown = [head, CUT].concat();
        let written = json::to_text(&Json::from(&*shown)).len();
        if written <= most || boundary == 0 {
            return shown;
        }
        // What is left has about as many escapes as the whole.
        let share = boundary.saturating_mul(most).checked_div(written);
        end = share.unwrap_or_default().min(boundary.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_is_not_changed() {
        let mut room = Room(100);
        for value in [json!("é\n"), json!([1, 2]), json!(null)] {
            assert_eq!(room.fit("n", value.clone()), Some(value));
        }
        assert_eq!(room.0, 100 - (6 + 5) - (5 + 5) - (4 + 5));
    }

    #[test]
    fn each_value_gets_half_of_what_is_left() {
        for piece in ["a", "é", "<", "\"", "\u{2028}"] {
            let long = piece.repeat(1000);
            let mut room = Room(200);
            for most in [100, 48, 22] {
                let shown = room.fit("n", json!(long)).unwrap();
                let text = shown.as_str().unwrap();
                assert!(text.ends_with(CUT) && long.starts_with(text.trim_end_matches(CUT)));
                assert!(json::to_text(&shown).len() <= most, "{piece}: {shown}");
            }
        }
        let mut room = Room(100);
        assert_eq!(
            room.fit("n", json!([["x".repeat(100)]])),
            Some(json!("[[\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…[cut]"))
        );
        assert_eq!(Room(10).fit("a long name", json!(1)), None);
    }
}
