//! Action groups of Bedrock agents.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::NotAccepted;
use crate::document::Object;
use crate::error::AppError;
use crate::events::envelopes::or_empty;
use crate::events::raw::RawEvent;
use crate::json;
use crate::printing::prints;

/// A request of a Bedrock agent to an action group: a function, or an operation of an API. Missing
/// values are empty; contents are not printed.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRequest {
    /// The action group.
    pub action_group: String,
    /// The function, for action groups with function details.
    #[serde(default, deserialize_with = "or_empty")]
    pub function: String,
    /// The path in the schema, for action groups with an API schema.
    #[serde(default, deserialize_with = "or_empty")]
    pub api_path: String,
    /// The method, for action groups with an API schema.
    #[serde(default, deserialize_with = "or_empty")]
    pub http_method: String,
    /// The parameters.
    #[serde(default, deserialize_with = "or_empty")]
    pub parameters: Vec<AgentParameter>,
    #[serde(default, deserialize_with = "or_empty")]
    request_body: RequestBody,
    /// The user's input.
    #[serde(default, deserialize_with = "or_empty")]
    pub input_text: String,
    /// The id of the session.
    #[serde(default, deserialize_with = "or_empty")]
    pub session_id: String,
    /// Attributes of the session.
    #[serde(default, deserialize_with = "or_empty")]
    pub session_attributes: BTreeMap<String, String>,
    /// Attributes of the turn.
    #[serde(default, deserialize_with = "or_empty")]
    pub prompt_session_attributes: BTreeMap<String, String>,
}

prints!(AgentRequest: action_group, function, api_path, http_method);

/// A parameter that an agent extracted from the user's input.
#[derive(Clone, Deserialize)]
pub struct AgentParameter {
    /// The parameter's name.
    pub name: String,
    /// The parameter's type, such as `string` or `integer`.
    #[serde(rename = "type", default, deserialize_with = "or_empty")]
    pub kind: String,
    /// The parameter's value, as a string.
    #[serde(default, deserialize_with = "or_empty")]
    pub value: String,
}

prints!(AgentParameter: name, kind);

#[derive(Clone, Default, Deserialize)]
struct RequestBody {
    content: BTreeMap<String, Content>,
}

#[derive(Clone, Default, Deserialize)]
struct Content {
    #[serde(default, deserialize_with = "or_empty")]
    properties: Vec<AgentParameter>,
}

impl AgentRequest {
    /// Returns a parameter, or a property of the body, by its name; or an empty text.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        let bodies = self.request_body.content.values();
        let mut all = self.parameters.iter().chain(bodies.flat_map(|body| &body.properties));
        all.find(|parameter| parameter.name == name).map_or("", |parameter| &parameter.value)
    }
}

/// The response of an action group to a Bedrock agent.
///
/// ```
/// use apptheory_core::events::AgentAnswer;
///
/// let answer = AgentAnswer::text("it is sunny").session_attribute("city", "Oslo");
/// let ask_again = AgentAnswer::text("which city is meant?").reprompt();
/// ```
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AgentAnswer {
    body: String,
    ending: Ending,
    session_attributes: BTreeMap<String, String>,
}

prints!(AgentAnswer: ending);

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
enum Ending {
    Success,
    Reprompt,
    Failure,
}

impl AgentAnswer {
    /// Responds with a text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let (body, session_attributes) = (text.into(), BTreeMap::new());
        Self { body, ending: Ending::Success, session_attributes }
    }

    /// Responds with JSON.
    #[must_use]
    pub fn json(value: &Json) -> Self {
        Self::text(json::to_text(value))
    }

    /// Makes the agent prompt again, with the response as a hint; for an operation, with status
    /// 400.
    #[must_use]
    pub fn reprompt(self) -> Self {
        Self { ending: Ending::Reprompt, ..self }
    }

    /// Ends the session with a failure; for an operation, with status 500.
    #[must_use]
    pub fn failure(self) -> Self {
        Self { ending: Ending::Failure, ..self }
    }

    /// Sets an attribute of the session. Others stay.
    #[must_use]
    pub fn session_attribute(mut self, name: &str, value: impl Into<String>) -> Self {
        self.session_attributes.insert(name.into(), value.into());
        self
    }
}

/// Returns the action group of an event.
pub(super) fn group_of(event: Object<'_, '_>) -> Option<String> {
    let text = |name| event.get(name).ok().and_then(|value| value.filled_text());
    text("messageVersion")?;
    event.get("agent").ok().filter(|agent| agent.is_object())?;
    text("function").or_else(|| text("apiPath"))?;
    text("actionGroup").map(|group| group.into_owned())
}

/// Builds the response of a function or of an operation, with the names in the event.
pub(super) fn answer(event: &RawEvent<'_>, output: Json) -> Result<Json, AppError> {
    let not_accepted =
        |_| NotAccepted { service: "a Bedrock agent", why: "it is not an `AgentAnswer`" };
    let AgentAnswer { body, ending, session_attributes } =
        serde_json::from_value(output).map_err(not_accepted)?;
    let asked: AgentRequest = json::read(event.as_json().as_bytes())?;
    let mut response = Map::new();
    response.insert("actionGroup".into(), asked.action_group.into());
    if asked.function.is_empty() {
        let status = match ending {
            Ending::Success => 200,
            Ending::Reprompt => 400,
            Ending::Failure => 500,
        };
        response.insert("apiPath".into(), asked.api_path.into());
        response.insert("httpMethod".into(), asked.http_method.into());
        response.insert("httpStatusCode".into(), status.into());
        response.insert("responseBody".into(), json!({"application/json": {"body": body}}));
    } else {
        let state = match ending {
            Ending::Success => None,
            Ending::Reprompt => Some("REPROMPT"),
            Ending::Failure => Some("FAILURE"),
        };
        let mut answer = Map::new();
        answer.insert("responseBody".into(), json!({"TEXT": {"body": body}}));
        answer.extend(state.map(|state| ("responseState".into(), state.into())));
        response.insert("function".into(), asked.function.into());
        response.insert("functionResponse".into(), answer.into());
    }
    let mut attributes = asked.session_attributes;
    attributes.extend(session_attributes);
    Ok(json!({
        "messageVersion": "1.0",
        "response": response,
        "sessionAttributes": attributes,
        "promptSessionAttributes": asked.prompt_session_attributes,
    }))
}
