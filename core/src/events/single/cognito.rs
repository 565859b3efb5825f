//! Triggers of Cognito user pools: events and responses.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json, json};

use super::NotAccepted;
use crate::document::Object;
use crate::error::AppError;
use crate::events::envelopes::or_empty;
use crate::events::raw::RawEvent;
use crate::json;
use crate::printing::prints;

/// The triggers of a Cognito user pool.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CognitoTrigger {
    /// A user signs up, or an administrator creates a user: decides whether this is allowed.
    PreSignUp,
    /// A user was confirmed, or has set a new password.
    PostConfirmation,
    /// A user signs in: decides whether this is allowed.
    PreAuthentication,
    /// A user has signed in.
    PostAuthentication,
    /// Tokens are issued: changes their claims and scopes.
    PreTokenGeneration,
    /// A message is sent: changes its text.
    CustomMessage,
    /// A user answers challenges: chooses the next one.
    DefineAuthChallenge,
    /// A challenge is needed: creates it.
    CreateAuthChallenge,
    /// A challenge was answered: checks the answer.
    VerifyAuthChallenge,
    /// A user is unknown: looks the user up in another directory.
    UserMigration,
    /// Sends a code by SMS.
    CustomSmsSender,
    /// Sends a code by email.
    CustomEmailSender,
}

impl CognitoTrigger {
    /// All triggers.
    pub const ALL: [Self; 12] = [
        Self::PreSignUp,
        Self::PostConfirmation,
        Self::PreAuthentication,
        Self::PostAuthentication,
        Self::PreTokenGeneration,
        Self::CustomMessage,
        Self::DefineAuthChallenge,
        Self::CreateAuthChallenge,
        Self::VerifyAuthChallenge,
        Self::UserMigration,
        Self::CustomSmsSender,
        Self::CustomEmailSender,
    ];

    /// Returns the prefix of `triggerSource` in its events, before a `_` (*Amazon Cognito Developer
    /// Guide*, "User pool Lambda trigger sources").
    const fn prefix(self) -> &'static str {
        match self {
            Self::PreSignUp => "PreSignUp",
            Self::PostConfirmation => "PostConfirmation",
            Self::PreAuthentication => "PreAuthentication",
            Self::PostAuthentication => "PostAuthentication",
            Self::PreTokenGeneration => "TokenGeneration",
            Self::CustomMessage => "CustomMessage",
            Self::DefineAuthChallenge => "DefineAuthChallenge",
            Self::CreateAuthChallenge => "CreateAuthChallenge",
            Self::VerifyAuthChallenge => "VerifyAuthChallengeResponse",
            Self::UserMigration => "UserMigration",
            Self::CustomSmsSender => "CustomSMSSender",
            Self::CustomEmailSender => "CustomEmailSender",
        }
    }

    /// Returns the trigger of an event; `None` for another service, and for an unknown trigger.
    pub(super) fn of(event: Object<'_, '_>) -> Option<Self> {
        let source = event.get("triggerSource").ok()?;
        event.get("userPoolId").ok()?.filled_text()?;
        event.get("request").ok().filter(|request| request.is_object())?;
        let source = source.trimmed();
        let (prefix, _) = source.split_once('_')?;
        Self::ALL.into_iter().find(|trigger| trigger.prefix() == prefix)
    }
}

/// The event of a Cognito trigger. Missing values are empty; contents are not printed.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CognitoEvent {
    /// The version of the event, from the trigger's configuration: `1`, `2` or `3`.
    #[serde(default, deserialize_with = "or_empty")]
    pub version: String,
    /// The source, such as `PreSignUp_ExternalProvider`.
    pub trigger_source: String,
    /// The region.
    #[serde(default, deserialize_with = "or_empty")]
    pub region: String,
    /// The user pool.
    pub user_pool_id: String,
    /// The user's name.
    #[serde(default, deserialize_with = "or_empty")]
    pub user_name: String,
    /// The calling application and its SDK.
    #[serde(default, deserialize_with = "or_empty")]
    pub caller_context: CognitoCaller,
    /// The trigger's data.
    pub request: CognitoRequest,
}

