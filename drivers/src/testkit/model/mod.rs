//! What limits and queries mean, by definition: what a test holds a real one against.
//!
//! Models keep everything that they are given and add it up or sort it: slowly and plainly. They
//! share no code with what they are models of.

mod limit;
mod query;

pub use limit::{Admission, Limit};
pub use query::selected;
