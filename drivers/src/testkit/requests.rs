//! Requests, as the events that AWS sends for them.
//!
//! ```
//! use apptheory::testkit::{Via, requests};
//! use serde_json::json;
//!
//! let order = requests::post("/orders?draft=1")
//!     .json(&json!({"items": ["tea"]}))
//!     .cookie("cart", "7");
//! let event = order.clone().via(Via::HttpApi).event();
//! assert_eq!(event["rawQueryString"], "draft=1");
//! assert_eq!(event["cookies"], json!(["cart=7"]));
//! let event = order.via(Via::LoadBalancer).event();
//! assert_eq!(event["headers"]["cookie"], "cart=7");
//! ```

mod event;

use core::fmt;
use core::net::IpAddr;

use apptheory_core::events::HttpSource;
use apptheory_core::http::{HeaderMap, MultiMap, canonical_method};
use apptheory_core::percent;
use serde::Serialize;
use serde_json::{Map, Value};

pub(super) use self::event::ANY_PATH;
use super::json_of;

/// The service that sends a request to the function. Applications recognize it by the event's form,
/// its [source](Self::source); REST APIs have the same source as HTTP APIs with payload format 1.0.
///
/// ```
/// use apptheory::prelude::*;
/// use apptheory::testkit::{TestApp, Via};
///
/// let app = TestApp::new(|_| App::new().get("/", async |ClientIp(ip): ClientIp| ip.to_string()));
/// app.get("/").via(Via::HttpApi).send().assert_text("192.0.2.1");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Via {
    /// A function URL.
    #[default]
    FunctionUrl,
    /// API Gateway, HTTP API with payload format 2.0.
    HttpApi,
    /// API Gateway, HTTP API with payload format 1.0.
    HttpApiV1,
    /// API Gateway, REST API.
    RestApi,
    /// An application load balancer.
    LoadBalancer,
    /// VPC Lattice, version 2 of its events.
    VpcLattice,
    /// VPC Lattice, version 1 of its events, which has one value for each name: headers are joined,
    /// and of a query parameter only the last value is kept.
    VpcLatticeV1,
}

impl Via {
    /// All services.
    pub const ALL: [Self; 7] = [
        Self::FunctionUrl,
        Self::HttpApi,
        Self::HttpApiV1,
        Self::RestApi,
        Self::LoadBalancer,
        Self::VpcLattice,
        Self::VpcLatticeV1,
    ];

    /// Returns the source as which the service's events are parsed.
    #[must_use]
    pub const fn source(self) -> HttpSource {
        match self {
            Self::FunctionUrl => HttpSource::FunctionUrl,
            Self::HttpApi => HttpSource::ApiGatewayV2,
            Self::HttpApiV1 | Self::RestApi => HttpSource::ApiGatewayV1,
            Self::LoadBalancer => HttpSource::Alb,
            Self::VpcLattice => HttpSource::VpcLatticeV2,
            Self::VpcLatticeV1 => HttpSource::VpcLatticeV1,
        }
    }
}

/// A request that is being built. [`event`](Self::event) returns its event; a request started on a
/// [`TestApp`](super::TestApp) can also be sent.
///
/// ```
/// use apptheory::prelude::*;
/// use apptheory::testkit::TestApp;
///
/// let app = TestApp::new(|_| App::new().post("/notes", async |Json(note): Json<String>| note));
/// app.post("/notes").header("x-request-id", "r1").json("buy milk").send().assert_text("buy milk");
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct TestRequest<A = ()> {
    pub(super) app: A,
    pub(super) via: Via,
    method: String,
    path: String,
    /// The query in the path.
    path_query: String,
    query: MultiMap,
    headers: HeaderMap,
    cookies: Vec<String>,
    body: Vec<u8>,
    is_base64: bool,
    address: Option<IpAddr>,
    caller: Caller,
}

/// What the service knows about the caller.
#[derive(Clone, Default)]
struct Caller {
    claims: Option<Map<String, Value>>,
    scopes: Vec<String>,
    context: Option<Map<String, Value>>,
    principal_id: Option<String>,
    user_arn: Option<String>,
}

/// Starts a GET request.
pub fn get(path: &str) -> TestRequest {
    request("GET", path)
}

/// Starts a POST request.
pub fn post(path: &str) -> TestRequest {
    request("POST", path)
}

/// Starts a PUT request.
pub fn put(path: &str) -> TestRequest {
    request("PUT", path)
}

/// Starts a PATCH request.
pub fn patch(path: &str) -> TestRequest {
    request("PATCH", path)
}

/// Starts a DELETE request.
pub fn delete(path: &str) -> TestRequest {
    request("DELETE", path)
}

/// Starts a request with any method. The path is percent-encoded, as a client sends it, and may
/// have a query; a missing `/` at its start is added.
pub fn request(method: &str, path: &str) -> TestRequest {
    TestRequest::new((), method, path)
}

