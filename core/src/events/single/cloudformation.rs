//! CloudFormation custom resources: requests and responses.

use alloc::string::{String, ToString};

use core::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::NotAccepted;
use crate::document::Object;
use crate::error::AppError;
use crate::events::error::Error;
use crate::events::raw::RawEvent;
use crate::json::{JsonError, read_texts, to_text};
use crate::printing::prints;

/// A request of CloudFormation about a custom resource. Its properties in the template are
/// deserialized as a `T`. CloudFormation sends numbers and booleans as strings; they are converted
/// if `T` requires it. The properties `ServiceToken` and `ServiceTimeout` are left out.
///
/// ```
/// use apptheory_core::events::{CustomResource, ResourceChange};
///
/// #[derive(serde::Deserialize)]
/// struct Settings { replicas: u8 }
///
/// let event = r#"{"RequestType":"Create","ResponseURL":"https://example.s3.amazonaws.com/",
///     "StackId":"arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1","RequestId":"r1",
///     "ResourceType":"Custom::Cache","LogicalResourceId":"Cache",
///     "ResourceProperties":{"ServiceToken":"arn","replicas":"3"}}"#;
/// let resource = CustomResource::<Settings>::read(event)?;
/// assert_eq!(resource.logical_id, "Cache");
/// let ResourceChange::Create { properties } = resource.change else { panic!("a creation") };
/// assert_eq!(properties.replicas, 3);
/// # Ok::<(), apptheory_core::error::AppError>(())
/// ```
#[derive(Clone)]
pub struct CustomResource<T> {
    /// The requested change.
    pub change: ResourceChange<T>,
    /// The resource's type in the template, such as `Custom::Cache`.
    pub resource_type: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// The ARN of the stack.
    pub stack_id: String,
    /// The request's id, which stays the same if the request is sent again.
    pub request_id: String,
}

prints!(CustomResource<T>: change, resource_type, logical_id, stack_id, request_id);

/// The requested change of a custom resource. The physical id is the one in the response to its
/// creation or replacement.
#[derive(Clone, Eq, PartialEq)]
pub enum ResourceChange<T> {
    /// Create the resource.
    Create {
        /// The resource's properties.
        properties: T,
    },
    /// Change the resource. A response with another physical id means that the resource was
    /// replaced: CloudFormation then deletes the old one.
    Update {
        /// The resource's current id.
        physical_id: String,
        /// The new properties.
        properties: T,
        /// The old properties; `None` if they are not a valid `T`, for example from an earlier
        /// version of the template.
        old: Option<T>,
    },
    /// Delete the resource. If it does not exist, respond with success.
    Delete {
        /// The resource's id.
        physical_id: String,
        /// The properties; `None` if they are not a valid `T`, for example from an earlier version
        /// of the template.
        properties: Option<T>,
    },
}

/// Does not print properties, which may contain secrets.
impl<T> fmt::Debug for ResourceChange<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, physical_id) = match self {
            Self::Create { .. } => ("Create", None),
            Self::Update { physical_id, .. } => ("Update", Some(physical_id)),
            Self::Delete { physical_id, .. } => ("Delete", Some(physical_id)),
        };
        let mut shown = f.debug_struct(name);
        if let Some(physical_id) = physical_id {
            shown.field("physical_id", physical_id);
        }
        shown.finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> CustomResource<T> {
    /// Reads the event of a custom resource.
    ///
    /// # Errors
    ///
    /// 422 for properties that are not a valid `T`, with what is wrong and where; a masked 500 for
    /// an event that CloudFormation does not send.
    pub fn read(event: &str) -> Result<Self, AppError> {
        let raw = RawEvent::read(event)?;
        let event = raw.root().object().map_err(malformed)?;
        let known = Known::of(event).map_err(malformed)?;
        let now = || properties(event, "ResourceProperties");
        let physical_id = known.physical_id;
        let change = match &*known.request_type {
            "Create" => ResourceChange::Create { properties: now()? },
            "Update" => ResourceChange::Update {
                physical_id,
                properties: now()?,
                old: properties(event, "OldResourceProperties").ok(),
            },
            "Delete" => ResourceChange::Delete { physical_id, properties: now().ok() },
            _ => {
                let other = "its `RequestType` is not Create, Update or Delete";
                return Err(AppError::unprocessable(other));
            }
        };
        let resource_type = event.text("ResourceType").map_err(malformed)?.into_owned();
        let Known { logical_id, stack_id, request_id, .. } = known;
        Ok(Self { change, resource_type, logical_id, stack_id, request_id })
    }
}

fn properties<T: DeserializeOwned>(event: Object<'_, '_>, name: &str) -> Result<T, AppError> {
    let value = event.get(name).map_err(malformed)?;
    let mut json = match value.is_null() {
        true => json!({}),
        false => serde_json::from_str(value.json()).map_err(|error| malformed((&error).into()))?,
    };
    if let Json::Object(members) = &mut json {
        members.retain(|name, _| !matches!(&**name, "ServiceToken" | "ServiceTimeout"));
    }
    read_texts(json).map_err(|misread| misread.within(name).into())
}

