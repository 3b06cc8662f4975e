//! Temporary keys that the mock has given out.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::clock::timestamp;
use super::random::Random;

/// A key pair with its token and its end.
#[derive(Clone, Debug)]
pub(super) struct TemporaryKey {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: String,
    /// The name of the role's session.
    pub(super) session: String,
    pub(super) expires: OffsetDateTime,
}

/// All keys that were given out since the last reset.
#[derive(Debug, Default)]
pub(super) struct TemporaryKeys {
    keys: Vec<TemporaryKey>,
}

impl TemporaryKeys {
    /// Makes keys of a session. Their id says which door gave them: `STS.<door>-<number>`.
    pub(super) fn issue(
        &mut self,
        door: &str,
        session: &str,
        lifetime: Duration,
        now: OffsetDateTime,
        ids: &mut Random,
    ) -> TemporaryKey {
        let key = TemporaryKey {
            id: format!("STS.{door}-{}", self.keys.len()),
            secret: ids.id(),
            // Real tokens are Base64: their `+`, `/` and `=` must survive the way.
            token: format!("CAIS{}+/{}==", ids.id(), ids.id()),
            session: session.to_owned(),
            expires: now.saturating_add(lifetime),
        };
        self.keys.push(key.clone());
        key
    }

    /// The keys with this id.
    pub(super) fn find(&self, id: &str) -> Option<&TemporaryKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Ends every key now, whatever was said of its end when it was given out.
    pub(super) fn expire(&mut self) {
        for key in &mut self.keys {
            key.expires = OffsetDateTime::UNIX_EPOCH;
        }
    }
}

impl TemporaryKey {
    /// In the vendor's field names.
    pub(super) fn shown(&self) -> Value {
        json!({
            "AccessKeyId": self.id,
            "AccessKeySecret": self.secret,
            "SecurityToken": self.token,
            "Expiration": timestamp(self.expires),
        })
    }
}
