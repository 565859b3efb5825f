//! Providers: what they send for a request, and how they read a response.

use std::collections::BTreeMap;
use std::error::Error;

use apptheory::events::HttpSource;
use apptheory::http::{Cookies, HeaderMap, HttpResponse, MultiMap, Request, UriPath, Values};
use form_urlencoded::Serializer;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json, json};

use super::generators::Lists;

/// Returns a provider's event for a request. Payload format 2.0 joins repeated headers, so the
/// request is returned as the function can see it.
pub(crate) fn to_event(source: HttpSource, mut request: Request) -> (Json, Request) {
    let mut event = json!({
        "body": match std::str::from_utf8(&request.body) {
            Ok(text) => text.to_owned(),
            Err(_) => base64(&request.body),
        },
        "isBase64Encoded": request.is_base64,
    });
    match source {
        HttpSource::ApiGatewayV2 | HttpSource::FunctionUrl => {
            let joined = request.headers.iter().map(|(name, all)| (name.to_owned(), all.join(",")));
            let joined: BTreeMap<String, String> = joined.collect();
            event["headers"] = json!(joined);
            request.headers = joined.into_iter().collect();
            if let Some(cookies) = request.headers.get("cookie") {
                let list: Vec<String> = cookies.split("; ").map(str::to_owned).collect();
                event["cookies"] = json!(list);
                request.cookies = Cookies::parse(&list);
                request.headers.set_all("cookie", list);
            }
            event["rawPath"] = json!(request.path);
            if source == HttpSource::ApiGatewayV2 {
                let decoded = percent_decode_str(&request.path).decode_utf8_lossy();
                event["rawPath"] = json!(decoded);
                request.path = UriPath::from_decoded(&decoded);
            }
            request.raw_query = query_string(&request.query);
            event["rawQueryString"] = json!(request.raw_query);
            event["requestContext"] = json!({"http": {"method": request.method}});
        }
        HttpSource::ApiGatewayV1 | HttpSource::Alb => {
            let is_alb = source == HttpSource::Alb;
            let write = |text: &str| if is_alb { escape(text) } else { text.to_owned() };
            let query = request.query.iter();
            let query =
                query.map(|(name, all)| (write(name), all.iter().map(write).collect::<Vec<_>>()));
            let query: Lists = query.collect();
            // Neither has the whole query text: it is rebuilt from the parameters.
            request.raw_query = if is_alb {
                let pairs = query.iter().flat_map(|(name, values)| {
                    values.iter().map(move |value| format!("{name}={value}"))
                });
                pairs.collect::<Vec<_>>().join("&")
            } else {
                let mut raw = Serializer::new(String::new());
                for (name, values) in &query {
                    raw.extend_pairs(values.iter().map(|value| (name, value)));
                }
                raw.finish()
            };
            event["httpMethod"] = json!(request.method.to_lowercase());
            event["path"] = json!(request.path);
            event["multiValueHeaders"] = json!(request.headers);
            event["headers"] = last_of_each(
                request.headers.iter().map(|(name, all)| (name, all.iter().collect())),
            );
            event["queryStringParameters"] = last_of_each(
                query
                    .iter()
                    .map(|(name, all)| (name.as_str(), all.iter().map(String::as_str).collect())),
            );
            event["multiValueQueryStringParameters"] = json!(query);
            event["requestContext"] = if is_alb { json!({"elb": {}}) } else { json!({}) };
        }
        HttpSource::VpcLatticeV1 => {
            let last = |map: Lists| -> BTreeMap<String, String> {
                let last = |(name, list): (String, Vec<String>)| Some((name, list.last()?.clone()));
                map.into_iter().filter_map(last).collect()
            };
            let owned = |(name, list): (&str, Values<'_>)| (name.to_owned(), list.to_vec());
            let headers = last(request.headers.iter().map(owned).collect());
            let query = last(request.query.iter().map(owned).collect());
            event["is_base64_encoded"] = event["isBase64Encoded"].take();
            event["raw_path"] = json!(request.path);
            event["method"] = json!(request.method);
            event["headers"] = json!(headers);
            event["query_string_parameters"] = json!(query);
            event["requestContext"] = json!({});
            request.headers = headers.into_iter().collect();
            request.cookies = Cookies::parse(request.headers.get_all("cookie").iter());
            request.query = query.into_iter().collect();
            request.raw_query = spelled_anew(&request.query);
        }
        HttpSource::VpcLatticeV2 => {
            event["path"] = json!(request.path);
            event["method"] = json!(request.method);
            event["headers"] = json!(request.headers);
            event["queryStringParameters"] = json!(request.query);
            event["requestContext"] = json!({});
            request.raw_query = spelled_anew(&request.query);
        }
    }
    (event, request)
}

/// Providers send each name's last value beside its list.
fn last_of_each<'a>(lists: impl Iterator<Item = (&'a str, Vec<&'a str>)>) -> Json {
    let last = |(name, list): (&'a str, Vec<&'a str>)| Some((name.to_owned(), json!(list.last()?)));
    Json::Object(lists.filter_map(last).collect())
}