prints!(CognitoEvent: trigger_source, user_pool_id);

/// The application that calls a Cognito user pool.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CognitoCaller {
    /// The id of the app client.
    #[serde(deserialize_with = "or_empty")]
    pub client_id: String,
    /// The SDK and its version.
    #[serde(deserialize_with = "or_empty")]
    pub aws_sdk_version: String,
}

/// The data of a Cognito trigger. Each trigger sets some fields; the others are empty. Contents are
/// not printed.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CognitoRequest {
    /// The user's attributes, such as `email` or `cognito:user_status`.
    #[serde(deserialize_with = "texts")]
    pub user_attributes: BTreeMap<String, String>,
    /// Data from the application.
    #[serde(deserialize_with = "texts")]
    pub client_metadata: BTreeMap<String, String>,
    /// Data from the application for validating sign-up, sign-in and migration.
    #[serde(deserialize_with = "texts")]
    pub validation_data: BTreeMap<String, String>,
    /// Whether the user is unknown. Only set by user pools that hide from clients which users
    /// exist.
    #[serde(deserialize_with = "or_empty")]
    pub user_not_found: bool,
    /// Whether the user signed in on a new device; set after signing in.
    #[serde(deserialize_with = "or_empty")]
    pub new_device_used: bool,
    /// The password of a user to migrate.
    #[serde(deserialize_with = "or_empty")]
    pub password: String,
    /// The results of the user's challenges.
    #[serde(deserialize_with = "or_empty")]
    pub session: Vec<ChallengeResult>,
    /// The name of the challenge to create.
    #[serde(deserialize_with = "or_empty")]
    pub challenge_name: String,
    /// The user's answer to a challenge.
    #[serde(deserialize_with = "or_empty")]
    pub challenge_answer: String,
    /// The challenge's private parameters, for checking the answer.
    #[serde(deserialize_with = "texts")]
    pub private_challenge_parameters: BTreeMap<String, String>,
    /// The user's groups, when tokens are issued.
    #[serde(deserialize_with = "or_empty")]
    pub group_configuration: CognitoGroups,
    /// The requested scopes of a token.
    #[serde(deserialize_with = "or_empty")]
    pub scopes: Vec<String>,
    /// The placeholder for the code in a message.
    #[serde(deserialize_with = "or_empty")]
    pub code_parameter: String,
    /// The placeholder for the user in a message.
    #[serde(deserialize_with = "or_empty")]
    pub username_parameter: String,
    /// The placeholder for the link in a message.
    #[serde(deserialize_with = "or_empty")]
    pub link_parameter: String,
    /// The code to send, encrypted by the AWS Encryption SDK with the user pool's key.
    #[serde(deserialize_with = "or_empty")]
    pub code: String,
}

prints!(CognitoRequest: user_not_found, challenge_name);

impl CognitoRequest {
    /// Returns an attribute of the user, or an empty text.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.user_attributes.get(name).map_or("", String::as_str)
    }
}

/// The result of a challenge.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeResult {
    /// The challenge, such as `CUSTOM_CHALLENGE` or `SRP_A`.
    pub challenge_name: String,
    /// Whether the answer was correct.
    #[serde(default, deserialize_with = "or_empty")]
    pub challenge_result: bool,
    /// The challenge's metadata.
    #[serde(default, deserialize_with = "or_empty")]
    pub challenge_metadata: String,
}

/// The groups of a user, and their roles.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CognitoGroups {
    /// The groups.
    #[serde(deserialize_with = "or_empty")]
    pub groups_to_override: Vec<String>,
    /// The ARNs of the roles.
    #[serde(deserialize_with = "or_empty")]
    pub iam_roles_to_override: Vec<String>,
    /// The ARN of the preferred role.
    pub preferred_role: Option<String>,
}

/// The response to a sign-up. Return an error to refuse the user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignUp {
    /// Whether the user is confirmed automatically.
    pub auto_confirm_user: bool,
    /// Whether the user's email address counts as verified.
    pub auto_verify_email: bool,
    /// Whether the user's phone number counts as verified.
    pub auto_verify_phone: bool,
}

