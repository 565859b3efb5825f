//! The trace that a request belongs to.

use alloc::string::{String, ToString};

use super::cut::{cut, pieces};
use super::headers::HeaderMap;

/// The trace id of a request: from `traceparent`, else from `x-amzn-trace-id`, else empty. Ids are
/// never made up.
pub(super) fn trace_id(headers: &HeaderMap) -> String {
    if let Some(id) = first_filled(headers, "traceparent").and_then(w3c) {
        return id;
    }
    first_filled(headers, "x-amzn-trace-id").and_then(x_ray).unwrap_or_default()
}

fn first_filled<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get_all(name).iter().map(|value| value.trim()).find(|value| !value.is_empty())
}

/// `{version}-{trace id}-{parent id}-{flags}`; only the trace id is looked at.
fn w3c(value: &str) -> Option<String> {
    let mut parts = value.split('-').skip(1);
    let id = parts.next()?.trim().to_ascii_lowercase();
    let has_more = parts.nth(1).is_some();
    (has_more && is_hex(&id, 32) && !is_zero(&id)).then_some(id)
}

/// The first `Root={1-epoch-unique}` among parts separated by `;`, in the case it came in.
fn x_ray(value: &str) -> Option<String> {
    let pairs = pieces(value, b';').map(|part| cut(part, b'='));
    let pairs = pairs.filter_map(|(key, value)| Some((key, value?)));
    let mut roots = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case("root"));
    let root = roots.next()?.1.trim();
    let (epoch, unique) = root.strip_prefix("1-")?.split_once('-')?;
    let valid = is_hex(epoch, 8) && is_hex(unique, 24) && !is_zero(unique);
    valid.then(|| root.to_string())
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, trace_id};

    #[test]
    fn w3c_wins_over_x_ray_when_it_is_valid() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let root = "1-67891233-ABCDEF012345678912345678";
        let amzn = alloc::format!("Self=1; root = {root};Sampled=1");
        for (traceparent, amzn, expected) in [
            (alloc::format!("00-{}-b7ad6b7169203331-01", id.to_uppercase()), &*amzn, id),
            (alloc::format!("ff-{id}--"), "", id),
            (alloc::format!(" 00-{id}-b7ad6b7169203331"), &*amzn, root),
            (alloc::format!("00-{}-a-b", "0".repeat(32)), "", ""),
            (id.into(), "", ""),
            ("".into(), "Root=bad;Root=1-67891233-abcdef012345678912345678", ""),
            (
                "".into(),
                "Root=1-00000000-abcdef012345678912345678",
                "1-00000000-abcdef012345678912345678",
            ),
            ("".into(), "Root=1-67891233-000000000000000000000000", ""),
        ] {
            let headers: HeaderMap =
                [("TraceParent", traceparent.as_str()), ("X-Amzn-Trace-Id", amzn)]
                    .into_iter()
                    .collect();
            assert_eq!(trace_id(&headers), expected, "{headers:?}");
        }
    }
}
