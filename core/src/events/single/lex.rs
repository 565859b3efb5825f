//! Turns of Amazon Lex bots, version 2.

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

/// A turn of a conversation with an Amazon Lex bot (version 2), in which the bot asks the function
/// how to continue. Missing values are empty; the user's input is not printed.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LexTurn {
    /// Why the bot calls the function.
    pub invocation_source: LexSource,
    /// The session's id, which is the same for all turns of a conversation.
    #[serde(default, deserialize_with = "or_empty")]
    pub session_id: String,
    /// The user's input as text.
    #[serde(default, deserialize_with = "or_empty")]
    pub input_transcript: String,
    /// The kind of input: `Text`, `Speech` or `DTMF`.
    #[serde(default, deserialize_with = "or_empty")]
    pub input_mode: String,
    /// The label of the calling code hook; empty if it has none.
    #[serde(default, deserialize_with = "or_empty")]
    pub invocation_label: String,
    /// The bot.
    #[serde(default, deserialize_with = "or_empty")]
    pub bot: LexBot,
    session_state: Session,
    /// The attributes that the client sent with this turn.
    #[serde(default, deserialize_with = "or_empty")]
    pub request_attributes: BTreeMap<String, String>,
}

prints!(LexTurn: invocation_source, session_id, bot, session_state);

/// Why a bot calls the function.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
pub enum LexSource {
    /// To validate the user's input in a dialog.
    DialogCodeHook,
    /// To fulfill the intent, because all slots are filled.
    FulfillmentCodeHook,
}

/// A Lex bot.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LexBot {
    /// The bot's id.
    #[serde(default, deserialize_with = "or_empty")]
    pub id: String,
    /// The bot's name.
    #[serde(default, deserialize_with = "or_empty")]
    pub name: String,
    /// The alias that the user talks to.
    #[serde(default, deserialize_with = "or_empty")]
    pub alias_name: String,
    /// The language, such as `en_US`.
    #[serde(default, deserialize_with = "or_empty")]
    pub locale_id: String,
    /// The bot's version, such as `1` or `DRAFT`.
    #[serde(default, deserialize_with = "or_empty")]
    pub version: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    intent: Intent,
    #[serde(default, deserialize_with = "or_empty")]
    session_attributes: BTreeMap<String, String>,
}

prints!(Session: intent);

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent {
    name: String,
    #[serde(default, deserialize_with = "or_empty")]
    confirmation_state: String,
    /// Null for slots without a value.
    #[serde(default, deserialize_with = "or_empty")]
    slots: BTreeMap<String, Option<Slot>>,
}

prints!(Intent: name, confirmation_state);

#[derive(Clone, Deserialize)]
struct Slot {
    #[serde(default)]
    value: Option<SlotValue>,
    /// The values of a slot with several.
    #[serde(default, deserialize_with = "or_empty")]
    values: Vec<Self>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SlotValue {
    #[serde(default, deserialize_with = "or_empty")]
    original_value: String,
    #[serde(default)]
    interpreted_value: Option<String>,
}

impl Slot {
    /// Returns the value as Lex interprets it, or the original value if Lex cannot interpret it.
    fn text(&self) -> &str {
        let Some(SlotValue { original_value, interpreted_value }) = &self.value else { return "" };
        interpreted_value.as_ref().unwrap_or(original_value)
    }
}

impl LexTurn {
    /// Returns the name of the intent.
    #[must_use]
    pub fn intent(&self) -> &str {
        &self.session_state.intent.name
    }

    /// Returns whether the user has confirmed the intent.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.session_state.intent.confirmation_state == "Confirmed"
    }

