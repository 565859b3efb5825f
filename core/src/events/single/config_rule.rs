//! Custom rules of AWS Config.

use alloc::string::String;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::document::Object;
use crate::events::envelopes::or_empty;
use crate::json::{self, Misread};
use crate::printing::prints;

/// An evaluation that AWS Config requests from a custom rule.
///
/// AWS Config ignores the response: report with `PutEvaluations` and the
/// [token](Self::result_token).
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigEvaluation {
    /// The rule's name.
    pub config_rule_name: String,
    /// The rule's ARN.
    #[serde(default, deserialize_with = "or_empty")]
    pub config_rule_arn: String,
    /// The account.
    #[serde(default, deserialize_with = "or_empty")]
    pub account_id: String,
    /// The token for reporting the evaluation.
    pub result_token: String,
    /// Whether the resource has left the scope of the rule.
    #[serde(default, deserialize_with = "or_empty")]
    pub event_left_scope: bool,
    invoking_event: String,
    #[serde(default, deserialize_with = "or_empty")]
    rule_parameters: String,
}

prints!(ConfigEvaluation: config_rule_name, event_left_scope);

impl ConfigEvaluation {
    /// Deserializes the invoking event: `messageType` says whether it is a change of a resource
    /// (`configurationItem`), or a scheduled notification.
    ///
    /// # Errors
    ///
    /// [`Misread`] if it is not a valid `T`.
    pub fn invoking_event<T: DeserializeOwned>(&self) -> Result<T, Misread> {
        json::read(self.invoking_event.as_bytes())
    }

    /// Deserializes the parameters of the rule: an object of strings, which may be empty.
    ///
    /// # Errors
    ///
    /// [`Misread`] if they are not a valid `T`.
    pub fn rule_parameters<T: DeserializeOwned>(&self) -> Result<T, Misread> {
        match self.rule_parameters.trim() {
            "" => json::read(b"{}"),
            parameters => json::read(parameters.as_bytes()),
        }
    }
}

/// Returns the rule of an event.
pub(super) fn rule_of(event: Object<'_, '_>) -> Option<String> {
    let text = |name| event.get(name).ok().and_then(|value| value.filled_text());
    text("invokingEvent")?;
    text("resultToken")?;
    text("configRuleName").map(|name| name.into_owned())
}
