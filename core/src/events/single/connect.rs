//! Contact flows of Amazon Connect.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::NotAccepted;
use crate::document::Object;
use crate::error::AppError;
use crate::events::envelopes::or_empty;
use crate::json::{Misread, read, read_texts, to_text};
use crate::printing::prints;

/// The event of an Amazon Connect flow. Missing values are empty; data of the customer is not
/// printed.
#[derive(Clone)]
pub struct ContactEvent {
    /// The contact.
    pub contact: Contact,
    parameters: Map<String, Json>,
}

prints!(ContactEvent: contact);

/// A call, chat, task or email between a customer and a contact center.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Contact {
    /// The contact's id.
    #[serde(default, deserialize_with = "or_empty")]
    pub contact_id: String,
    /// The id of the first contact of the same conversation.
    #[serde(default, deserialize_with = "or_empty")]
    pub initial_contact_id: String,
    /// The id of the contact before a transfer.
    #[serde(default, deserialize_with = "or_empty")]
    pub previous_contact_id: String,
    /// `VOICE`, `CHAT`, `TASK` or `EMAIL`.
    #[serde(default, deserialize_with = "or_empty")]
    pub channel: String,
    /// How the contact began, such as `INBOUND` or `TRANSFER`.
    #[serde(default, deserialize_with = "or_empty")]
    pub initiation_method: String,
    /// The language, such as `en-US`.
    #[serde(default, deserialize_with = "or_empty")]
    pub language_code: String,
    /// The ARN of the Connect instance.
    #[serde(default, rename = "InstanceARN", deserialize_with = "or_empty")]
    pub instance_arn: String,
    /// The customer's address.
    #[serde(default, deserialize_with = "or_empty")]
    pub customer_endpoint: ContactEndpoint,
    /// The address that the customer called.
    #[serde(default, deserialize_with = "or_empty")]
    pub system_endpoint: ContactEndpoint,
    /// The queue in which the contact waits.
    #[serde(default, deserialize_with = "or_empty")]
    pub queue: ContactQueue,
    /// The attributes set by flows.
    #[serde(default, deserialize_with = "or_empty")]
    pub attributes: BTreeMap<String, String>,
}

prints!(Contact: contact_id, channel, initiation_method);

/// An endpoint of a contact.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContactEndpoint {
    /// The address, for example a phone number.
    #[serde(default, deserialize_with = "or_empty")]
    pub address: String,
    /// The type of address, such as `TELEPHONE_NUMBER`.
    #[serde(default, rename = "Type", deserialize_with = "or_empty")]
    pub kind: String,
}

prints!(ContactEndpoint: kind);

/// A queue of Amazon Connect.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContactQueue {
    /// The queue's ARN.
    #[serde(default, rename = "ARN", deserialize_with = "or_empty")]
    pub arn: String,
    /// The queue's name.
    #[serde(default, deserialize_with = "or_empty")]
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    details: Details,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    contact_data: Contact,
    #[serde(default, deserialize_with = "or_empty")]
    parameters: Map<String, Json>,
}

impl ContactEvent {
    /// Reads the event of a flow.
    ///
    /// # Errors
    ///
    /// [`Misread`] if a member has the wrong type.
    pub fn read(event: &str) -> Result<Self, Misread> {
        let Event { details: Details { contact_data, parameters } } = read(event.as_bytes())?;
        Ok(Self { contact: contact_data, parameters })
    }

    /// Returns a parameter of the flow's block that is a string; or an empty text.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    /// Deserializes the parameters of the flow's block. Flows send numbers and booleans as strings;
    /// they are converted if the type requires it.
    ///
    /// # Errors
    ///
    /// [`Misread`] if they are not a valid `T`.
    pub fn parameters<T: DeserializeOwned>(&self) -> Result<T, Misread> {
        let read = read_texts(Json::Object(self.parameters.clone()));
        read.map_err(|misread| misread.within("Details.Parameters"))
    }
}

/// The response to an Amazon Connect flow, which reads it as `$.External`.
///
/// ```
/// use apptheory_core::events::ContactAnswer;
///
/// let answer = ContactAnswer::new().text("tier", "gold").text("orders", 7.to_string());
/// ```
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ContactAnswer {
    members: Map<String, Json>,
}

/// Does not print the response, which may contain data of the customer.
impl fmt::Debug for ContactAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.keys()).finish()
    }
}

