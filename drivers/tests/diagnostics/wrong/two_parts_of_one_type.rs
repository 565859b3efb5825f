// `name` and `city` are both a `String`, and a handler that asks for one could get either: give one
// a type of its own, or say `#[from_ref(skip)]`
use apptheory::prelude::*;

#[derive(Clone, FromRef)]
pub struct Shop {
    name: String,
    city: String,
}