fn malformed(cause: JsonError) -> Error {
    Error::malformed("CloudFormation event", cause)
}

/// Returns whether an event is about a custom resource: only CloudFormation writes all of these
/// members.
pub(super) fn is_of_cloudformation(event: Object<'_, '_>) -> bool {
    ["RequestType", "ResponseURL", "StackId"]
        .into_iter()
        .all(|name| event.get(name).is_ok_and(|value| value.filled_text().is_some()))
}

/// The known members of all requests about custom resources.
#[derive(Clone)]
struct Known {
    request_type: String,
    physical_id: String,
    logical_id: String,
    stack_id: String,
    request_id: String,
}

impl Known {
    fn of(event: Object<'_, '_>) -> Result<Self, JsonError> {
        let text = |name| event.text(name).map(alloc::borrow::Cow::into_owned);
        Ok(Self {
            request_type: text("RequestType")?,
            physical_id: text("PhysicalResourceId")?,
            logical_id: text("LogicalResourceId")?,
            stack_id: text("StackId")?,
            request_id: text("RequestId")?,
        })
    }
}

/// The response of a handler to a successful request about a custom resource.
///
/// ```
/// use apptheory_core::events::Done;
///
/// let done = Done::new("cache-7").data("Endpoint", "cache-7.example.com:6379");
/// ```
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    physical_id: String,
    data: Map<String, Json>,
    no_echo: bool,
}

prints!(Done: physical_id);

impl Done {
    /// Creates the response for a resource with this physical id, of 1 to 1024 bytes. The id must
    /// stay the same as long as the resource does. For a deletion, the request's id is used
    /// instead.
    #[must_use]
    pub fn new(physical_id: impl Into<String>) -> Self {
        Self { physical_id: physical_id.into(), data: Map::new(), no_echo: false }
    }

    /// Adds a value that the template can read with `Fn::GetAtt`.
    #[must_use]
    pub fn data(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.data.insert(name.to_string(), value.into());
        self
    }

    /// Makes CloudFormation mask the values wherever it shows them.
    #[must_use]
    pub fn no_echo(self) -> Self {
        Self { no_echo: true, ..self }
    }
}

/// The error of a handler that created a resource and then failed. CloudFormation gets the
/// resource's physical id, and deletes the resource when it rolls the stack back. Any other error
/// means that a creation created nothing, and that an update changed nothing.
///
/// It has the status and message of the original error.
///
/// ```
/// use apptheory_core::error::AppError;
/// use apptheory_core::events::LeftBehind;
///
/// fn warm_up(id: &str) -> Result<(), AppError> {
/// #   let _ = id;
///     Err(AppError::conflict("no quota is left"))
/// }
///
/// fn replace() -> Result<(), AppError> {
///     let id = "cache-8";
///     warm_up(id).map_err(|error| LeftBehind::new(id, error))?;
///     Ok(())
/// }
/// assert_eq!(replace().unwrap_err().message(), "no quota is left");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("the handler failed, and left {physical_id:?} behind")]
pub struct LeftBehind {
    physical_id: String,
    #[source]
    error: AppError,
}

impl LeftBehind {
    /// Creates the error from the physical id of the resource, of 1 to 1024 bytes, and the original
    /// error.
    #[must_use]
    pub fn new(physical_id: impl Into<String>, error: impl Into<AppError>) -> Self {
        Self { physical_id: physical_id.into(), error: error.into() }
    }
}

impl From<LeftBehind> for AppError {
    fn from(left: LeftBehind) -> Self {
        left.error.clone().with_cause(left)
    }
}

/// The largest response to CloudFormation: 4096 bytes (*AWS CloudFormation User Guide*, "Custom
/// resource response objects").
const MAX_REPLY_BYTES: usize = 4096;

/// The longest physical id (same source).
const MAX_PHYSICAL_ID_BYTES: usize = 1024;

/// The physical id after a failed creation. The resource does not exist, so its deletion, which
/// CloudFormation requests next, does nothing.
const NOT_CREATED: &str = "not-created";

fn is_physical_id(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_PHYSICAL_ID_BYTES
}

/// The response URL of a request about a custom resource, and the response. The URL is a secret,
/// because everybody who knows it can respond; it is not printed.
#[derive(Clone)]
pub struct ResourceReply {
    known: Known,
    url: String,
}

impl ResourceReply {
    /// Reads the response URL.
    ///
    /// # Errors
    ///
    /// A masked 500 if the text is not a JSON object, or a member has the wrong type or occurs
    /// twice.
    pub fn read(event: &str) -> Result<Self, AppError> {
        Self::of(&RawEvent::read(event)?)
    }

    fn of(event: &RawEvent<'_>) -> Result<Self, AppError> {
        let event = event.root().object().map_err(malformed)?;
        let known = Known::of(event).map_err(malformed)?;
        let url = event.text("ResponseURL").map_err(malformed)?.into_owned();
        Ok(Self { known, url })
    }

    /// Returns the URL to which the response is `PUT`. It is a secret.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns whether the URL is an `https` URL of S3, as CloudFormation's are.
    #[must_use]
    pub fn is_to_s3(&self) -> bool {
        is_of_s3(&self.url)
    }

