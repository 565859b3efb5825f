//! Alarms of CloudWatch that invoke a function.

use alloc::string::String;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::document::Object;
use crate::events::envelopes::or_empty;
use crate::printing::prints;

/// A change of the state of an alarm, which invokes the function as the alarm's action.
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
    /// When it changed, as CloudWatch writes it.
    #[serde(default, deserialize_with = "or_empty")]
    pub time: String,
    /// The alarm.
    pub alarm_data: AlarmData,
}

prints!(AlarmEvent: alarm_arn, time);

/// An alarm of CloudWatch, and its state.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmData {
    /// The alarm's name.
    pub alarm_name: String,
    /// The state that it is in now.
    pub state: AlarmState,
    /// The state that it was in before.
    #[serde(default)]
    pub previous_state: Option<AlarmState>,
    /// How it is set up: its description, and its metrics or its rule.
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
    /// Why, in words.
    #[serde(default, deserialize_with = "or_empty")]
    pub reason: String,
    /// Since when, as CloudWatch writes it.
    #[serde(default, deserialize_with = "or_empty")]
    pub timestamp: String,
}

/// The name of the alarm of an event.
pub(super) fn alarm_of(event: Object<'_, '_>) -> Option<String> {
    event.get("alarmArn").ok()?.filled_text()?;
    let data = event.get("alarmData").ok()?.object().ok()?;
    data.get("state").ok().filter(|state| state.is_object())?;
    data.get("alarmName").ok()?.filled_text().map(|name| name.into_owned())
}
