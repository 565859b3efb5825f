//! The event of a request, in the format of each service.

use apptheory_core::http::{MultiMap, QueryString};
use apptheory_core::percent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Caller, TestRequest, Via};

/// The target group in events of load balancers.
const TARGET_GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/test/0000000000000000";

/// The resource of a REST API that matches every path.
pub(in crate::testkit) const ANY_PATH: &str = "/{proxy+}";

pub(super) fn write<A>(request: &TestRequest<A>) -> Value {
    let mut event = match request.via {
        Via::FunctionUrl | Via::HttpApi => version_2(request),
        Via::HttpApiV1 | Via::RestApi => version_1(request),
        Via::LoadBalancer => load_balancer(request),
        Via::VpcLattice => vpc_lattice(request),
        Via::VpcLatticeV1 => vpc_lattice_v1(request),
    };
    let is_base64 = request.is_base64 || core::str::from_utf8(&request.body).is_err();
    let body = match core::str::from_utf8(&request.body) {
        Ok(text) if !is_base64 => text.to_owned(),
        _ => STANDARD.encode(&request.body),
    };
    event.insert("body".to_owned(), body.into());
    let name = match request.via {
        Via::VpcLatticeV1 => "is_base64_encoded",
        Via::FunctionUrl
        | Via::HttpApi
        | Via::HttpApiV1
        | Via::RestApi
        | Via::LoadBalancer
        | Via::VpcLattice => "isBase64Encoded",
    };
    event.insert(name.to_owned(), is_base64.into());
    Value::Object(event)
}

/// Payload format 2.0: the values of a header are joined, cookies are a list.
fn version_2<A>(request: &TestRequest<A>) -> Map<String, Value> {
    let is_http_api = request.via == Via::HttpApi;
    // HTTP APIs decode paths, function URLs do not.
    let path = match is_http_api {
        true => percent::decode(&request.path).into_owned(),
        false => request.path.clone(),
    };
    let mut http = object(json!({"method": request.method, "path": path}));
    if let Some(address) = request.address {
        http.insert("sourceIp".to_owned(), address.to_string().into());
    }
    let mut context = object(json!({"http": http}));
    let authorizer = match is_http_api {
        true => http_api_authorizer(&request.caller),
        false => function_url_authorizer(&request.caller),
    };
    if !authorizer.is_empty() {
        context.insert("authorizer".to_owned(), authorizer.into());
    }
    let fields = request.headers.iter().filter(|(name, _)| *name != "cookie");
    let headers: Map<_, _> =
        fields.map(|(name, values)| (name.to_owned(), values.join(",").into())).collect();
    let mut event = object(json!({
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": request.raw_query(),
        "headers": headers,
        "requestContext": context,
    }));
    if is_http_api {
        event.insert("routeKey".to_owned(), "$default".into());
    }
    let cookies = request.all_cookies();
    if !cookies.is_empty() {
        event.insert("cookies".to_owned(), cookies.into());
    }
    let first = request
        .query
        .iter()
        .filter_map(|(name, values)| Some((name.to_owned(), Value::from(values.first()?))));
    let first: Map<_, _> = first.collect();
    if !first.is_empty() {
        event.insert("queryStringParameters".to_owned(), first.into());
    }
    event
}

/// Payload format 1.0: headers and query parameters have their last value, and a list of values.
fn version_1<A>(request: &TestRequest<A>) -> Map<String, Value> {
    let is_http_api = request.via == Via::HttpApiV1;
    let path = match is_http_api {
        true => percent::decode(&request.path).into_owned(),
        false => request.path.clone(),
    };
    let mut identity = Map::new();
    if let Some(address) = request.address {
        identity.insert("sourceIp".to_owned(), address.to_string().into());
    }
    if let Some(arn) = &request.caller.user_arn {
        identity.insert("userArn".to_owned(), arn.as_str().into());
    }
    let mut context = object(json!({
        "resourcePath": ANY_PATH,
        "httpMethod": request.method,
        "identity": identity,
    }));
    let authorizer = rest_authorizer(&request.caller);
    if !authorizer.is_empty() {
        context.insert("authorizer".to_owned(), authorizer.into());
    }
    let mut event = object(json!({
        "resource": ANY_PATH,
        "path": path,
        "httpMethod": request.method,
        "requestContext": context,
    }));
    if is_http_api {
        event.insert("version".to_owned(), "1.0".into());
    }
    add_lists(&mut event, HEADERS, &fields(request));
    add_lists(&mut event, QUERY, QueryString::parse(request.raw_query()).parameters());
    event
}

impl Caller {
    fn is_unknown(&self) -> bool {
        let Self { claims, scopes: _, context, principal_id, user_arn } = self;
        claims.is_none() && context.is_none() && principal_id.is_none() && user_arn.is_none()
    }
}

/// The format of load balancers: as 1.0, but the query is still encoded.
fn load_balancer<A>(request: &TestRequest<A>) -> Map<String, Value> {
    assert!(
        request.caller.is_unknown(),
        "load balancers authenticate no callers: send the request `.via` another service"
    );
    let mut event = object(json!({
        "httpMethod": request.method,
        "path": request.path,
        "requestContext": {"elb": {"targetGroupArn": TARGET_GROUP}},
    }));
    add_lists(&mut event, HEADERS, &forwarded(request));
    let raw = request.raw_query();
    let pieces = raw.split('&').filter(|piece| !piece.is_empty());
    let query: MultiMap = pieces
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    add_lists(&mut event, QUERY, &query);
    event
}

