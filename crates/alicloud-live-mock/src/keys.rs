//! The temporary credentials that the mock has issued.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::clock::timestamp;
use super::random::Random;

/// A key pair with its token and its expiration.
#[derive(Clone, Debug)]
pub(super) struct TemporaryKey {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: String,
    /// The name of the role's session.
    pub(super) session: String,
    pub(super) expires: OffsetDateTime,
}

/// The keys that were issued since the last reset.
#[derive(Debug, Default)]
pub(super) struct TemporaryKeys {
    keys: HashMap<String, TemporaryKey>,
    /// Their IDs, in the order in which they were issued.
    order: VecDeque<String>,
    issued: u64,
    /// The access key whose state this belongs to; none for the first access key.
    owner: Option<String>,
}

/// How many keys are stored. One more replaces the oldest.
const MAX_KEYS: usize = 50_000;
/// The same in the state of each further access key, of which there may be many.
const MAX_KEYS_OF_OWNED_STATE: usize = 1000;

impl TemporaryKeys {
    pub(super) fn new(owner: Option<String>) -> Self {
        Self {
            owner,
            ..Self::default()
        }
    }

    /// Issues a key for a session. Its ID is `STS.<issuer>-<number>`, followed by `@<owner>` in the state of a further
    /// access key.
    pub(super) fn issue(
        &mut self,
        issuer: &str,
        session: &str,
        lifetime: Duration,
        now: OffsetDateTime,
        ids: &mut Random,
    ) -> TemporaryKey {
        let key = TemporaryKey {
            id: match &self.owner {
                Some(owner) => format!("STS.{issuer}-{}@{owner}", self.issued),
                None => format!("STS.{issuer}-{}", self.issued),
            },
            secret: ids.id(),
            // Real tokens are Base64. Their `+`, `/` and `=` need encoding.
            token: format!("CAIS{}+/{}==", ids.id(), ids.id()),
            session: session.to_owned(),
            expires: now.saturating_add(lifetime),
        };
        self.issued += 1;
        let max = match self.owner {
            None => MAX_KEYS,
            Some(_) => MAX_KEYS_OF_OWNED_STATE,
        };
        if self.order.len() >= max
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        self.order.push_back(key.id.clone());
        self.keys.insert(key.id.clone(), key.clone());
        key
    }

    /// Returns the key with this ID.
    pub(super) fn find(&self, id: &str) -> Option<&TemporaryKey> {
        self.keys.get(id)
    }

    /// Expires every key now.
    pub(super) fn expire(&mut self) {
        for key in self.keys.values_mut() {
            key.expires = OffsetDateTime::UNIX_EPOCH;
        }
    }
}

impl TemporaryKey {
    /// Returns the key in Alibaba Cloud's field names.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "AccessKeyId": self.id,
            "AccessKeySecret": self.secret,
            "SecurityToken": self.token,
            "Expiration": timestamp(self.expires),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_keys_are_dropped_when_there_are_too_many() {
        for (owner, max) in [
            (None, MAX_KEYS),
            (Some("ci".to_owned()), MAX_KEYS_OF_OWNED_STATE),
        ] {
            let (mut keys, mut ids) = (TemporaryKeys::new(owner), Random::new(Some(1)));
            let mut issue = || {
                let now = OffsetDateTime::UNIX_EPOCH;
                keys.issue("uri", "s", Duration::HOUR, now, &mut ids).id
            };
            let first = issue();
            let second = issue();
            for _ in 1..max {
                issue();
            }
            assert!(keys.find(&first).is_none() && keys.find(&second).is_some());
            assert_eq!((keys.keys.len(), keys.order.len()), (max, max));
        }
    }
}
