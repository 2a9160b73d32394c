//! Numbers by chance, the same again for the same seed.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

/// With this variable set to a number, every test by chance takes it as its seed.
pub const SEED: &str = "CABLE_CAR_SEED";

/// A source of numbers (SplitMix64).
///
/// ```
/// use cable_car_tests::random::Random;
///
/// assert_eq!(Random::new(7).below(100), Random::new(7).below(100));
/// ```
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// New numbers in every run, unless [`SEED`] is set; prints the seed, which a test that fails
    /// shows.
    pub fn from_seed_or_time() -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros());
        Self::from_seed_or(time as u64)
    }

    /// The same numbers in every run, unless [`SEED`] is set; prints the seed, which a test that
    /// fails shows.
    pub fn from_seed_or(fixed: u64) -> Self {
        let given = env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or(fixed);
        eprintln!("{SEED}={seed}");
        Self::new(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, which is not one of them; 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// A time from 0 to `end`, which is not one of them; 0 where `end` is 0.
    pub fn time(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.time(100) < percent
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// Where there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number() as u8).collect()
    }
}
