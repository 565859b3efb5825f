//! The closed family of effects on connections.

use super::management::{DeleteConnection, GetConnection, PostToConnection};
use crate::family::effect_family;

effect_family! {
    /// One effect on a connection, with the machine that waits for its outcome.
    pub enum ConnectionRequest {
        PostToConnection,
        GetConnection,
        DeleteConnection,
    }

    /// Whoever carries out every effect on connections, synchronously.
    pub trait ConnectionInterpreter;
}
