//! Scopes of work: its route or source, and its caller.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::AnswerCallers;
use super::payload_hash;
use crate::events::WebSocketConnection;
use crate::http::Request;

/// The context of a request, besides the request itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestedWork<'r> {
    /// The pattern of the matched route. If it is `None`, the request's path is used.
    pub pattern: Option<&'r str>,
    /// The trimmed authenticated identity, or an empty text.
    pub identity: &'r str,
    /// The request's tenant, or an empty text. A caller may work for several tenants, so the tenant
    /// is part of the scope.
    pub tenant_id: &'r str,
}

/// Returns whether a request may be repeated because its method changes nothing (RFC 9110 §9.2.1).
#[must_use]
pub fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

/// Returns the scope of records from a service. Applications that share a table need different
/// names, passed as `application`.
#[must_use]
pub fn record_scope(application: &str, trigger: &str, sender: &str) -> String {
    scope_of(&[application, trigger, sender])
}

impl AnswerCallers {
    /// Returns the scope of a request: its route and caller. `None` if the request has no caller:
    /// handle it, and store nothing.
    #[must_use]
    pub fn request_scope(
        &self,
        application: &str,
        request: &Request,
        facts: RequestedWork<'_>,
    ) -> Option<String> {
        let path = facts.pattern.unwrap_or_else(|| request.path.as_str());
        let caller = self.caller(facts.identity, request)?;
        let tenant = match facts.tenant_id {
            "" => String::new(),
            tenant_id => format!("tenant:{}", payload_hash(tenant_id.as_bytes())),
        };
        Some(scope_of(&[application, &request.method, path, &caller, &tenant]))
    }

    /// Returns the scope of a WebSocket message. A message has no method, path or headers. Its
    /// caller is the identity of the connection, or else the connection itself.
    #[must_use]
    pub fn message_scope(
        &self,
        application: &str,
        request: &Request,
        connection: &WebSocketConnection,
    ) -> Option<String> {
        let sender = match connection.identity.as_str() {
            "" => format!("connection:{}", payload_hash(connection.connection_id.as_bytes())),
            identity => self.caller(identity, request)?,
        };
        Some(scope_of(&[application, "websocket", &connection.route_key, &sender]))
    }
}

/// Joins parts to a scope, unambiguously: parts are separated by spaces, and spaces within parts
/// are escaped.
fn scope_of(parts: &[&str]) -> String {
    let escaped = |part: &&str| part.replace('%', "%25").replace(' ', "%20");
    parts.iter().map(escaped).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{AnswerCallers, RequestedWork, record_scope, scope_of};
    use crate::http::{Request, UriPath};

    #[test]
    fn other_parts_make_other_scopes() {
        assert_eq!(record_scope("a b", "sqs", "c%"), "a%20b sqs c%25");
        assert_ne!(record_scope("a b", "c", ""), record_scope("a", "b c", ""));
        let mut request =
            Request { path: UriPath::from_encoded("/orders/7"), ..Request::default() };
        request.method = "POST".into();
        let callers = AnswerCallers::new();
        let scope = |facts| callers.request_scope("shop", &request, facts);
        assert_eq!(scope(RequestedWork::default()), None, "nobody asks");
        let ann = RequestedWork { identity: "ann", ..RequestedWork::default() };
        assert!(scope(ann).unwrap().starts_with("shop POST /orders/7 user:"));
        let of_route = RequestedWork { pattern: Some("/orders/{id}"), ..ann };
        assert!(scope(of_route).unwrap().starts_with("shop POST /orders/{id} user:"));
        assert_ne!(scope(ann), scope(RequestedWork { tenant_id: "t1", ..ann }));
    }

    #[test]
    fn no_parts_of_a_scope_pass_for_others() {
        let scopes = [
            scope_of(&["shop", "POST", "/x", "user:1", ""]),
            scope_of(&["shop POST", "/x", "user:1", ""]),
            scope_of(&["shop", "POST /x", "user:1", ""]),
            scope_of(&["shop%20POST", "/x", "user:1", ""]),
            scope_of(&["shop", "websocket", "POST /x", "user:1"]),
            scope_of(&["shop", "sqs", "arn user:1"]),
            scope_of(&["shop", "sqs arn", "user:1"]),
        ];
        let apart = scopes.iter().collect::<alloc::collections::BTreeSet<_>>().len();
        assert_eq!(apart, scopes.len(), "{scopes:?}");
    }
}
