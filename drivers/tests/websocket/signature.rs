//! Signatures, computed from requests as AWS does it (Signature Version 4).

use axum::http::request::Parts;
use sha2::{Digest as _, Sha256};

/// Returns the value of `authorization` with the signature that the secret `secret` makes for the
/// fields, day, region and service that the request's own value names.
pub(crate) fn authorization(head: &Parts, body: &[u8]) -> String {
    let field = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap());
    let given = field("authorization");
    let (unsigned, _) = given.rsplit_once("Signature=").unwrap();
    let between = |start: &str| {
        let (_, rest) = unsigned.split_once(start).unwrap();
        rest.split_once(',').unwrap().0
    };
    let (scope, signed_headers) = (between("Credential=id/"), between("SignedHeaders="));
    let headers: String =
        signed_headers.split(';').map(|name| format!("{name}:{}\n", field(name))).collect();
    // Every service but S3 encodes the path once more.
    let segments: Vec<_> = head.uri.path().split('/').map(apptheory::percent::encode).collect();
    let request = format!(
        "{}\n{}\n{}\n{headers}\n{signed_headers}\n{}",
        head.method,
        segments.join("/"),
        head.uri.query().unwrap_or_default(),
        hex(&Sha256::digest(body)),
    );
    let date = field("x-amz-date");
    let request = hex(&Sha256::digest(request));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{request}");
    let key = scope.split('/').fold(b"AWS4secret".to_vec(), |key, part| hmac(&key, part));
    format!("{unsigned}Signature={}", hex(&hmac(&key, &text)))
}

/// Returns the HMAC-SHA-256 (RFC 2104) of a text, with a key of at most one block.
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> {
        let key = key.iter().chain(core::iter::repeat(&0)).take(64);
        key.map(|byte| byte ^ pad).collect()
    };
    let inner = Sha256::digest([&*padded(0x36), text.as_bytes()].concat());
    Sha256::digest([&*padded(0x5c), &*inner].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
