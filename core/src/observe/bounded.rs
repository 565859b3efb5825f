//! Fits values into the space left in a line or message.

use alloc::borrow::Cow;
use alloc::string::String;

use serde_json::Value as Json;

use super::line::{CUT, MAX_LINE_BYTES, head};
use crate::json;

/// The space left, in bytes of JSON.
pub(super) struct Room(pub(super) usize);

impl Room {
    /// Fits the value of a member: each gets at most half of the space left, so that later ones fit
    /// as well. A string that is too long is cut; any other value becomes its own JSON as a string,
    /// cut. `None` if even that does not fit.
    pub(super) fn fit(&mut self, name: &str, value: Json) -> Option<Json> {
        let most = self.0 / 2;
        let mut written = json::to_text(&value);
        let mut fitting = value;
        if written.len() > most {
            fitting = Json::String(cut(fitting.as_str().unwrap_or(&written), most));
            written = json::to_text(&fitting);
        }
        // Includes the name in quotes, a colon and a comma.
        let taken = written.len().saturating_add(name.len()).saturating_add(4);
        self.0 = self.0.checked_sub(taken)?;
        Some(fitting)
    }
}

/// Returns a text, or the beginning of one that is longer than a line, with [`CUT`]. This bounds
/// how much is sanitized.
pub(super) fn beginning(text: &str) -> Cow<'_, str> {
    let beginning = head(text, MAX_LINE_BYTES);
    if beginning.len() == text.len() {
        return Cow::Borrowed(text);
    }
    Cow::Owned([beginning, CUT].concat())
}

/// Returns the beginning of a text that has at most `most` bytes in JSON, with [`CUT`].
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
        // The rest has about the same share of escapes as the whole.
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
