//! Callers that AWS authenticated: by a signature, an identity pool or a certificate.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use crate::printing::prints;

/// The identity that signed a request with AWS credentials (SigV4). Missing values are `None`.
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct IamIdentity {
    /// The access key that signed the request.
    pub access_key: Option<String>,
    /// The AWS account of the caller.
    pub account_id: Option<String>,
    /// The unique id of the caller: `{role id}:{session name}` for a role.
    pub caller_id: Option<String>,
    /// The organization of the caller's account.
    pub principal_org_id: Option<String>,
    /// The ARN of the user, or of the role's session. Always compare the whole ARN.
    pub user_arn: Option<String>,
    /// The unique id of the user.
    pub user_id: Option<String>,
}

/// An identity of a Cognito identity pool.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct CognitoIdentity {
    /// The identity, such as `us-east-1:3f291106-8703-466b-8f2b-3ecee1ca56ce`.
    pub identity_id: String,
    /// The identity's pool.
    pub identity_pool_id: String,
    /// How the identity signed in: `authenticated` or (for a guest) `unauthenticated`, then its
    /// providers. Empty if this is unknown, as in a direct invocation.
    pub amr: Vec<String>,
}

/// The certificate of a client (mutual TLS). Missing values are `None`.
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientCertificate {
    /// The certificate, PEM-encoded.
    pub client_cert_pem: Option<String>,
    /// The distinguished name of its subject.
    #[serde(rename = "subjectDN")]
    pub subject_dn: Option<String>,
    /// The distinguished name of its issuer.
    #[serde(rename = "issuerDN")]
    pub issuer_dn: Option<String>,
    /// Its serial number.
    pub serial_number: Option<String>,
    /// The period in which the certificate is valid.
    pub validity: Option<Validity>,
}

/// The period in which a certificate is valid, in API Gateway's form: `Aug  5 00:28:21 2120 GMT`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Validity {
    /// The first instant.
    pub not_before: Option<String>,
    /// The last instant.
    pub not_after: Option<String>,
}

prints!(IamIdentity: account_id, user_arn);
prints!(CognitoIdentity: identity_pool_id, amr);
prints!(ClientCertificate: subject_dn, serial_number);

/// `requestContext.identity` of payload format 1.0.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Identity {
    access_key: Option<String>,
    account_id: Option<String>,
    caller: Option<String>,
    principal_org_id: Option<String>,
    user_arn: Option<String>,
    user: Option<String>,
    cognito_identity_id: Option<String>,
    cognito_identity_pool_id: Option<String>,
    cognito_authentication_type: Option<String>,
    cognito_authentication_provider: Option<String>,
}

/// `authorizer.iam.cognitoIdentity` of payload format 2.0, whose members are null for other
/// callers.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PoolIdentity {
    identity_id: Option<String>,
    identity_pool_id: Option<String>,
    amr: Option<Vec<String>>,
}

impl PoolIdentity {
    pub(super) fn cognito(self) -> Option<CognitoIdentity> {
        Some(CognitoIdentity {
            identity_id: self.identity_id.filter(|id| !id.trim().is_empty())?,
            identity_pool_id: self.identity_pool_id.unwrap_or_default(),
            amr: self.amr.unwrap_or_default(),
        })
    }
}

impl Identity {
    /// Returns the caller of a signed request; only these have an ARN.
    pub(super) fn iam(self) -> Option<IamIdentity> {
        let user_arn = self.user_arn.filter(|arn| !arn.trim().is_empty())?;
        Some(IamIdentity {
            access_key: self.access_key,
            account_id: self.account_id,
            caller_id: self.caller,
            principal_org_id: self.principal_org_id,
            user_arn: Some(user_arn),
            user_id: self.user,
        })
    }

    pub(super) fn cognito(self) -> Option<CognitoIdentity> {
        let methods = [self.cognito_authentication_type, self.cognito_authentication_provider];
        Some(CognitoIdentity {
            identity_id: self.cognito_identity_id.filter(|id| !id.trim().is_empty())?,
            identity_pool_id: self.cognito_identity_pool_id.unwrap_or_default(),
            amr: methods.into_iter().flatten().collect(),
        })
    }
}