impl ContactAnswer {
    /// Creates an empty response.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string. A block whose response validation is `STRING_MAP`, the default, only accepts
    /// responses of strings.
    #[must_use]
    pub fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.members.insert(name.into(), Json::String(value.into()));
        self
    }

    /// Adds any JSON, for a block whose response validation is `JSON`.
    #[must_use]
    pub fn json(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }
}

/// The largest response: 32 KB (*Amazon Connect Administrator Guide*, "Grant Amazon Connect access
/// to your AWS Lambda functions").
const MAX_ANSWER_BYTES: usize = 32 * 1024;

/// Returns whether an event is from a flow.
pub(super) fn is_contact(event: Object<'_, '_>) -> bool {
    let name = event.get("Name").ok().and_then(|name| name.filled_text());
    let details = event.get("Details").and_then(|details| details.object());
    let contact = details.and_then(|details| details.get("ContactData"));
    name.as_deref() == Some("ContactFlowEvent") && contact.is_ok_and(|contact| contact.is_object())
}

pub(super) fn answer(output: Json) -> Result<Json, AppError> {
    let ContactAnswer { members } =
        serde_json::from_value(output).map_err(|_| not_accepted("it is not a `ContactAnswer`"))?;
    let answer = Json::Object(members);
    if to_text(&answer).len() >= MAX_ANSWER_BYTES {
        return Err(not_accepted("it must be smaller than 32 KB").into());
    }
    Ok(answer)
}

const fn not_accepted(why: &'static str) -> NotAccepted {
    NotAccepted { service: "a flow of Amazon Connect", why }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::json;

    use super::*;
    use crate::events::{LambdaEvent, SingleRoute};

    fn event() -> Json {
        json!({"Name": "ContactFlowEvent", "Details": {
            "ContactData": {"ContactId": "c1", "Channel": "VOICE", "Queue": null,
                "Attributes": {"tier": "gold"}, "InstanceARN": "arn:i",
                "CustomerEndpoint": {"Address": "+1s3cret", "Type": "TELEPHONE_NUMBER"}},
            "Parameters": {"order": "7", "urgent": "true"}}})
    }

    #[test]
    fn a_contact_is_known_and_read() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Asked {
            order: u32,
            urgent: bool,
        }
        let text = event().to_string();
        let LambdaEvent::Single(single) = LambdaEvent::read(&text).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(single.route(), &SingleRoute::Connect);
        for (place, other) in [
            ("/Name", json!("Other")),
            ("/Details/ContactData", json!(null)),
            ("/Details", json!(7)),
        ] {
            let mut event = event();
            *event.pointer_mut(place).unwrap() = other;
            let text = event.to_string();
            assert!(matches!(LambdaEvent::read(&text), Ok(LambdaEvent::Other(_))), "{place}");
        }
        let read = ContactEvent::read(&text).unwrap();
        assert_eq!(read.parameters::<Asked>(), Ok(Asked { order: 7, urgent: true }));
        assert_eq!((read.parameter("order"), read.parameter("other")), ("7", ""));
        let Contact { contact_id, queue, attributes, customer_endpoint, .. } = &read.contact;
        assert_eq!((&**contact_id, &*queue.name, &*attributes["tier"]), ("c1", "", "gold"));
        assert_eq!(customer_endpoint.address, "+1s3cret");
        let shown = alloc::format!("{read:?}");
        assert!(shown.contains("VOICE") && !shown.contains("s3cret"), "{shown}");
        let error = read.parameters::<[u8; 1]>().unwrap_err().to_string();
        assert!(error.contains("Details.Parameters"), "{error}");
    }

    #[test]
    fn a_flow_is_answered_an_object_of_a_size_that_it_takes() {
        let text = event().to_string();
        let LambdaEvent::Single(event) = LambdaEvent::read(&text).unwrap() else {
            panic!("{text}")
        };
        let answer = ContactAnswer::new().text("tier", "gold").json("orders", json!([7]));
        let expected = json!({"tier": "gold", "orders": [7]});
        assert_eq!(event.answer(json!(answer)).unwrap(), expected);
        let of = |length: usize| json!(ContactAnswer::new().text("a", "b".repeat(length)));
        assert!(event.answer(of(MAX_ANSWER_BYTES - 9)).is_ok());
        for output in [of(MAX_ANSWER_BYTES - 8), json!({"tier": "gold"}), Json::Null] {
            assert_eq!(event.answer(output).unwrap_err().status(), 500);
        }
    }
}
