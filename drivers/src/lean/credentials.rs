//! The credentials of the process, as the environment says.

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::identity::Identity;

use crate::env::filled;

/// There are no credentials.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0} is not set, or is not a credential: Lambda sets it for a function with a role")]
pub(crate) struct MissingCredential(&'static str);

/// Reads `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`. `Debug` of the
/// result does not print the secrets, and their memory is erased.
pub(crate) fn credentials(
    env: impl Fn(&str) -> Option<String>,
) -> Result<Identity, MissingCredential> {
    let variable = |name: &str| filled(&env, name);
    // They become part of a header.
    let is_plain = |value: &String| value.bytes().all(|byte| byte.is_ascii_graphic());
    let credential = |name| variable(name).filter(is_plain).ok_or(MissingCredential(name));
    let token = variable("AWS_SESSION_TOKEN").map(|_| credential("AWS_SESSION_TOKEN"));
    let credentials = Credentials::new(
        credential("AWS_ACCESS_KEY_ID")?,
        credential("AWS_SECRET_ACCESS_KEY")?,
        token.transpose()?,
        None,
        "environment",
    );
    Ok(credentials.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the credentials from an environment with one more variable.
    fn read(name: &str, value: &str) -> Result<Identity, MissingCredential> {
        credentials(|asked| {
            let known =
                [(name, value), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "hidden")];
            known.iter().find(|known| known.0 == asked).map(|known| known.1.to_owned())
        })
    }

    #[test]
    fn what_is_missing_or_no_part_of_a_header_is_named() {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            for value in [" ", "i d", "\u{e9}"] {
                let error = read(name, value).unwrap_err();
                assert_eq!(error, MissingCredential(name), "{value:?}");
                assert!(error.to_string().contains(name), "{error}");
            }
        }
        let token = "AWS_SESSION_TOKEN";
        assert_eq!(read(token, "a\nb").unwrap_err(), MissingCredential(token));
        assert!(read(token, " ").is_ok(), "a user of IAM has no token");
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?}", read("AWS_SESSION_TOKEN", "hidden-token").unwrap());
        assert!(!printed.contains("hidden"), "{printed}");
    }
}