    /// Returns whether the user was asked to confirm the intent, and denied it.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.session_state.intent.confirmation_state == "Denied"
    }

    /// Returns the value of a slot, as Lex interprets it; or an empty text.
    #[must_use]
    pub fn slot(&self, name: &str) -> &str {
        self.filled(name).map_or("", Slot::text)
    }

    /// Yields the values of a slot with several, or the single value of any other slot.
    pub fn slot_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let (one, several) = match self.filled(name) {
            Some(slot) if slot.values.is_empty() => (Some(slot.text()), &[][..]),
            Some(slot) => (None, &*slot.values),
            None => (None, &[][..]),
        };
        one.into_iter().filter(|text| !text.is_empty()).chain(several.iter().map(Slot::text))
    }

    fn filled(&self, name: &str) -> Option<&Slot> {
        self.session_state.intent.slots.get(name)?.as_ref()
    }

    /// Returns an attribute of the session; or an empty text.
    #[must_use]
    pub fn session_attribute(&self, name: &str) -> &str {
        self.session_state.session_attributes.get(name).map_or("", |kept| kept)
    }
}

/// The bot's next step and its messages. Slots, contexts and session attributes stay unchanged
/// unless the response changes them.
///
/// ```
/// use apptheory_core::events::LexAnswer;
///
/// let ask_again = LexAnswer::elicit_slot("Size").say("Small or large?");
/// let done = LexAnswer::fulfilled().say("It is on its way.").session_attribute("last", "tea");
/// ```
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LexAnswer {
    next: Next,
    messages: Vec<Message>,
    slots: BTreeMap<String, String>,
    session_attributes: BTreeMap<String, String>,
}

prints!(LexAnswer: next);

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
enum Next {
    Delegate,
    ElicitSlot(String),
    ConfirmIntent,
    ElicitIntent,
    Fulfilled,
    Failed,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    content_type: MessageType,
    content: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
enum MessageType {
    PlainText,
    #[serde(rename = "SSML")]
    Ssml,
    CustomPayload,
}

impl LexAnswer {
    const fn new(next: Next) -> Self {
        Self {
            next,
            messages: Vec::new(),
            slots: BTreeMap::new(),
            session_attributes: BTreeMap::new(),
        }
    }

    /// Lets the bot continue as configured: elicit the next slot, ask for confirmation, or fulfill
    /// the intent.
    #[must_use]
    pub const fn delegate() -> Self {
        Self::new(Next::Delegate)
    }

    /// Makes the bot ask for a slot, and removes its value. Without a message the bot uses its own
    /// prompt.
    #[must_use]
    pub fn elicit_slot(name: impl Into<String>) -> Self {
        Self::new(Next::ElicitSlot(name.into()))
    }

    /// Makes the bot ask for confirmation of the intent.
    #[must_use]
    pub const fn confirm() -> Self {
        Self::new(Next::ConfirmIntent)
    }

    /// Makes the bot ask for an intent with this text; bots have no prompt for this.
    #[must_use]
    pub fn elicit_intent(text: impl Into<String>) -> Self {
        Self::new(Next::ElicitIntent).say(text)
    }

    /// Ends the intent: it is fulfilled.
    #[must_use]
    pub const fn fulfilled() -> Self {
        Self::new(Next::Fulfilled)
    }

    /// Ends the intent: it cannot be fulfilled.
    #[must_use]
    pub const fn failed() -> Self {
        Self::new(Next::Failed)
    }

    /// Adds a message of 1 to 1024 characters. A turn has at most five messages.
    #[must_use]
    pub fn say(self, text: impl Into<String>) -> Self {
        self.message(MessageType::PlainText, text.into())
    }

    /// Adds a message like [`say`](Self::say), with SSML.
    #[must_use]
    pub fn say_ssml(self, text: impl Into<String>) -> Self {
        self.message(MessageType::Ssml, text.into())
    }

    /// Adds a message like [`say`](Self::say), in a custom format of the client.
    #[must_use]
    pub fn say_custom(self, payload: impl Into<String>) -> Self {
        self.message(MessageType::CustomPayload, payload.into())
    }

    fn message(mut self, content_type: MessageType, content: String) -> Self {
        self.messages.push(Message { content_type, content });
        self
    }

    /// Sets a slot, as if the user had said the value.
    #[must_use]
    pub fn slot(mut self, name: &str, value: impl Into<String>) -> Self {
        self.slots.insert(name.into(), value.into());
        self
    }

