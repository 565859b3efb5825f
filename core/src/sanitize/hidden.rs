//! Characters that are invisible, or change how others are displayed.

/// Returns whether a character is a control or format character, a line or paragraph separator, or
/// ignored by displays: general categories Cc, Cf, Zl and Zp, and the property
/// `Default_Ignorable_Code_Point`, including variation selectors.
///
/// Such characters break lines, reorder what a reader sees, or hide in it.
pub(super) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let found = HIDDEN.binary_search_by(|(first, last)| {
        if c < *first {
            core::cmp::Ordering::Greater
        } else if c > *last {
            core::cmp::Ordering::Less
        } else {
            core::cmp::Ordering::Equal
        }
    });
    found.is_ok()
}

/// In ascending order, beyond ASCII; from `DerivedGeneralCategory` and `DerivedCoreProperties` of
/// Unicode 16. Includes ignorable code points that are not assigned yet.
const HIDDEN: [(char, char); 26] = [
    ('\u{80}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];
