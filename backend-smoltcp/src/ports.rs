//! Ephemeral ports from the caller's seed.

const FIRST: u16 = 49_152;
const COUNT: u16 = 16_384;

/// Hands out the ports of IANA's dynamic range one after the other, from a start that the seed
/// decides.
pub(crate) struct EphemeralPorts {
    next: u16,
}

impl EphemeralPorts {
    pub(crate) fn new(seed: u64) -> Self {
        // Seeds are often small counters: the finaliser of splitmix64 spreads them over the range.
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        Self { next: (mixed % u64::from(COUNT)) as u16 }
    }

    /// The next port that is not in use; `None` when all are.
    pub(crate) fn take(&mut self, in_use: impl Fn(u16) -> bool) -> Option<u16> {
        for _ in 0..COUNT {
            let port = FIRST + self.next;
            self.next = (self.next + 1) % COUNT;
            if !in_use(port) {
                return Some(port);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_seeds_start_far_apart() {
        let start = |seed| EphemeralPorts::new(seed).take(|_| false);
        let distance = start(1).zip(start(2)).map(|(a, b)| a.abs_diff(b));
        assert!(distance > Some(COUNT / 100), "{distance:?}");
    }

    #[test]
    fn used_ports_are_passed_over_and_the_range_wraps() {
        let mut ports = EphemeralPorts { next: COUNT - 1 };
        assert_eq!(ports.take(|port| port == u16::MAX || port == FIRST), Some(FIRST + 1));
        assert_eq!(ports.take(|_| true), None);
        assert_eq!(ports.take(|_| false), Some(FIRST + 2));
    }
}
