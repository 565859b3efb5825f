//! Events of API Gateway's WebSocket APIs.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::net::IpAddr;

use super::delivery::Delivery;
use super::error::Error;
use super::event::refuse_authorizer;
use super::http::{HttpSource, v1};
use crate::document::{Document, Object, Value};
use crate::gateway::event_endpoint;
use crate::http::{HttpResponse, RawRequest, Rejected, Request, UriPath};
use crate::json::JsonError;

/// A WebSocket message, or the start or end of a connection: the connection, and the request for
/// handlers.
#[derive(Clone, Debug)]
pub struct WebSocketEvent<'a> {
    /// The event's connection.
    pub connection: WebSocketConnection,
    /// API Gateway's id of the event, trimmed; or an empty text.
    pub request_id: String,
    request: RawRequest<'a>,
}

/// The connection of an event. Texts are trimmed; missing values are empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WebSocketConnection {
    /// The connection's id.
    pub connection_id: String,
    /// The route key that API Gateway selected: `$connect`, `$disconnect`, `$default` or an
    /// application's own.
    pub route_key: String,
    /// `CONNECT`, `MESSAGE` or `DISCONNECT`.
    pub event_type: String,
    /// The domain of the API.
    pub domain_name: String,
    /// The stage of the API.
    pub stage: String,
    /// The connection's identity from the authorizer of `$connect`: its `principalId`, or else the
    /// claim `sub`; or an empty text. If an authorizer returns the same principal for all clients,
    /// they count as one caller.
    pub identity: String,
    /// The client's address, as API Gateway saw it.
    pub source_ip: Option<IpAddr>,
    /// The endpoint for messages to the connection; empty if the event does not contain it. Set it
    /// for custom domains with an API mapping, which events do not contain. While the `$connect`
    /// handler runs, the connection is not open yet, and sending to it fails as
    /// [gone](crate::gateway::Error::is_gone).
    pub management_endpoint: String,
}

impl<'a> WebSocketEvent<'a> {
    /// Reads an event. Null is a missing member.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is not a JSON object, a member has the wrong type or occurs twice, or
    /// the event is for a Lambda authorizer of `$connect`.
    pub fn read(event: &'a str) -> Result<Self, Error> {
        let document = Document::scan(event).map_err(malformed)?;
        Self::of(document.object().map_err(malformed)?)
    }

    pub(super) fn of(event: Object<'a, '_>) -> Result<Self, Error> {
        refuse_authorizer(event, malformed)?;
        Self::from_object(event).map_err(malformed)
    }

    /// Reads the request of an authorizer event for a connection.
    pub(super) fn unauthorized(event: Object<'a, '_>) -> Result<RawRequest<'a>, JsonError> {
        Self::from_object(event).map(Self::into_raw_request)
    }

    fn from_object(event: Object<'a, '_>) -> Result<Self, JsonError> {
        let context = event.object("requestContext")?;
        let text = |name| context.text(name).map(|text| text.trim().to_string());
        let (domain_name, stage) = (text("domainName")?, text("stage")?);
        let path = event.text("path")?;
        let endpoint = event_endpoint(&domain_name, &stage, &path);
        let source_ip = context.object("identity")?.text("sourceIp")?;
        Ok(Self {
            connection: WebSocketConnection {
                connection_id: text("connectionId")?,
                route_key: text("routeKey")?,
                event_type: text("eventType")?,
                management_endpoint: endpoint.unwrap_or_default(),
                domain_name,
                stage,
                identity: identity(context.get("authorizer")?),
                source_ip: source_ip.trim().parse().ok(),
            },
            request_id: text("requestId")?,
            request: RawRequest {
                path: UriPath::from_encoded(&path),
                query: v1::decoded_query(event)?,
                ..v1::request(event)?
            },
        })
    }

    /// Returns the request's id: API Gateway's, or else Lambda's, or else a new one.
    #[must_use]
    pub fn request_id(&self, aws_request_id: &str, new_id: impl FnOnce() -> String) -> String {
        match (self.request_id.as_str(), aws_request_id.trim()) {
            ("", "") => new_id(),
            ("", aws_request_id) => aws_request_id.to_string(),
            (request_id, _) => request_id.to_string(),
        }
    }

    /// Returns the delivery of the event, with the id of [`request_id`](Self::request_id).
    #[must_use]
    pub fn delivery(
        &self,
        aws_request_id: &str,
        remaining_ms: u64,
        new_id: impl FnOnce() -> String,
    ) -> Delivery {
        let request_id = self.request_id(aws_request_id, new_id);
        Delivery { request_id, aws_request_id: aws_request_id.trim().to_string(), remaining_ms }
    }

    /// Returns the request for handlers, with API Gateway's id. Pass it to the application's
    /// [exchange](crate::http::exchange::HttpService::message_exchange).
    #[must_use]
    pub fn into_raw_request(self) -> RawRequest<'a> {
        RawRequest { provider_request_id: self.request_id, ..self.request }
    }

    /// Returns the checked and decoded request; see [`RawRequest::normalize`]. Do this before
    /// routing: an invalid body is a 400 even without a route.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the error for the response.
    pub fn into_request(self, max_bytes: Option<usize>) -> Result<Request, Box<Rejected>> {
        self.request.normalize(max_bytes)
    }

    /// Returns the JSON of a [normalized](HttpResponse::normalize) response without a stream. For
    /// `$connect`, API Gateway refuses the connection unless the status is 2xx. For messages, the
    /// client only gets the body if the route has a response.
    #[must_use]
    pub fn write_response(response: &HttpResponse) -> String {
        // Proxy integrations of both kinds of API have the same response format.
        HttpSource::ApiGatewayV1.write_response(response)
    }
}

