use secrecy::{ExposeSecret as _, SecretString};

/// An access key pair that signs requests. Its `Debug` output contains no secret, and the secrets are zeroed on drop.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Identifies the key pair; sent in clear text with each request.
    pub access_key_id: String,
    /// Signs requests; never sent.
    pub access_key_secret: SecretString,
    /// Belongs to temporary credentials; sent with each request.
    pub security_token: Option<SecretString>,
    /// The account that owns the credentials, 16 digits, if the source knows it: from the argument `account_id`, the ARN of
    /// the assumed role, a `CloudSSO` profile, or STS for an OAuth login.
    pub account_id: Option<String>,
}

impl Credentials {
    /// Returns a permanent access key pair.
    pub fn new(access_key_id: &str, access_key_secret: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            access_key_secret: access_key_secret.into(),
            security_token: None,
            account_id: None,
        }
    }

    /// Reads credentials from strings and removes surrounding whitespace. `Err` names the part that contains a
    /// character which would break the headers of a request.
    pub(super) fn from_text(
        access_key_id: &str,
        access_key_secret: &SecretString,
        security_token: Option<&SecretString>,
    ) -> Result<Self, &'static str> {
        let trimmed = |text: &str, problem| {
            let text = text.trim();
            let is_valid = text.chars().all(|c| c.is_ascii() && !c.is_control());
            if is_valid {
                Ok(text.to_owned())
            } else {
                Err(problem)
            }
        };
        let id = "access key ID contains a line break or another invalid character";
        let secret = "access key secret contains a line break or another invalid character";
        let token = "security token contains a line break or another invalid character";
        let security_token = security_token.map(|text| trimmed(text.expose_secret(), token));
        Ok(Self {
            access_key_id: trimmed(access_key_id, id)?,
            access_key_secret: trimmed(access_key_secret.expose_secret(), secret)?.into(),
            security_token: security_token
                .transpose()?
                .filter(|token| !token.is_empty())
                .map(SecretString::from),
            account_id: None,
        })
    }

    /// Whether neither the ID nor the secret is empty.
    pub(super) fn is_complete(&self) -> bool {
        !self.access_key_id.is_empty() && !self.access_key_secret.expose_secret().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_would_break_a_header_is_named() {
        let read = |id: &str| Credentials::from_text(id, &"secret".into(), None);
        assert_eq!(read(" id\n").unwrap().access_key_id, "id");
        for wrong in ["i\nd", "i\u{e9}d"] {
            let problem = read(wrong).err().unwrap();
            assert!(problem.starts_with("access key ID"), "{problem}");
        }
    }
}
