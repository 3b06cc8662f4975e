use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// The nonces that were used lately.
///
/// A nonce is remembered until the timestamp of its request expires: from then on the same bytes are refused for
/// their age, so no request ever runs twice.
///
/// In the state file: each nonce with the Unix time until which it is remembered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, i64>", into = "BTreeMap<String, i64>")]
pub(crate) struct Nonces {
    expiry: HashMap<String, OffsetDateTime>,
    /// When to look for expired ones next; none where it has not been decided.
    forget_at: Option<OffsetDateTime>,
}

/// Nonces of clients are UUIDs, or somewhat longer.
pub(super) const MAX_LEN: usize = 255;
/// So many are remembered, then calls are throttled: 500 a second with timestamps that are right.
pub(super) const MAX_NONCES: usize = 1_000_000;

impl Nonces {
    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.expiry.len()
    }

    /// Uses the nonce up. False if it was used up before.
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
        if self.forget_at.is_none_or(|at| at <= now) {
            self.expiry.retain(|_, until| *until >= now);
            self.forget_at = now.checked_add(Duration::MINUTE);
        }
        true
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
            forget_at: None,
        })
    }
}

/// How far a timestamp may be from the server's clock, on either side.
pub(super) const VALIDITY: Duration = Duration::minutes(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_serves_once_while_its_time_stamp_is_valid() {
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
    fn expired_nonces_do_not_pile_up() {
        let mut nonces = Nonces::default();
        let mut now = OffsetDateTime::UNIX_EPOCH;
        for number in 0..10_000 {
            now += Duration::SECOND;
            assert!(nonces.take(&number.to_string(), now + VALIDITY, now));
        }
        // Fifteen minutes are remembered, and the one since the last look.
        assert!(nonces.expiry.len() <= 961, "{}", nonces.expiry.len());
    }
}