/// Returns the identity from an authorizer's result. Lambda authorizers return a principal, Cognito
/// authorizers claims. Other members are the application's own, of any type.
fn identity(authorizer: Value<'_, '_>) -> String {
    let principal = authorizer.member("principalId").filled_text();
    let subject = || authorizer.member("claims").member("sub").filled_text();
    principal.or_else(subject).map(|id| id.trim().to_string()).unwrap_or_default()
}

fn malformed(cause: JsonError) -> Error {
    Error::malformed("apigw websocket event", cause)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::{HttpResponse, WebSocketEvent};
    use crate::error::AppError;

    /// A message as API Gateway sends it: with nulls, and without path, method and headers.
    const MESSAGE: &str = r#"{"requestContext":{"routeKey":" $default ","messageId":null,
        "eventType":"MESSAGE","domainName":"a.execute-api.us-east-1.amazonaws.com","stage":"dev",
        "connectionId":"c=","requestId":null,"requestTimeEpoch":"x","identity":{"sourceIp":null}},
        "headers":null,"body":"aG\nk=","isBase64Encoded":true}"#;

    #[test]
    fn a_message_is_a_request_on_a_connection() {
        let event = WebSocketEvent::read(MESSAGE).unwrap();
        let connection = &event.connection;
        assert_eq!((&*connection.route_key, &*connection.connection_id), ("$default", "c="));
        assert_eq!(
            connection.management_endpoint,
            "https://a.execute-api.us-east-1.amazonaws.com/dev"
        );
        assert_eq!(event.request_id(" aws ", || "new".into()), "aws");
        assert_eq!(event.request_id(" ", || "new".into()), "new");
        let request = event.into_request(None).unwrap();
        assert_eq!((&*request.method, &*request.path, &*request.body), ("", "/", &b"hi"[..]));
    }

    #[test]
    fn headers_and_queries_of_a_connection_are_merged() {
        let event = r#"{"path":"s%2f?x=1","httpMethod":" get ",
            "headers":{"X-A":"0","x-b":"2"},"multiValueHeaders":{"x-a":["1","2"]},
            "queryStringParameters":{"a":"0","B":"b"},"multiValueQueryStringParameters":{"a":["1"]},
            "requestContext":{"requestId":" r ","domainName":"ws.example.com"}}"#;
        let event = WebSocketEvent::read(event).unwrap();
        assert_eq!(event.request_id("aws", || "new".into()), "r");
        assert_eq!(event.connection.management_endpoint, "https://ws.example.com/s%2f");
        let request = event.into_request(None).unwrap();
        assert_eq!((&*request.method, &*request.path), ("GET", "/s%2F%3Fx=1"));
        assert_eq!(request.headers.get_all("x-a"), ["1", "2"]);
        assert_eq!(request.headers.first("x-b"), "2");
        assert_eq!((request.query.get("a"), request.query.get("B")), (Some("1"), Some("b")));
    }

    #[test]
    fn an_authorizer_says_who_is_connected() {
        let identity = |authorizer: &str| {
            let event =
                MESSAGE.replace("\"stage\"", &format!("\"authorizer\":{authorizer},\"stage\""));
            WebSocketEvent::read(&event).unwrap().connection.identity
        };
        for (authorizer, expected) in [
            (r#"{"principalId":" user-7 ","integrationLatency":85,"plan":"gold"}"#, "user-7"),
            (r#"{"principalId":"","claims":{"sub":"s1"}}"#, "s1"),
            (r#"{"principalId":null,"claims":{"sub":" "}}"#, ""),
            (r#"{"principalId":7,"claims":"sub"}"#, ""),
            ("null", ""),
            ("{}", ""),
        ] {
            assert_eq!(identity(authorizer), expected, "{authorizer}");
        }
        let event = MESSAGE.replace(r#""sourceIp":null"#, r#""sourceIp":"2001:db8::7""#);
        let connection = WebSocketEvent::read(&event).unwrap().connection;
        assert_eq!(connection.source_ip, "2001:db8::7".parse().ok());
        assert_eq!(WebSocketEvent::read(MESSAGE).unwrap().connection.source_ip, None);
    }

    #[test]
    fn a_bad_body_is_answered_and_a_bad_event_is_not() {
        let event = MESSAGE.replace("aG\\nk=", "!!");
        let rejected = WebSocketEvent::read(&event).unwrap().into_request(None).unwrap_err();
        let error = AppError::from(rejected.error);
        assert_eq!((error.status(), error.message()), (400, "invalid base64"));
        let error = WebSocketEvent::read(r#"{"requestContext":{"routeKey":5}}"#).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("apptheory: parse apigw websocket event: "), "{text}");
    }

    #[test]
    fn responses_are_written_as_proxies_do() {
        let mut response: HttpResponse = HttpResponse::new(0).with_cookie("a=b");
        response.headers.set_all("X-A", ["1", "2"]);
        response.headers.set("Set-Cookie", "z=1");
        response.headers.set_all("Empty", [""; 0]);
        response.body = b"hi".to_vec();
        assert_eq!(
            WebSocketEvent::write_response(&response.normalize().unwrap()),
            r#"{"statusCode":200,"headers":{"set-cookie":"a=b","x-a":"1"},"multiValueHeaders":{"set-cookie":["a=b","z=1"],"x-a":["1","2"]},"body":"hi"}"#
        );
        assert_eq!(
            WebSocketEvent::write_response(&HttpResponse::no_content()),
            r#"{"statusCode":204,"headers":{},"multiValueHeaders":{},"body":""}"#
        );
    }
}
