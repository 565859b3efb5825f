//! What the host names of API Gateway say.
//!
//! This module decides which hosts are API Gateway's own, and in which region they are. It refuses
//! to know which API is called.
//!
//! ```
//! use apptheory_core::gateway::region_from_host;
//!
//! let region = region_from_host("a1b2.execute-api.eu-central-1.amazonaws.com:443");
//! assert_eq!(region.as_deref(), Some("eu-central-1"));
//! assert_eq!(region_from_host("api.example.com"), None);
//! ```

mod region;

pub use region::region_from_host;
