//! The trace of a request.

use alloc::string::{String, ToString};
use core::fmt;

use super::cut::{cut, pieces};
use super::headers::HeaderMap;
use crate::ascii::trim;

/// Returns the trace id of a request: from `traceparent`, or else from `x-amzn-trace-id`, or else
/// empty. Never creates an id.
pub(super) fn trace_id(headers: &HeaderMap) -> String {
    if let Some(id) = first_filled(headers, "traceparent").and_then(w3c) {
        return id;
    }
    let x_ray = first_filled(headers, "x-amzn-trace-id").and_then(x_ray_trace_id);
    x_ray.unwrap_or_default().to_string()
}

/// The trace context of a request (*W3C Trace Context*, level 1). Pass it on to called services, so
/// that their spans belong to the same trace.
///
/// ```
/// use apptheory_core::http::{HeaderMap, TraceContext};
///
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let headers: HeaderMap = [("traceparent", parent), ("tracestate", "a=1")].into_iter().collect();
/// let context = TraceContext::of(&headers).unwrap();
/// assert_eq!((context.traceparent(), context.tracestate()), (parent, "a=1"));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct TraceContext {
    parent: String,
    state: String,
}

/// The longest `tracestate` that is passed on: the 512 characters that the recommendation requires
/// (§3.3.1.5).
const MAX_STATE_BYTES: usize = 512;

impl TraceContext {
    /// Reads the context from request headers. `None` if `traceparent` is missing, occurs twice, or
    /// is malformed (§3.2.2). A `tracestate` that is too long or not printable is dropped.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let parent = headers.get_all("traceparent").only()?.trim();
        let parent = Some(parent).filter(|parent| is_parent(parent))?.to_string();
        let mut state = headers.get_all("tracestate").join(",");
        if state.len() > MAX_STATE_BYTES || !state.bytes().all(|b| matches!(b, b' '..=b'~')) {
            state.clear();
        }
        Some(Self { parent, state })
    }

    /// Returns the original value of `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        &self.parent
    }

    /// Returns the value of `tracestate`, with several headers joined by commas; or an empty text.
    #[must_use]
    pub fn tracestate(&self) -> &str {
        &self.state
    }
}

/// Does not print the state, which other parties control.
impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceContext").field("parent", &self.parent).finish_non_exhaustive()
    }
}

/// Returns whether a text is `{version}-{trace id}-{parent id}-{flags}`, in lower case. Versions
/// after 00 may have more at the end.
fn is_parent(text: &str) -> bool {
    let mut parts = text.splitn(5, '-');
    let [version, trace, parent, flags] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let is_lower =
        |part: &str, digits| is_hex(part, digits) && !part.bytes().any(|b| b.is_ascii_uppercase());
    let is_filled = |part: &str, digits| is_lower(part, digits) && !is_zero(part);
    let rest = parts.next();
    is_lower(version, 2)
        && version != "ff"
        && is_filled(trace, 32)
        && is_filled(parent, 16)
        && is_lower(flags, 2)
        && rest.is_none_or(|rest| version != "00" && rest.bytes().all(|b| b.is_ascii_graphic()))
        && text.len() <= MAX_STATE_BYTES
}

fn first_filled<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get_all(name).iter().map(trim).find(|value| !value.is_empty())
}

/// Returns the trace id in `{version}-{trace id}-{parent id}-{flags}`; ignores the rest.
fn w3c(value: &str) -> Option<String> {
    let mut parts = value.split('-').skip(1);
    let id = parts.next()?.trim().to_ascii_lowercase();
    let has_more = parts.nth(1).is_some();
    (has_more && is_hex(&id, 32) && !is_zero(&id)).then_some(id)
}

/// Returns the trace id in an `x-amzn-trace-id` header, in its original case: the first
/// `Root={1-epoch-unique}` among the parts separated by `;`. `None` if the header has no trace id.
///
/// ```
/// use apptheory_core::http::x_ray_trace_id;
///
/// let field = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1";
/// assert_eq!(x_ray_trace_id(field), Some("1-67891233-abcdef012345678912345678"));
/// ```
#[must_use]
pub fn x_ray_trace_id(field: &str) -> Option<&str> {
    let pairs = pieces(field, b';').map(|part| cut(part, b'='));
    let pairs = pairs.filter_map(|(key, value)| Some((key, value?)));
    let mut roots = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case("root"));
    let root = roots.next()?.1.trim();
    let (epoch, unique) = root.strip_prefix("1-")?.split_once('-')?;
    let valid = is_hex(epoch, 8) && is_hex(unique, 24) && !is_zero(unique);
    valid.then_some(root)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::{HeaderMap, TraceContext, trace_id};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn context(fields: &[(&str, &str)]) -> Option<(String, String)> {
        let headers: HeaderMap = fields.iter().copied().collect();
        let context = TraceContext::of(&headers)?;
        Some((context.traceparent().into(), context.tracestate().into()))
    }

    #[test]
    fn a_context_is_passed_on_as_it_came() {
        let later = format!("cc{}-what-comes", &PARENT[2..]);
        for parent in [PARENT, &*format!(" {PARENT} "), &later] {
            let read = context(&[
                ("Traceparent", parent),
                ("tracestate", "a=1, b=2"),
                ("tracestate", "c=3"),
            ]);
            assert_eq!(read, Some((parent.trim().into(), "a=1, b=2,c=3".into())), "{parent:?}");
        }
        let long = "x".repeat(513);
        for state in ["", "a=\u{1}", "a=\u{e9}", &*long] {
            let read = context(&[("traceparent", PARENT), ("tracestate", state)]);
            assert_eq!(read, Some((PARENT.into(), String::new())), "{state:?}");
        }
    }

    #[test]
    fn malformed_trace_contexts_are_dropped() {
        let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        for wrong in [
            "".into(),
            format!("ff-{trace}-{parent}-01"),
            format!("00-{trace}-{parent}-01-more"),
            format!("00-{trace}-{parent}"),
            format!("00-{trace}-{parent}-1"),
            format!("0-{trace}-{parent}-01"),
            format!("00-{}-{parent}-01", trace.to_uppercase()),
            format!("00-{}-{parent}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{trace}1-{parent}-01"),
            format!("01-{trace}-{parent}-01-\r\nx: 1"),
            format!("01-{trace}-{parent}-01-{}", "x".repeat(512)),
        ] {
            assert_eq!(context(&[("traceparent", &wrong), ("tracestate", "a=1")]), None, "{wrong}");
        }
        assert_eq!(context(&[("traceparent", PARENT), ("traceparent", PARENT)]), None);
        assert_eq!(context(&[("tracestate", "a=1")]), None);
    }

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
