//! The nonces that were used.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// The nonces of the last minutes.
///
/// A nonce is stored until the timestamp of its request expires. Then the same bytes are rejected for their age, so no
/// request is ever served twice.
///
/// The state file contains each nonce with the Unix time until which it is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, i64>", into = "BTreeMap<String, i64>")]
pub(crate) struct Nonces {
    expiry: HashMap<String, OffsetDateTime>,
    /// When to remove expired nonces next; none before the first time.
    next_cleanup: Option<OffsetDateTime>,
}

/// The longest nonce in bytes. Clients send UUIDs, or slightly longer strings.
pub(super) const MAX_LEN: usize = 255;
/// How many nonces are stored before calls are throttled: enough for 500 calls per second.
pub(super) const MAX_NONCES: usize = 1_000_000;

impl Nonces {
    /// Returns how many nonces are stored.
    pub(crate) fn len(&self) -> usize {
        self.expiry.len()
    }

    /// Marks a nonce as used. Returns false if it was used before.
    pub(super) fn take(
        &mut self,
        nonce: &str,
        expires: OffsetDateTime,
        now: OffsetDateTime,
    ) -> bool {
        if self.expiry.get(nonce).is_some_and(|until| *until >= now) {
            return false;
        }
        self.expiry.insert(nonce.to_owned(), expires);
        true
    }

    /// Removes expired nonces, once per minute at most.
    pub(super) fn remove_expired(&mut self, now: OffsetDateTime) {
        if self.next_cleanup.is_none_or(|at| at <= now) {
            self.expiry.retain(|_, until| *until >= now);
            self.next_cleanup = now.checked_add(Duration::MINUTE);
        }
    }
}

impl From<Nonces> for BTreeMap<String, i64> {
    fn from(nonces: Nonces) -> Self {
        nonces
            .expiry
            .into_iter()
            .map(|(nonce, until)| (nonce, until.unix_timestamp()))
            .collect()
    }
}

impl TryFrom<BTreeMap<String, i64>> for Nonces {
    type Error = time::error::ComponentRange;

    fn try_from(saved: BTreeMap<String, i64>) -> Result<Self, Self::Error> {
        let expiry = saved
            .into_iter()
            .map(|(nonce, until)| Ok((nonce, OffsetDateTime::from_unix_timestamp(until)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            expiry,
            next_cleanup: None,
        })
    }
}

/// How far a timestamp may be from the mock's clock, in both directions.
pub(super) const VALIDITY: Duration = Duration::minutes(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_accepted_once_while_its_timestamp_is_valid() {
        let mut nonces = Nonces::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        assert!(nonces.take("a", now + VALIDITY, now));
        assert!(!nonces.take("a", now + VALIDITY, now));
        assert!(!nonces.take("a", now + VALIDITY, now + VALIDITY));
        assert!(nonces.take("b", now + VALIDITY, now));
        let later = now + VALIDITY + Duration::SECOND;
        assert!(nonces.take("a", later + VALIDITY, later));
    }

    #[test]
    fn expired_nonces_are_removed() {
        let mut nonces = Nonces::default();
        let mut now = OffsetDateTime::UNIX_EPOCH;
        for number in 0..10_000 {
            now += Duration::SECOND;
            nonces.remove_expired(now);
            assert!(nonces.take(&number.to_string(), now + VALIDITY, now));
        }
        // Fifteen minutes are stored, and the one since the last cleanup.
        assert!(nonces.expiry.len() <= 961, "{}", nonces.expiry.len());
    }
}