    /// Returns the response to the deletion of a resource that was never created; `None` for any
    /// other request, which needs a handler.
    #[must_use]
    pub fn for_nothing(&self) -> Option<String> {
        let is_for_nothing =
            self.known.request_type == "Delete" && self.known.physical_id == NOT_CREATED;
        is_for_nothing.then(|| to_text(&self.reply("SUCCESS", NOT_CREATED, [])))
    }

    /// Stores the physical id in a handler's output for a creation or update. A later failure then
    /// reports this id, so that CloudFormation deletes the resource.
    pub fn keep_id(&mut self, output: &Json) {
        if let Ok(Done { physical_id, .. }) = Done::deserialize(output) {
            self.keep(physical_id);
        }
    }

    /// Stores the physical id of a resource that a failed handler [left behind](LeftBehind), if its
    /// error or one of its sources has one.
    pub fn keep_left_behind(&mut self, error: &AppError) {
        let mut next: Option<&(dyn core::error::Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(left) = error.downcast_ref::<LeftBehind>() {
                return self.keep(left.physical_id.clone());
            }
            next = error.source();
        }
    }

    /// Changes the physical id. For a deletion it is always the request's.
    fn keep(&mut self, physical_id: String) {
        if self.known.request_type != "Delete" && is_physical_id(&physical_id) {
            self.known.physical_id = physical_id;
        }
    }

    /// Returns the response for a failed request. The reason is shown in the events of the stack; a
    /// long one is cut.
    #[must_use]
    pub fn failed(&self, reason: &str) -> String {
        let known = &*self.known.physical_id;
        let physical_id = if known.is_empty() { NOT_CREATED } else { known };
        let mut kept = reason.len().min(MAX_REPLY_BYTES);
        loop {
            while !reason.is_char_boundary(kept) {
                kept = kept.saturating_sub(1);
            }
            let cut = reason.get(..kept).unwrap_or_default();
            let text = to_text(&self.reply("FAILED", physical_id, [("Reason", cut.into())]));
            if text.len() <= MAX_REPLY_BYTES || kept == 0 {
                return text;
            }
            kept /= 2;
        }
    }

    fn succeeded(&self, done: Done) -> Result<Json, NotAccepted> {
        let Done { physical_id, data, no_echo } = done;
        let is_deletion = self.known.request_type == "Delete";
        let physical_id = if is_deletion { &self.known.physical_id } else { &physical_id };
        if !is_deletion && !is_physical_id(physical_id) {
            return Err(not_accepted("a physical id must have 1 to 1024 bytes"));
        }
        let more = [("Data", data.into()), ("NoEcho", no_echo.into())];
        let answer = self.reply("SUCCESS", physical_id, more);
        if to_text(&answer).len() > MAX_REPLY_BYTES {
            return Err(not_accepted("it must not exceed 4096 bytes, including its data"));
        }
        Ok(answer)
    }

    fn reply<const N: usize>(
        &self,
        status: &str,
        physical_id: &str,
        more: [(&str, Json); N],
    ) -> Json {
        let Known { stack_id, request_id, logical_id, .. } = &self.known;
        let known = [
            ("Status", status),
            ("PhysicalResourceId", physical_id),
            ("StackId", stack_id),
            ("RequestId", request_id),
            ("LogicalResourceId", logical_id),
        ];
        known.into_iter().map(|(name, text)| (name, text.into())).chain(more).collect()
    }
}

impl fmt::Debug for ResourceReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Known { stack_id, logical_id, .. } = &self.known;
        f.debug_struct("ResourceReply")
            .field("stack_id", stack_id)
            .field("logical_id", logical_id)
            .finish_non_exhaustive()
    }
}

/// Returns whether a URL is of S3, in any region and partition: the host of a bucket, such as
/// `cloudformation-custom-resource-response-useast1.s3.amazonaws.com`.
fn is_of_s3(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = host.strip_suffix(":443").unwrap_or(host).to_ascii_lowercase();
    let domain = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"];
    let Some(name) = domain.iter().find_map(|domain| host.strip_suffix(domain)) else {
        return false;
    };
    let is_plain = |label: &str| {
        !label.is_empty() && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let is_s3 = |label: &str| label == "s3" || label.starts_with("s3-");
    // The last labels are AWS's: the service, with or without a region. A bucket may be named s3.
    let mut labels = name.rsplit('.');
    let (last, before) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let is_dual_stack = before == "dualstack" && labels.next().is_some_and(is_s3);
    name.split('.').all(is_plain) && (is_s3(last) || is_s3(before) || is_dual_stack)
}

/// Returns the response for a successful request, from the handler's output.
pub(super) fn answer(event: &RawEvent<'_>, output: Json) -> Result<Json, AppError> {
    let done: Done =
        serde_json::from_value(output).map_err(|_| not_accepted("it is not a `Done`"))?;
    Ok(ResourceReply::of(event)?.succeeded(done)?)
}

pub(super) const fn not_accepted(why: &'static str) -> NotAccepted {
    NotAccepted { service: "CloudFormation", why }
}

#[cfg(test)]
mod tests;
