//! Repeatable random numbers (`SplitMix64`): good enough for IDs and probabilities, not for secrets.

use serde::{Deserialize, Serialize};

/// A generator whose numbers a seed determines. The state file contains its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// Starts with the seed, or else with a random number of the system, or else with zero.
    pub(super) fn new(seed: Option<u64>) -> Self {
        let state = seed.or_else(|| getrandom::u64().ok()).unwrap_or_default();
        Self { state }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns an ID in the format of request IDs: an upper-case UUID.
    pub(super) fn id(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08X}-{:04X}-4{:03X}-{:04X}-{:012X}",
            high >> 32,
            high >> 16 & 0xFFFF,
            high & 0xFFF,
            0x8000 | low >> 48 & 0x3FFF,
            low & 0xFFFF_FFFF_FFFF,
        )
    }

    /// Returns true with the given probability: never at 0, always at 1.
    pub(super) fn random_bool(&mut self, probability: f64) -> bool {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) < probability * (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_returns_the_same_ids() {
        let ids = |seed| {
            let mut random = Random::new(Some(seed));
            [random.id(), random.id()]
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
        let [first, second] = ids(7);
        assert_ne!(first, second);
        assert_eq!(first.len(), 36);
        assert_eq!(first, first.to_uppercase());
    }

    #[test]
    fn a_probability_of_0_never_hits_and_1_always() {
        let mut random = Random::new(Some(1));
        assert!((0..1000).all(|_| random.random_bool(1.0)));
        assert!((0..1000).all(|_| !random.random_bool(0.0)));
        let hits = (0..1000).filter(|_| random.random_bool(0.5)).count();
        assert!((400..600).contains(&hits), "{hits}");
    }
}