/// The texts of a message; `None` keeps the user pool's text. A text must contain the placeholder
/// for the code or the link.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CognitoMessage {
    /// The SMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_message: Option<String>,
    /// The email, which may be HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_message: Option<String>,
    /// The email's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_subject: Option<String>,
}

/// The next step for a user who answers challenges.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NextChallenge {
    /// Present the challenge of this name, such as `CUSTOM_CHALLENGE`.
    Ask(String),
    /// Issue tokens: the user is signed in.
    IssueTokens,
    /// Refuse the user.
    Fail,
}

impl Serialize for NextChallenge {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = if let Self::Ask(name) = self { Some(name) } else { None };
        let (issues, fails) = (*self == Self::IssueTokens, *self == Self::Fail);
        json!({"challengeName": name, "issueTokens": issues, "failAuthentication": fails})
            .serialize(serializer)
    }
}

/// A challenge for a user.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// The parameters for the client.
    pub public_challenge_parameters: BTreeMap<String, String>,
    /// The parameters for checking the answer; clients do not see them.
    pub private_challenge_parameters: BTreeMap<String, String>,
    /// The challenge's metadata, for choosing the next challenge.
    pub challenge_metadata: String,
}

prints!(Challenge: challenge_metadata);

/// Says whether the answer to a challenge is correct.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeVerdict {
    /// Whether the answer is correct.
    pub answer_correct: bool,
}

/// A user from another directory. For an unknown user, return an error.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigratedUser {
    /// The user's attributes.
    pub user_attributes: BTreeMap<String, String>,
    /// `CONFIRMED` for a user who need not set a new password; otherwise the user must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_user_status: Option<String>,
    /// `SUPPRESS` to send no welcome message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_action: Option<String>,
    /// How to send the welcome message: `EMAIL`, `SMS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub desired_delivery_mediums: Vec<String>,
    /// Whether to move an email address or phone number that is another user's alias to this user.
    pub force_alias_creation: bool,
}

prints!(MigratedUser: final_user_status, message_action);

/// Changes of a user's tokens. Changes of access tokens and scopes require version 2 or 3 of the
/// trigger: version 1 would ignore them, so the invocation fails.
///
/// ```
/// use apptheory_core::events::TokenClaims;
///
/// let claims = TokenClaims::default().id_claim("plan", "pro").without_id_claim("phone_number");
/// ```
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenClaims {
    id: ClaimChanges,
    access: ClaimChanges,
    scopes_to_add: Vec<String>,
    scopes_to_suppress: Vec<String>,
    groups: Option<CognitoGroups>,
    /// The original response; if set, the other fields are ignored.
    written: Option<Map<String, Json>>,
}

#[derive(Clone, Default, Deserialize, Serialize)]
struct ClaimChanges {
    set: Map<String, Json>,
    suppress: Vec<String>,
}

prints!(TokenClaims: scopes_to_add, scopes_to_suppress);

impl TokenClaims {
    /// Creates the claims of a response that is passed on unchanged.
    pub(super) fn of_written(response: Map<String, Json>) -> Self {
        Self { written: Some(response), ..Self::default() }
    }

    /// Sets a claim of the ID token. With version 1 of the trigger it must be a string.
    #[must_use]
    pub fn id_claim(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.id.set.insert(name.to_string(), value.into());
        self
    }

    /// Removes a claim from the ID token.
    #[must_use]
    pub fn without_id_claim(mut self, name: &str) -> Self {
        self.id.suppress.push(name.to_string());
        self
    }

    /// Sets a claim of the access token.
    #[must_use]
    pub fn access_claim(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.access.set.insert(name.to_string(), value.into());
        self
    }

    /// Removes a claim from the access token.
    #[must_use]
    pub fn without_access_claim(mut self, name: &str) -> Self {
        self.access.suppress.push(name.to_string());
        self
    }

