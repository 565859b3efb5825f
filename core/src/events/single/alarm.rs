//! CloudWatch alarms that invoke a function.

use alloc::string::String;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::document::Object;
use crate::events::envelopes::or_empty;
use crate::printing::prints;

/// A state change of an alarm, which invokes the function as the alarm's action.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmEvent {
    /// The alarm's ARN.
    pub alarm_arn: String,
    /// The account.
    #[serde(default, deserialize_with = "or_empty")]
    pub account_id: String,
    /// The region.
    #[serde(default, deserialize_with = "or_empty")]
    pub region: String,
    /// When the state changed, in CloudWatch's format.
    #[serde(default, deserialize_with = "or_empty")]
    pub time: String,
    /// The alarm.
    pub alarm_data: AlarmData,
}

prints!(AlarmEvent: alarm_arn, time);

/// A CloudWatch alarm, with its state.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmData {
    /// The alarm's name.
    pub alarm_name: String,
    /// The new state.
    pub state: AlarmState,
    /// The state before the change.
    #[serde(default)]
    pub previous_state: Option<AlarmState>,
    /// The alarm's configuration: its description, and its metrics or rule.
    #[serde(default)]
    pub configuration: Json,
}

prints!(AlarmData: alarm_name, state);

/// The state of an alarm.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmState {
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub value: String,
    /// The reason, in words.
    #[serde(default, deserialize_with = "or_empty")]
    pub reason: String,
    /// Since when, in CloudWatch's format.
    #[serde(default, deserialize_with = "or_empty")]
    pub timestamp: String,
}

/// Returns the name of an event's alarm.
pub(super) fn alarm_of(event: Object<'_, '_>) -> Option<String> {
    event.get("alarmArn").ok()?.filled_text()?;
    let data = event.get("alarmData").ok()?.object().ok()?;
    data.get("state").ok().filter(|state| state.is_object())?;
    data.get("alarmName").ok()?.filled_text().map(|name| name.into_owned())
}