    /// Sets an attribute of the session. Others stay.
    #[must_use]
    pub fn session_attribute(mut self, name: &str, value: impl Into<String>) -> Self {
        self.session_attributes.insert(name.into(), value.into());
        self
    }
}

/// The most messages of a turn (*Amazon Lex V2 Developer Guide*, "Lambda response format").
const MAX_MESSAGES: usize = 5;

/// The longest message (*Amazon Lex V2 API Reference*, `Message`).
const MAX_MESSAGE_CHARS: usize = 1024;

/// Returns the intent of an event.
pub(super) fn intent_of(event: Object<'_, '_>) -> Option<String> {
    event.get("invocationSource").ok()?.filled_text()?;
    event.get("bot").ok().filter(|bot| bot.is_object())?;
    let state = event.get("sessionState").ok()?.object().ok()?;
    let intent = state.get("intent").ok()?.object().ok()?;
    intent.get("name").ok()?.filled_text().map(|name| name.into_owned())
}

/// Builds the response: the session's state, with the handler's changes.
pub(super) fn answer(event: &RawEvent<'_>, output: Json) -> Result<Json, AppError> {
    let LexAnswer { next, messages, slots, session_attributes } =
        serde_json::from_value(output).map_err(|_| not_accepted("it is not a `LexAnswer`"))?;
    if messages.len() > MAX_MESSAGES {
        return Err(not_accepted("a turn has at most 5 messages").into());
    }
    let mut lengths = messages.iter().map(|message| message.content.chars().count());
    if lengths.any(|length| !(1..=MAX_MESSAGE_CHARS).contains(&length)) {
        return Err(not_accepted("a message must have 1 to 1024 characters").into());
    }
    let StateOf { session_state: mut state } = json::read(event.as_json().as_bytes())?;
    let mut intent = take(&mut state, "intent");
    let mut filled = take(&mut intent, "slots");
    filled.extend(slots.into_iter().map(|(name, value)| (name, scalar(&value))));
    if let Next::ElicitSlot(name) = &next {
        filled.insert(name.clone(), Json::Null);
    }
    intent.insert("slots".into(), filled.into());
    let (kind, intent_state) = match &next {
        Next::Delegate => ("Delegate", None),
        Next::ElicitSlot(_) => ("ElicitSlot", Some("InProgress")),
        Next::ConfirmIntent => ("ConfirmIntent", Some("InProgress")),
        Next::ElicitIntent => ("ElicitIntent", None),
        Next::Fulfilled => ("Close", Some("Fulfilled")),
        Next::Failed => ("Close", Some("Failed")),
    };
    intent.extend(intent_state.map(|state| ("state".into(), state.into())));
    if next != Next::ElicitIntent {
        // There is no intent until the user chooses one.
        state.insert("intent".into(), intent.into());
    }
    let mut action = Map::new();
    action.insert("type".into(), kind.into());
    if let Next::ElicitSlot(name) = next {
        action.insert("slotToElicit".into(), name.into());
    }
    state.insert("dialogAction".into(), action.into());
    let mut kept = take(&mut state, "sessionAttributes");
    kept.extend(session_attributes.into_iter().map(|(name, value)| (name, value.into())));
    state.insert("sessionAttributes".into(), kept.into());
    let mut answer = Map::new();
    answer.insert("sessionState".into(), state.into());
    if !messages.is_empty() {
        // Lex requires a list of at least one message.
        answer.insert("messages".into(), json!(messages));
    }
    Ok(answer.into())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateOf {
    session_state: Map<String, Json>,
}

/// Removes the object under a name from another; returns an empty object if it is missing.
fn take(object: &mut Map<String, Json>, name: &str) -> Map<String, Json> {
    match object.remove(name) {
        Some(Json::Object(members)) => members,
        Some(_) | None => Map::new(),
    }
}

/// Returns a slot's value in the form of Lex.
fn scalar(value: &str) -> Json {
    json!({"shape": "Scalar", "value": {
        "originalValue": value, "interpretedValue": value, "resolvedValues": [value]}})
}

const fn not_accepted(why: &'static str) -> NotAccepted {
    NotAccepted { service: "a Lex bot", why }
}

#[cfg(test)]
mod tests;
