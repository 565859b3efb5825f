//! The place where an application runs, from the environment.

use super::StartError;
use crate::app::AppService;
use crate::env::{Env, filled};
use crate::lambda::{MAX_CONCURRENCY, RUNTIME_API};
use crate::local::{ListenError, Server};

/// The port that [`start`](crate::start()) listens on if `PORT` is not set: 3000.
///
/// Needs the feature `start`.
pub const DEFAULT_PORT: u16 = 3000;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Lambda,
    /// On loopback: on this port only, or on any port, preferably the default.
    Local(Option<u16>),
}

impl Place {
    /// A Runtime API means Lambda, whatever other [Lambda variables](crate::observe::is_on_lambda)
    /// are set.
    pub(super) fn read(env: Env<'_>) -> Result<Self, StartError> {
        if filled(env, RUNTIME_API).is_some() {
            return Ok(Self::Lambda);
        }
        let Some(port) = filled(env, "PORT") else { return Ok(Self::Local(None)) };
        port.parse().map(|port| Self::Local(Some(port))).map_err(|_| StartError::Port(port))
    }
}

/// Returns whether invocations run concurrently. Lambda's runtime refuses a malformed value.
pub(super) fn handles_several(env: Env<'_>) -> bool {
    filled(env, MAX_CONCURRENCY).and_then(|text| text.parse().ok()).is_some_and(|n: usize| n > 1)
}

/// Listens on a port, or else on the default port or any other.
pub(super) async fn listen(
    app: AppService,
    port: Option<u16>,
    default: u16,
) -> Result<Server, ListenError> {
    if let Some(port) = port {
        return Server::bind(app, port).await;
    }
    match Server::bind(app.clone(), default).await {
        Ok(server) => Ok(server),
        Err(_) => Server::bind(app, 0).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;

    fn read(variables: &[(&str, &str)]) -> Result<Place, String> {
        let env = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Place::read(&env).map_err(|error| error.to_string())
    }

    #[test]
    fn lambda_comes_first_and_a_port_is_a_number() {
        assert_eq!(read(&[]), Ok(Place::Local(None)));
        assert_eq!(read(&[("PORT", " ")]), Ok(Place::Local(None)));
        assert_eq!(read(&[("PORT", " 8080 ")]), Ok(Place::Local(Some(8080))));
        assert_eq!(read(&[(RUNTIME_API, "127.0.0.1:9001"), ("PORT", "?")]), Ok(Place::Lambda));
        for odd in ["http", "-1", "65536"] {
            assert!(read(&[("PORT", odd)]).unwrap_err().contains(odd), "{odd}");
        }
    }

    #[tokio::test]
    async fn another_port_is_used_only_when_none_was_configured() {
        let app = App::new().build().unwrap();
        let first = Server::bind(app.clone(), 0).await.unwrap();
        let taken = first.address().port();
        let other = listen(app.clone(), None, taken).await.unwrap();
        assert_ne!(other.address().port(), taken);
        listen(app.clone(), Some(taken), 0).await.unwrap_err();
        drop(first);
        assert_eq!(listen(app, None, taken).await.unwrap().address().port(), taken);
    }
}
