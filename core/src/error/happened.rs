//! What became of a write whose answer is an error.

/// What became of the write that an error is about. Ask it before you repeat one: only a write that
/// certainly did not happen can be repeated without a second thought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Happened {
    /// It took effect, all of it.
    Yes,
    /// It had no effect.
    No,
    /// The answer was lost or came too late: it may have taken effect, wholly or in part.
    Unknown,
}
