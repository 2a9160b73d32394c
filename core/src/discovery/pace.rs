//! How often things are done, whatever is heard. In microseconds, which small processors can count.

use crate::time::Instant;

/// Lets so many things happen in a row, and then one each period.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    burst: u32,
    period: u64,
    left: u32,
    since: Instant,
}

impl Pace {
    pub(super) const fn new(burst: u32, period_micros: u64, now: Instant) -> Self {
        Self { burst, period: period_micros, left: burst, since: now }
    }

    /// Whether one more may happen now; it counts as happened then.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        while self.left < self.burst && self.since.after_micros(self.period) <= now {
            self.since = self.since.after_micros(self.period);
            self.left += 1;
        }
        if self.left == self.burst {
            self.since = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }

    /// When one more may happen.
    pub(super) fn allows_at(&self) -> Instant {
        if self.left > 0 { Instant::default() } else { self.since.after_micros(self.period) }
    }
}

/// Random enough to keep programs from doing things at the same moment.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// Between three quarters and five quarters of a time below 2^32 microseconds.
    pub(super) fn around(&mut self, micros: u32) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let micros = u64::from(micros);
        micros - micros / 4 + ((micros / 2 * (self.0 >> 32)) >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_each_period() {
        let at = Instant::from_millis;
        let mut pace = Pace::new(2, 10_000, at(0));
        assert!(pace.allows(at(0)));
        assert!(pace.allows(at(1)));
        assert!(!pace.allows(at(9)));
        assert_eq!(pace.allows_at(), at(10));
        assert!(pace.allows(at(10)));
        assert!(!pace.allows(at(11)));
        assert!(pace.allows(at(500)));
        assert!(pace.allows(at(500)));
        assert!(!pace.allows(at(500)), "what was not used is not saved up");
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        let mut jitter = Jitter::new(7);
        for _ in 0..1000 {
            assert!((750_000..=1_250_000).contains(&jitter.around(1_000_000)));
        }
    }
}
