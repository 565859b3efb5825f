//! Error codes that DynamoDB and Kinesis have in common.

/// The meaning of an error code, where DynamoDB and Kinesis agree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CommonError {
    Throttled,
    Timeout,
    AccessDenied,
    MissingCredentials,
    InvalidRequest,
}

impl CommonError {
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "SlowDown"
            | "Throttling"
            | "ThrottlingError"
            | "ThrottlingException"
            | "TooManyRequestsException" => Self::Throttled,
            "RequestTimeout" | "RequestTimeoutException" => Self::Timeout,
            "AccessDenied"
            | "AccessDeniedException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "NotAuthorized"
            | "OptInRequired"
            | "UnrecognizedClientException" => Self::AccessDenied,
            "MissingAuthenticationToken" | "MissingAuthenticationTokenException" => {
                Self::MissingCredentials
            }
            "InvalidAction"
            | "SerializationException"
            | "UnknownOperationException"
            | "ValidationError"
            | "ValidationException" => Self::InvalidRequest,
            _ => return None,
        })
    }
}
