//! Reproducible random numbers: the seed is printed and can be set.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A generator (SplitMix64).
pub struct Random(u64);

impl Random {
    /// Seeded by the environment variable `TEST_SEED`, or randomly; the seed is shown when the test fails.
    #[expect(clippy::disallowed_methods, reason = "a failure is looked for again with its seed")]
    pub fn seeded(test: &str) -> Random {
        let given = std::env::var("TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{test}: TEST_SEED={seed}");
        Random(seed)
    }

    /// Seeded by a number.
    pub fn from(seed: u64) -> Random {
        Random(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}
