//! Chance from a seed: the generator `SplitMix64`.

use std::sync::{Mutex, PoisonError};

use alicloud_live::Random;

#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Other dice, which rolling these does not touch.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `bound`; 0 below 0.
    pub fn number(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// The same for counts and indexes.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.number(bound)).unwrap()
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Dice that the client rolls.
pub struct SharedDice(Mutex<Dice>);

impl SharedDice {
    pub fn new(dice: Dice) -> Self {
        Self(Mutex::new(dice))
    }

    pub fn roll<T>(&self, roll: impl FnOnce(&mut Dice) -> T) -> T {
        roll(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Random for SharedDice {
    fn bits(&self) -> Option<u128> {
        Some(self.roll(|dice| u128::from(dice.next()) << 64 | u128::from(dice.next())))
    }
}
