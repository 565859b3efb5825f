//! HTTP without a network: what an event of any provider says, which route serves it, and what is
//! answered.
//!
//! This module decides how requests and responses read and are written, byte for byte, for every
//! provider alike. It refuses to know sockets, clocks and handlers: it is values and functions.
//!
//! ```
//! use apptheory_core::http::router::{Lookup, Router};
//!
//! let mut router = Router::new();
//! router.insert("GET", "/users/{id}", "show a user")?;
//! let Lookup::Found(found) = router.look_up("GET", "/users/7") else { panic!("a route") };
//! assert_eq!((*found.handler(), found.param("id")), ("show a user", Some("7")));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod names;
pub mod percent;
pub mod router;

pub use names::{canonical_method, canonical_name, normalize_path};
