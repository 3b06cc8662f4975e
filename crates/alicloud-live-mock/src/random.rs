//! Chance that can be repeated: `SplitMix64`, good enough for ids and dice and nothing secret.

/// A source of numbers that a seed determines.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// From the seed; without one, from the system. Where the system has none to give, from zero.
    pub(super) fn new(seed: Option<u64>) -> Self {
        let state = seed.or_else(|| getrandom::u64().ok()).unwrap_or_default();
        Self { state }
    }

    /// At a place where another one stood.
    pub(super) fn at(state: u64) -> Self {
        Self { state }
    }

    /// Where this one stands.
    pub(super) fn place(&self) -> u64 {
        self.state
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// An id of the form that the API gives to requests: an upper-case UUID.
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

    /// True with the given probability: never at 0, always at 1.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) < probability * (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids() {
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
    fn certainties_are_certain() {
        let mut random = Random::new(Some(1));
        assert!((0..1000).all(|_| random.chance(1.0)));
        assert!((0..1000).all(|_| !random.chance(0.0)));
        let heads = (0..1000).filter(|_| random.chance(0.5)).count();
        assert!((400..600).contains(&heads), "{heads}");
    }
}