/// Returns a query of decoded parameters, as browsers write it.
fn spelled_anew(query: &MultiMap) -> String {
    let mut raw = Serializer::new(String::new());
    for (name, values) in query.iter() {
        raw.extend_pairs(values.iter().map(|value| (name, value)));
    }
    raw.finish()
}

fn query_string(query: &MultiMap) -> String {
    let pairs = query.iter().flat_map(|(name, values)| {
        values.iter().map(move |value| format!("{}={}", escape(name), escape(value)))
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn escape(text: &str) -> String {
    let escaped = text.bytes().map(|b| match b {
        b'a'..=b'z' => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    });
    escaped.collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let chunks = bytes.chunks(3).map(|chunk| {
        let word =
            chunk.iter().chain(&[0, 0]).take(3).fold(0, |word, b| word << 8 | usize::from(*b));
        let digits = (0..4).map(|n| char::from(DIGITS[word >> (18 - 6 * n) & 63]));
        let digits: String = digits.take(chunk.len() + 1).collect();
        format!("{digits:=<4}")
    });
    chunks.collect()
}

/// Parses an adapter's output, as its provider would.
pub(crate) fn read_back(source: HttpSource, written: Json) -> Result<HttpResponse, Box<dyn Error>> {
    let mut written: Map<String, Json> = serde_json::from_value(written)?;
    let mut take = |name: &str| written.remove(name).unwrap_or_default();
    let mut response = HttpResponse::new(serde_json::from_value(take("statusCode"))?);
    response.is_base64 = take("isBase64Encoded") == json!(true);
    // The decoder under test is that of requests.
    let body = json!({"body": take("body"), "isBase64Encoded": response.is_base64}).to_string();
    response.body = HttpSource::Alb.read_request(&body)?.normalize(None)?.body;
    if matches!(source, HttpSource::VpcLatticeV1 | HttpSource::VpcLatticeV2) {
        let fields: BTreeMap<String, String> = serde_json::from_value(take("headers"))?;
        let mut fields: Vec<_> = fields.into_iter().collect();
        // A further cookie has the next spelling of the name, whose upper-case letters count in
        // binary.
        fields.sort_by_key(|(name, _)| {
            let letters = name.chars().filter(char::is_ascii_alphabetic);
            letters.rev().map(|letter| letter.is_ascii_uppercase()).collect::<Vec<_>>()
        });
        for (name, value) in fields {
            response.headers.append(&name.to_ascii_lowercase(), value);
        }
    } else if source == HttpSource::FunctionUrl {
        let fields: BTreeMap<String, String> = serde_json::from_value(take("headers"))?;
        response.headers = fields.into_iter().collect();
    } else {
        let fields: Lists = serde_json::from_value(take("multiValueHeaders"))?;
        response.headers = HeaderMap::canonical(fields.into_iter().collect());
    }
    response.cookies = match source {
        HttpSource::ApiGatewayV2 | HttpSource::FunctionUrl => {
            serde_json::from_value(take("cookies"))?
        }
        HttpSource::ApiGatewayV1
        | HttpSource::Alb
        | HttpSource::VpcLatticeV1
        | HttpSource::VpcLatticeV2 => response.headers.remove("set-cookie"),
    };
    Ok(response)
}

/// Removes what cannot reach the client: headers without values; function URLs have no lists.
pub(crate) fn visible(source: HttpSource, mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers.iter().filter(|(_, values)| !values.is_empty());
    let headers = headers.map(|(name, values)| match source {
        HttpSource::FunctionUrl | HttpSource::VpcLatticeV1 | HttpSource::VpcLatticeV2 => {
            (name.to_owned(), vec![values.join(",")])
        }
        HttpSource::ApiGatewayV2 | HttpSource::ApiGatewayV1 | HttpSource::Alb => {
            (name.to_owned(), values.to_vec())
        }
    });
    response.headers = HeaderMap::canonical(headers.collect());
    response.is_base64 |= std::str::from_utf8(&response.body).is_err();
    response
}
