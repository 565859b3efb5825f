//! Models of limits and queries, to compare real ones with.
//!
//! Models keep all data, and add or sort it: slow and simple. They share no code with what they
//! model.

mod limit;
mod query;

pub use limit::{Admission, Limit};
pub use query::selected;