    /// Adds a scope to the access token.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        self.scopes_to_add.push(scope.to_string());
        self
    }

    /// Removes a scope from the access token.
    #[must_use]
    pub fn without_scope(mut self, scope: &str) -> Self {
        self.scopes_to_suppress.push(scope.to_string());
        self
    }

    /// Sets the groups, and the roles of both tokens.
    #[must_use]
    pub fn groups(self, groups: CognitoGroups) -> Self {
        Self { groups: Some(groups), ..self }
    }

    /// Returns the members of the response, in the form of the trigger's version.
    fn write(self, version: &str) -> Result<Json, NotAccepted> {
        let Self { id, access, scopes_to_add, scopes_to_suppress, groups, written } = self;
        if let Some(response) = written {
            let details = if version == "1" { CLAIMS } else { CLAIMS_AND_SCOPES };
            return match response.keys().all(|name| name == details) {
                true => Ok(response.into()),
                false => Err(not_accepted(
                    "version 1 of the trigger reads `claimsOverrideDetails`, and later ones \
                     `claimsAndScopeOverrideDetails`",
                )),
            };
        }
        let mut details = Map::new();
        if let Some(groups) = groups {
            details.insert("groupOverrideDetails".to_string(), json!(groups));
        }
        if version != "1" {
            let mut access = access.write();
            access.insert("scopesToAdd".to_string(), json!(scopes_to_add));
            access.insert("scopesToSuppress".to_string(), json!(scopes_to_suppress));
            details.insert("idTokenGeneration".to_string(), id.write().into());
            details.insert("accessTokenGeneration".to_string(), access.into());
            return Ok(json!({CLAIMS_AND_SCOPES: details}));
        }
        let changes_access = !access.set.is_empty() || !access.suppress.is_empty();
        if changes_access || !scopes_to_add.is_empty() || !scopes_to_suppress.is_empty() {
            return Err(not_accepted(
                "version 1 of the trigger changes ID tokens alone: set the trigger's version to 2",
            ));
        }
        if !id.set.values().all(Json::is_string) {
            return Err(not_accepted("with version 1 of the trigger, claims must be strings"));
        }
        details.extend(id.write());
        Ok(json!({CLAIMS: details}))
    }
}

impl ClaimChanges {
    fn write(self) -> Map<String, Json> {
        let Self { set, suppress } = self;
        [
            ("claimsToAddOrOverride".to_string(), set.into()),
            ("claimsToSuppress".to_string(), json!(suppress)),
        ]
        .into_iter()
        .collect()
    }
}

/// Builds the response: the event with the answer added to the members of its `response`.
pub(super) fn answer(
    trigger: CognitoTrigger,
    event: &RawEvent<'_>,
    output: Json,
) -> Result<Json, AppError> {
    let mut whole: Map<String, Json> = json::read(event.as_json().as_bytes())?;
    let output = if trigger == CognitoTrigger::PreTokenGeneration && !output.is_null() {
        let claims: TokenClaims = serde_json::from_value(output)
            .map_err(|_| not_accepted("it is not a `TokenClaims`"))?;
        claims.write(whole.get("version").and_then(Json::as_str).unwrap_or_default())?
    } else {
        output
    };
    match output {
        Json::Null => {}
        Json::Object(members) => {
            let response = whole.entry("response").or_insert(Json::Null);
            match response.as_object_mut() {
                Some(response) => response.extend(members),
                None => *response = members.into(),
            }
        }
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            return Err(not_accepted("it is not an object").into());
        }
    }
    Ok(whole.into())
}

/// The member in responses of version 1, and in those of later versions.
const CLAIMS: &str = "claimsOverrideDetails";
const CLAIMS_AND_SCOPES: &str = "claimsAndScopeOverrideDetails";

pub(super) const fn not_accepted(why: &'static str) -> NotAccepted {
    NotAccepted { service: "Cognito", why }
}

/// Deserializes strings by name. Cognito sends strings; its examples also contain booleans.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let read: BTreeMap<String, Json> = or_empty(deserializer)?;
    let filled = read.into_iter().filter(|(_, value)| !value.is_null());
    let text = |value: Json| match value.as_str() {
        Some(text) => text.to_string(),
        None => json::to_text(&value),
    };
    Ok(filled.map(|(name, value)| (name, text(value))).collect())
}

#[cfg(test)]
mod tests;