/// Version 2 of VPC Lattice's format: lists only.
fn vpc_lattice<A>(request: &TestRequest<A>) -> Map<String, Value> {
    refuse_caller(request);
    let lists = |all: &MultiMap| -> Map<String, Value> {
        all.iter().map(|(name, values)| (name.to_owned(), values.iter().collect())).collect()
    };
    object(json!({
        "version": "2.0",
        "path": request.path,
        "method": request.method,
        "headers": lists(&forwarded(request)),
        "queryStringParameters": lists(QueryString::parse(request.raw_query()).parameters()),
        "requestContext": {
            "serviceNetworkArn": "arn:aws:vpc-lattice:us-east-1:000000000000:servicenetwork/sn-0",
            "serviceArn": "arn:aws:vpc-lattice:us-east-1:000000000000:service/svc-0",
            "targetGroupArn": "arn:aws:vpc-lattice:us-east-1:000000000000:targetgroup/tg-0",
            "identity": {},
            "region": "us-east-1",
            "timeEpoch": "0",
        },
    }))
}

/// Version 1 of VPC Lattice's format: single values only.
fn vpc_lattice_v1<A>(request: &TestRequest<A>) -> Map<String, Value> {
    refuse_caller(request);
    let fields = forwarded(request);
    let headers = fields.iter().map(|(name, values)| (name.to_owned(), values.join(",").into()));
    let query = QueryString::parse(request.raw_query());
    let query = query.parameters().iter().filter_map(|(name, values)| {
        Some((name.to_owned(), Value::from(values.iter().next_back()?)))
    });
    object(json!({
        "raw_path": request.path,
        "method": request.method,
        "headers": headers.collect::<Map<_, _>>(),
        "query_string_parameters": query.collect::<Map<_, _>>(),
    }))
}

fn refuse_caller<A>(request: &TestRequest<A>) {
    assert!(
        request.caller.is_unknown(),
        "VPC Lattice reports no callers to applications: send the request `.via` another service"
    );
}

/// Returns the headers, with the client's address after those that the client has sent.
fn forwarded<A>(request: &TestRequest<A>) -> MultiMap {
    let mut fields = fields(request);
    if let Some(address) = request.address {
        let mut hops = fields.remove("x-forwarded-for");
        hops.push(address.to_string());
        fields.append("x-forwarded-for", hops.join(", "));
    }
    fields
}

/// Returns the headers, with all cookies in one.
fn fields<A>(request: &TestRequest<A>) -> MultiMap {
    let fields = request.headers.iter().filter(|(name, _)| *name != "cookie");
    let mut fields: MultiMap =
        fields.map(|(name, values)| (name.to_owned(), values.to_vec())).collect();
    let cookies = request.all_cookies();
    if !cookies.is_empty() {
        fields.append("cookie", cookies.join("; "));
    }
    fields
}

/// The members for last values, and for all values.
const HEADERS: [&str; 2] = ["headers", "multiValueHeaders"];
const QUERY: [&str; 2] = ["queryStringParameters", "multiValueQueryStringParameters"];

/// Adds names with their last values, and with all values.
fn add_lists(event: &mut Map<String, Value>, [single, multiple]: [&str; 2], all: &MultiMap) {
    let last = all
        .iter()
        .filter_map(|(name, values)| Some((name.to_owned(), values.iter().next_back()?.into())));
    event.insert(single.to_owned(), Value::Object(last.collect()));
    let lists = all.iter().map(|(name, values)| (name.to_owned(), values.iter().collect()));
    event.insert(multiple.to_owned(), Value::Object(lists.collect()));
}

fn function_url_authorizer(caller: &Caller) -> Map<String, Value> {
    let Caller { claims, scopes: _, context, principal_id, user_arn } = caller;
    assert!(
        claims.is_none() && context.is_none() && principal_id.is_none(),
        "function URLs only check signatures, and have no authorizers: send the request \
         `.via(Via::HttpApi)` or `.via(Via::RestApi)`"
    );
    iam(user_arn.as_deref())
}

fn http_api_authorizer(caller: &Caller) -> Map<String, Value> {
    let Caller { claims, scopes, context, principal_id, user_arn } = caller;
    assert!(
        principal_id.is_none(),
        "authorizers of HTTP APIs return no principal: send the request `.via(Via::RestApi)`"
    );
    let mut authorizer = iam(user_arn.as_deref());
    if let Some(claims) = claims {
        let jwt = json!({"claims": as_texts(claims), "scopes": scopes});
        authorizer.insert("jwt".to_owned(), jwt);
    }
    if let Some(context) = context {
        authorizer.insert("lambda".to_owned(), context.clone().into());
    }
    authorizer
}

/// The result of a Lambda authorizer, beside API Gateway's own members, as texts.
fn rest_authorizer(caller: &Caller) -> Map<String, Value> {
    let Caller { claims, scopes, context, principal_id, user_arn: _ } = caller;
    let mut authorizer = context.as_ref().map(as_texts).unwrap_or_default();
    if let Some(claims) = claims {
        authorizer.insert("claims".to_owned(), as_texts(claims).into());
        authorizer.insert("scopes".to_owned(), scopes.as_slice().into());
    }
    if let Some(id) = principal_id {
        authorizer.insert("principalId".to_owned(), id.as_str().into());
    }
    authorizer
}

fn iam(user_arn: Option<&str>) -> Map<String, Value> {
    user_arn.map(|arn| object(json!({"iam": {"userArn": arn}}))).unwrap_or_default()
}

/// Returns members with texts as values, as API Gateway sends claims: a list is `[a b]`.
fn as_texts(members: &Map<String, Value>) -> Map<String, Value> {
    members.iter().map(|(name, value)| (name.clone(), text(value).into())).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(" "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}
