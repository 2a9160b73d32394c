//! A network of many peers in one thread: datagrams that get lost, late or twice, connections that
//! only one side can open, peers that restart, clocks that run apart. Time is virtual, and chance
//! comes from one seed, so that every run can be had again.
//!
//! The peers are the real [`Discovery`] and models of legacy peers. After a run,
//! [`Network::check`] says whether every pair has exactly one link, the same at both ends.

mod legacy;
mod network;
mod node;

pub use network::{Faults, Network, Outcome};

/// Chance, from a seed.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The chance of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.any() % bound
    }

    /// Whether something of so many percent happens.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
