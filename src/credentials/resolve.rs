use secrecy::SecretString;

use super::Credentials;
use crate::environment::Environment;

/// Variables that may hold the access key ID, in order. Those of the official provider.
pub const ACCESS_KEY_VARIABLES: &[&str] = &[
    "ALICLOUD_ACCESS_KEY",
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABACLOUD_ACCESS_KEY_ID",
];
/// Variables that may hold the access key secret, in order.
pub const SECRET_KEY_VARIABLES: &[&str] = &[
    "ALICLOUD_SECRET_KEY",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABACLOUD_ACCESS_KEY_SECRET",
];
/// Variables that may hold the security token of temporary keys, in order.
pub const SECURITY_TOKEN_VARIABLES: &[&str] = &[
    "ALICLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABACLOUD_SECURITY_TOKEN",
];

/// What the provider block says; an empty string counts as not given.
#[derive(Default)]
pub struct Given {
    /// `access_key`
    pub access_key: Option<String>,
    /// `secret_key`
    pub secret_key: Option<SecretString>,
    /// `security_token`
    pub security_token: Option<SecretString>,
}

/// Why there are no credentials.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Neither half of a key pair is set anywhere.
    #[error("neither an access key nor a secret key is set")]
    NotConfigured,
    /// A secret key without an access key ID.
    #[error("a secret key is set, but no access key")]
    NoAccessKey,
    /// An access key ID without its secret.
    #[error("an access key is set, but no secret key")]
    NoSecretKey,
}

/// Finds the key pair to sign with.
///
/// A security token is taken only together with keys from the same kind of place: a token left behind in the
/// environment does not belong to a key pair written into the block.
pub fn resolve(given: Given, environment: &Environment) -> Result<Credentials, CredentialsError> {
    use secrecy::ExposeSecret as _;

    let given_access_key = given.access_key.filter(|key| !key.is_empty());
    let given_secret_key = given
        .secret_key
        .filter(|key| !key.expose_secret().is_empty());
    let given_token = given
        .security_token
        .filter(|token| !token.expose_secret().is_empty());
    let keys_from_block = given_access_key.is_some() && given_secret_key.is_some();

    let access_key = given_access_key.or_else(|| environment.first(ACCESS_KEY_VARIABLES));
    let secret_key = given_secret_key.or_else(|| {
        environment
            .first(SECRET_KEY_VARIABLES)
            .map(SecretString::from)
    });
    let token_from_environment = || {
        if keys_from_block {
            None
        } else {
            environment.first(SECURITY_TOKEN_VARIABLES)
        }
    };

    match (access_key, secret_key) {
        (Some(access_key_id), Some(access_key_secret)) => Ok(Credentials {
            access_key_id,
            access_key_secret,
            security_token: given_token
                .or_else(|| token_from_environment().map(SecretString::from)),
        }),
        (None, None) => Err(CredentialsError::NotConfigured),
        (None, Some(_)) => Err(CredentialsError::NoAccessKey),
        (Some(_), None) => Err(CredentialsError::NoSecretKey),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn block(access_key: &str, secret_key: &str) -> Given {
        Given {
            access_key: Some(access_key.to_owned()),
            secret_key: Some(secret_key.into()),
            security_token: None,
        }
    }

    #[test]
    fn the_block_beats_the_environment_and_older_names_beat_newer_ones() {
        let environment = Environment::of([
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "new"),
            ("ALICLOUD_ACCESS_KEY", "old"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret"),
        ]);
        let found = resolve(Given::default(), &environment).unwrap();
        assert_eq!(found.access_key_id, "old");
        assert_eq!(found.access_key_secret.expose_secret(), "secret");
        let found = resolve(block("block", ""), &environment).unwrap();
        assert_eq!(found.access_key_id, "block");
    }

    #[test]
    fn a_stray_token_of_the_environment_is_not_paired_with_keys_of_the_block() {
        let environment = Environment::of([("ALICLOUD_SECURITY_TOKEN", "token")]);
        assert!(
            resolve(block("id", "secret"), &environment)
                .unwrap()
                .security_token
                .is_none()
        );

        let environment = Environment::of([
            ("ALICLOUD_ACCESS_KEY", "id"),
            ("ALICLOUD_SECRET_KEY", "secret"),
            ("ALICLOUD_SECURITY_TOKEN", "token"),
        ]);
        let token = resolve(Given::default(), &environment)
            .unwrap()
            .security_token
            .unwrap();
        assert_eq!(token.expose_secret(), "token");
    }

    #[test]
    fn half_a_key_pair_is_told_apart_from_none() {
        let nothing = Environment::of([]);
        assert_eq!(
            resolve(Given::default(), &nothing).unwrap_err(),
            CredentialsError::NotConfigured
        );
        assert_eq!(
            resolve(block("id", ""), &nothing).unwrap_err(),
            CredentialsError::NoSecretKey
        );
        assert_eq!(
            resolve(block("", "secret"), &nothing).unwrap_err(),
            CredentialsError::NoAccessKey
        );
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let mut given = block("id", "hunter2");
        given.security_token = Some("hunter3".into());
        let shown = format!("{:?}", resolve(given, &Environment::of([])).unwrap());
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
