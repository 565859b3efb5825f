//! Events of Bedrock agents, Lex bots and Amazon Connect flows.

use apptheory_core::events::LexSource;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ACCOUNT, REGION};
use crate::testkit::{TestAnswer, TestApp, json_of};

/// Creates a Bedrock agent's call of a function of an action group, with parameters from an object
/// of texts, numbers and Booleans.
///
/// # Panics
///
/// If the parameters cannot be written as JSON.
#[must_use]
pub fn bedrock_agent<T: Serialize + ?Sized>(
    action_group: &str,
    function: &str,
    parameters: &T,
) -> Value {
    let mut event = asked_by_agent(action_group, parameters);
    event["function"] = function.into();
    event
}

/// Creates a Bedrock agent's call of an operation of an action group's API.
///
/// # Panics
///
/// If the parameters cannot be written as JSON.
#[must_use]
pub fn bedrock_operation<T: Serialize + ?Sized>(
    action_group: &str,
    method: &str,
    path: &str,
    parameters: &T,
) -> Value {
    let mut event = asked_by_agent(action_group, parameters);
    event["httpMethod"] = method.into();
    event["apiPath"] = path.into();
    event
}

fn asked_by_agent<T: Serialize + ?Sized>(action_group: &str, parameters: &T) -> Value {
    let parameters = json_of(parameters);
    let parameters = parameters.as_object().into_iter().flatten().map(|(name, value)| {
        let (kind, text) = match value {
            Value::String(text) => ("string", text.clone()),
            Value::Number(number) => ("number", number.to_string()),
            Value::Bool(flag) => ("boolean", flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => ("string", value.to_string()),
        };
        json!({"name": name, "type": kind, "value": text})
    });
    json!({
        "messageVersion": "1.0",
        "agent": {"name": "test", "id": "AGENT1", "alias": "ALIAS1", "version": "1"},
        "inputText": "",
        "sessionId": "session-1",
        "actionGroup": action_group.trim(),
        "parameters": parameters.collect::<Vec<_>>(),
        "sessionAttributes": {},
        "promptSessionAttributes": {},
    })
}

/// A turn of a conversation with a Lex bot, in the session `session-1`. The name of an intent
/// converts into a turn.
#[derive(Clone, Debug)]
pub struct LexEntry {
    intent: String,
    source: LexSource,
    confirmation: &'static str,
    slots: Map<String, Value>,
    attributes: Map<String, Value>,
    transcript: String,
}

impl LexEntry {
    /// Creates a turn in the dialog of an intent.
    #[must_use]
    pub fn new(intent: &str) -> Self {
        Self {
            intent: intent.trim().to_owned(),
            source: LexSource::DialogCodeHook,
            confirmation: "None",
            slots: Map::new(),
            attributes: Map::new(),
            transcript: String::new(),
        }
    }

    /// Makes this the turn in which the intent is fulfilled.
    #[must_use]
    pub fn fulfillment(self) -> Self {
        Self { source: LexSource::FulfillmentCodeHook, ..self }
    }

    /// Sets whether the user has confirmed or denied the intent.
    #[must_use]
    pub fn confirmed(self, is_confirmed: bool) -> Self {
        Self { confirmation: if is_confirmed { "Confirmed" } else { "Denied" }, ..self }
    }

    /// Fills a slot.
    #[must_use]
    pub fn slot(mut self, name: &str, value: &str) -> Self {
        let value = json!({"shape": "Scalar", "value": {
            "originalValue": value, "interpretedValue": value, "resolvedValues": [value]}});
        self.slots.insert(name.to_owned(), value);
        self
    }

    /// Adds a session attribute.
    #[must_use]
    pub fn session_attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the user's words.
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        Self { transcript: text.to_owned(), ..self }
    }
}

impl From<&str> for LexEntry {
    fn from(intent: &str) -> Self {
        Self::new(intent)
    }
}

/// Creates the event of a turn of a conversation with a Lex bot.
#[must_use]
pub fn lex(turn: impl Into<LexEntry>) -> Value {
    let LexEntry { intent, source, confirmation, slots, attributes, transcript } = turn.into();
    let (source, state) = match source {
        LexSource::DialogCodeHook => ("DialogCodeHook", "InProgress"),
        LexSource::FulfillmentCodeHook => ("FulfillmentCodeHook", "ReadyForFulfillment"),
    };
    let intent = json!({
        "name": intent,
        "slots": slots,
        "state": state,
        "confirmationState": confirmation,
    });
    json!({
        "messageVersion": "1.0",
        "invocationSource": source,
        "inputMode": "Text",
        "responseContentType": "text/plain; charset=utf-8",
        "sessionId": "session-1",
        "inputTranscript": transcript,
        "bot": {"id": "BOT1", "name": "test", "aliasId": "TSTALIASID", "aliasName": "TestBotAlias",
            "localeId": "en_US", "version": "DRAFT"},
        "interpretations": [{"intent": intent}],
        "sessionState": {
            "sessionAttributes": attributes,
            "activeContexts": [],
            "intent": intent,
            "originatingRequestId": "request-1",
        },
        "requestAttributes": {},
        "transcriptions": [],
    })
}

/// Creates an Amazon Connect flow's invocation of the function, with its parameters, for the
/// contact `contact-1`.
///
/// # Panics
///
/// If the parameters cannot be written as JSON.
#[must_use]
pub fn connect<T: Serialize + ?Sized>(parameters: &T) -> Value {
    let instance = format!("arn:aws:connect:{REGION}:{ACCOUNT}:instance/test");
    json!({"Name": "ContactFlowEvent", "Details": {
        "ContactData": {
            "Attributes": {},
            "Channel": "VOICE",
            "ContactId": "contact-1",
            "InitialContactId": "contact-1",
            "PreviousContactId": "contact-1",
            "InitiationMethod": "INBOUND",
            "InstanceARN": instance,
            "LanguageCode": "en-US",
            "CustomerEndpoint": {"Address": "+15550100", "Type": "TELEPHONE_NUMBER"},
            "SystemEndpoint": {"Address": "+15550199", "Type": "TELEPHONE_NUMBER"},
            "Queue": null,
        },
        "Parameters": json_of(parameters),
    }})
}

impl TestApp {
    /// Sends a Bedrock agent's call of a function of an action group.
    ///
    /// # Panics
    ///
    /// If the parameters cannot be written as JSON.
    pub fn bedrock_agent<T: Serialize + ?Sized>(
        &self,
        action_group: &str,
        function: &str,
        parameters: &T,
    ) -> TestAnswer {
        self.invoke(&bedrock_agent(action_group, function, parameters))
    }

    /// Sends a turn of a conversation with a Lex bot.
    pub fn lex(&self, turn: impl Into<LexEntry>) -> TestAnswer {
        self.invoke(&lex(turn))
    }

    /// Sends an Amazon Connect flow's invocation, with its parameters.
    ///
    /// # Panics
    ///
    /// If the parameters cannot be written as JSON.
    pub fn connect<T: Serialize + ?Sized>(&self, parameters: &T) -> TestAnswer {
        self.invoke(&connect(parameters))
    }
}
