//! Random numbers that can be drawn again: the seed is printed and can be given.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A generator (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    /// Seeded by the environment variable `TEST_SEED`, else anew; the seed is shown when the test fails.
    #[allow(clippy::disallowed_methods, reason = "whoever looks for a failure again says where it was")]
    pub(crate) fn seeded(test: &str) -> Random {
        let given = std::env::var("TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{test}: TEST_SEED={seed}");
        Random(seed)
    }

    /// Seeded by another one's number.
    pub(crate) fn from(seed: u64) -> Random {
        Random(seed)
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
