//! Stored responses: a line of JSON, then the body. Cookies are not stored: they belong to the
//! session of the first caller, which may have ended.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::REPLAYED_HEADER;
use super::error::{Error, Reason};
use crate::http::{HeaderMap, HttpResponse};

#[derive(Deserialize, Serialize)]
struct Head {
    status: u16,
    headers: Vec<(String, Vec<String>)>,
    is_base64: bool,
}

/// Returns whether a response is a result to store. An error is not, because the work may be done
/// again.
#[must_use]
pub const fn is_result<S>(response: &HttpResponse<S>) -> bool {
    response.error.is_none() && response.status < 500
}

/// Returns a response in stored form; `None` for a stream, whose body is not complete.
#[must_use]
pub fn keep_response<S>(response: &HttpResponse<S>) -> Option<Vec<u8>> {
    if response.stream.is_some() {
        return None;
    }
    let headers = response.headers.iter().filter(|(name, _)| *name != SET_COOKIE);
    let head = Head {
        status: response.status,
        headers: headers.map(|(name, values)| (name.to_string(), values.to_vec())).collect(),
        is_base64: response.is_base64,
    };
    let mut bytes = serde_json::to_vec(&head).ok()?;
    bytes.push(END_OF_HEAD);
    bytes.extend_from_slice(&response.body);
    Some(bytes)
}

/// Returns the stored response, with the header [`REPLAYED_HEADER`](super::REPLAYED_HEADER). If the
/// work is done but no result was stored, returns an empty response with status 200.
///
/// # Errors
///
/// [`Error`] of the kind [`Unreadable`](super::ErrorKind::Unreadable) if the bytes are not a stored
/// response.
pub fn replay_response<S>(result: Option<&[u8]>) -> Result<HttpResponse<S>, Error> {
    let response = match result {
        None => HttpResponse::new(200),
        Some(bytes) => read(bytes).ok_or(Error(Reason::Unreadable))?,
    };
    Ok(response.with_header(REPLAYED_HEADER, "true"))
}

fn read<S>(bytes: &[u8]) -> Option<HttpResponse<S>> {
    let at = bytes.iter().position(|byte| *byte == END_OF_HEAD)?;
    let (head, body) = bytes.split_at_checked(at)?;
    let Head { status, headers, is_base64 } = serde_json::from_slice(head).ok()?;
    let mut response = HttpResponse::new(status);
    // Items of earlier versions contain cookies.
    let headers = headers.into_iter().filter(|(name, _)| name != SET_COOKIE);
    response.headers = headers.fold(HeaderMap::new(), |mut all, (name, values)| {
        all.set_all(&name, values);
        all
    });
    response.is_base64 = is_base64;
    response.body = body.get(1..)?.to_vec();
    Some(response)
}

const SET_COOKIE: &str = "set-cookie";

/// Compact JSON contains no line feed.
const END_OF_HEAD: u8 = b'\n';

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{HttpResponse, is_result, keep_response, read, replay_response};
    use crate::error::AppError;

    type Response = HttpResponse<()>;

    #[test]
    fn a_response_comes_back_as_it_was_without_its_cookies() {
        let mut response = Response::binary(201, *b"\0\n\xff", "image/x\n").with_cookie("a=b");
        response.headers.set_all("x-many", ["1", "2"]);
        let kept = response.headers.clone();
        response.headers.set("Set-Cookie", "c=d");
        let back = read::<()>(&keep_response(&response).unwrap()).unwrap();
        assert_eq!((back.status, back.body, back.is_base64), (201, b"\0\n\xff".to_vec(), true));
        assert_eq!((back.headers, back.cookies), (kept, Vec::new()));
        let empty = Response::no_content();
        assert_eq!(read::<()>(&keep_response(&empty).unwrap()).unwrap().status, 204);
    }

    #[test]
    fn cookies_that_were_kept_before_are_not_given() {
        let old = br#"{"status":200,"headers":[["set-cookie",["a=b"]],["x",["1"]]],"cookies":["c=d"],"is_base64":false}"#;
        let back = read::<()>(&[&old[..], b"\nbody"].concat()).unwrap();
        assert!(back.cookies.is_empty() && !back.headers.contains("set-cookie"));
        assert_eq!((back.headers.first("x"), &*back.body), ("1", &b"body"[..]));
    }

    #[test]
    fn kept_bytes_that_are_not_a_response_are_refused() {
        for bytes in [&b""[..], b"{}", b"{}\n", b"null\nx", b"{\"status\":200}\n"] {
            assert!(replay_response::<()>(Some(bytes)).is_err());
        }
        assert!(keep_response(&Response::text(200, "").with_stream(())).is_none());
        assert_eq!(
            replay_response::<()>(None).unwrap().headers.first("idempotency-replayed"),
            "true"
        );
    }

    #[test]
    fn an_error_is_no_result() {
        let refused = Response { error: Some(AppError::forbidden()), ..Response::new(403) };
        assert!(is_result(&Response::new(404)));
        assert!(!is_result(&refused) && !is_result(&Response::new(503)));
    }
}
