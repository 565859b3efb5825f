//! Multipart bodies, such as uploads.

use core::fmt;
use core::future::ready;

use apptheory_core::error::AppError;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream;

use super::{FromContext, missing};
use crate::app::context::Context;
use crate::app::kind::Http;

/// Reads the parts of a `multipart/form-data` body, in order. The body is read at once, within the
/// application's limit for bodies, and has at most [`MAX_PARTS`](Self::MAX_PARTS) parts.
///
/// Needs the feature `multipart`.
///
/// 415 for a body of another media type, 400 for a malformed body, and 413 for too many parts.
///
/// ```
/// use apptheory::app::{App, Multipart};
///
/// async fn upload(parts: Multipart) -> String {
///     let names = parts.0.iter().filter_map(|part| part.file_name.as_deref());
///     names.collect::<Vec<_>>().join(", ")
/// }
///
/// let app = App::new().post("/uploads", upload).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Multipart(pub Vec<Part>);

/// One part of a body. Names and types are client input: do not build a file path from a file name.
///
/// Needs the feature `multipart`.
#[derive(Clone, Default)]
pub struct Part {
    /// The name of the form field.
    pub name: Option<String>,
    /// The file name, if the part is a file.
    pub file_name: Option<String>,
    /// The media type that the client declared.
    pub content_type: Option<String>,
    /// The content.
    pub body: Bytes,
}

impl Multipart {
    /// The most parts that a body may have.
    pub const MAX_PARTS: usize = 256;

    /// Returns the first part with this name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.0.iter().find(|part| part.name.as_deref() == Some(name))
    }

    async fn read(content_type: &str, body: Bytes) -> Result<Self, AppError> {
        let boundary = multer::parse_boundary(content_type).map_err(refused)?;
        let body = stream::once(ready(Ok::<_, AppError>(body)));
        let mut multipart = multer::Multipart::new(body, boundary);
        let mut parts = Vec::new();
        while let Some(field) = multipart.next_field().await.map_err(refused)? {
            if parts.len() == Self::MAX_PARTS {
                return Err(AppError::too_large());
            }
            parts.push(Part {
                name: field.name().map(str::to_owned),
                file_name: field.file_name().map(str::to_owned),
                content_type: field.content_type().map(ToString::to_string),
                body: field.bytes().await.map_err(refused)?,
            });
        }
        Ok(Self(parts))
    }
}

impl Part {
    /// Returns the content as text; `None` for invalid UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        core::str::from_utf8(&self.body).ok()
    }
}

impl<S> FromContext<S, Http> for Multipart {
    fn body_formats() -> Vec<&'static str> {
        vec!["parts"]
    }

    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let request = &context.expect_call()?.request;
        let Some(content_type) = request.headers.get_all("content-type").only() else {
            return Err(refused(multer::Error::NoMultipart));
        };
        let read = Self::read(content_type, Bytes::copy_from_slice(&request.body));
        // The body is complete, so this future never waits.
        read.now_or_never().unwrap_or_else(|| Err(missing("the end of a multipart body")))
    }
}

/// The parser's message may quote the client, so it goes to the log only.
fn refused(error: multer::Error) -> AppError {
    use multer::Error;

    let shown = if matches!(error, Error::NoMultipart | Error::DecodeContentType(_)) {
        AppError::unsupported_media_type("the body needs a content-type of multipart/form-data")
            .with_header("accept", "multipart/form-data")
    } else if matches!(error, Error::NoBoundary) {
        AppError::bad_request("the content-type has no boundary")
    } else {
        AppError::bad_request("malformed multipart body")
    };
    shown.with_cause(error)
}

/// Client input is not printed.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