impl<A> TestRequest<A> {
    pub(super) fn new(app: A, method: &str, path: &str) -> Self {
        let (path, path_query) = path.trim().split_once('?').unwrap_or((path, ""));
        let path = path.trim();
        let slash = if path.starts_with('/') { "" } else { "/" };
        Self {
            app,
            via: Via::default(),
            method: canonical_method(method).into_owned(),
            path: format!("{slash}{path}"),
            path_query: path_query.to_owned(),
            query: MultiMap::new(),
            headers: HeaderMap::new(),
            cookies: Vec::new(),
            body: Vec::new(),
            is_base64: false,
            address: None,
            caller: Caller::default(),
        }
    }

    /// Sets the service that sends the request to the function; by default a function URL.
    pub fn via(self, via: Via) -> Self {
        Self { via, ..self }
    }

    /// Adds a query parameter, unencoded. The query in the path is ignored then.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.append(name, value);
        self
    }

    /// Adds a header. If the name exists, it gets another value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Adds a cookie.
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        self.cookies.push(format!("{name}={value}"));
        self
    }

    /// Sets the body. A body that is not UTF-8 is sent as base64.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Sends the body as base64 in any case, as API Gateway does for binary media types.
    pub fn base64(self) -> Self {
        Self { is_base64: true, ..self }
    }

    /// Sets a JSON body, and its content type unless one is set.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        let body = json_of(value).to_string();
        self.content_type("application/json").body(body)
    }

    /// Sets a form body (`application/x-www-form-urlencoded`), and its content type unless one is
    /// set.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(
        self,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let fields = fields.into_iter();
        let fields = fields.map(|(name, value)| pair(name.as_ref(), value.as_ref()));
        let body = fields.collect::<Vec<_>>().join("&");
        self.content_type("application/x-www-form-urlencoded").body(body)
    }

    fn content_type(mut self, content_type: &str) -> Self {
        if !self.headers.contains("content-type") {
            self.headers.set("content-type", content_type);
        }
        self
    }

    /// Sets the client's address, as the service sees it.
    pub fn from_address(self, address: impl Into<IpAddr>) -> Self {
        Self { address: Some(address.into()), ..self }
    }

    /// Sets the claims of a token that API Gateway has checked, with the JWT authorizer of an HTTP
    /// API or the Cognito authorizer of a REST API. As on AWS, all values are sent as texts.
    ///
    /// # Panics
    ///
    /// If the claims are not a JSON object.
    pub fn claims<T: Serialize + ?Sized>(mut self, claims: &T) -> Self {
        self.caller.claims = Some(members(json_of(claims), "a token"));
        self
    }

    /// Sets the scopes of a token that API Gateway has checked.
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.caller.claims.get_or_insert_default();
        self.caller.scopes = scopes.into_iter().map(T::into).collect();
        self
    }

    /// Sets the context that a Lambda authorizer of API Gateway has returned.
    ///
    /// # Panics
    ///
    /// If the context is not a JSON object.
    pub fn authorizer<T: Serialize + ?Sized>(mut self, context: &T) -> Self {
        self.caller.context = Some(members(json_of(context), "the context of an authorizer"));
        self
    }

    /// Sets the principal id that a Lambda authorizer of a REST API has returned.
    pub fn principal_id(mut self, id: &str) -> Self {
        self.caller.principal_id = Some(id.to_owned());
        self
    }

    /// Sets the ARN of the user or role that signed the request with AWS credentials.
    pub fn signed_by(mut self, user_arn: &str) -> Self {
        self.caller.user_arn = Some(user_arn.to_owned());
        self
    }

    /// Returns the event that the service sends.
    ///
    /// # Panics
    ///
    /// If the service cannot know what the request says about its caller: load balancers and VPC
    /// Lattice report no callers, and function URLs only signatures.
    #[must_use]
    pub fn event(&self) -> Value {
        event::write(self)
    }

    /// Returns the query as the client sends it.
    fn raw_query(&self) -> String {
        if self.query.is_empty() {
            return self.path_query.clone();
        }
        let pairs = self
            .query
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| pair(name, value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// Returns all cookies, those of the header first.
    fn all_cookies(&self) -> Vec<String> {
        let fields = self.headers.get_all("cookie").iter();
        let pieces =
            fields.flat_map(|field| field.split(';')).map(|cookie| cookie.trim().to_owned());
        pieces.filter(|cookie| !cookie.is_empty()).chain(self.cookies.iter().cloned()).collect()
    }

    pub(super) fn method(&self) -> &str {
        &self.method
    }

    /// Returns the request in one line, for reports.
    pub(super) fn line(&self) -> String {
        let query = self.raw_query();
        let question_mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{question_mark}{query} via {:?}", self.method, self.path, self.via)
    }
}

/// Values may be secrets: `Debug` does not print them.
impl<A> fmt::Debug for TestRequest<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRequest")
            .field("via", &self.via)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Returns a pair of a query or form: unreserved characters (RFC 3986 §2.3) unchanged, a blank as
/// `+`.
fn pair(name: &str, value: &str) -> String {
    let encode = |text| percent::encode(text).replace("%20", "+");
    format!("{}={}", encode(name), encode(value))
}

fn members(value: Value, what: &str) -> Map<String, Value> {
    let Value::Object(members) = value else {
        panic!("{what} has to be a JSON object; this is {value}")
    };
    members
}
