//! How often things are done, whatever is heard.

use core::time::Duration;

use crate::time::Instant;

/// Lets so many things happen in a row, and then one each period.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    burst: u32,
    period: Duration,
    left: u32,
    since: Instant,
}

impl Pace {
    pub(super) fn new(burst: u32, period: Duration, now: Instant) -> Self {
        Self { burst, period, left: burst, since: now }
    }

    /// Whether one more may happen now; it counts as happened then.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let periods = (now - self.since).as_micros() / self.period.as_micros().max(1);
        if periods > 0 {
            let earned = u32::try_from(periods).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(earned).min(self.burst);
            self.since = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }

    /// When one more may happen.
    pub(super) fn allows_at(&self) -> Instant {
        if self.left > 0 { Instant::default() } else { self.since + self.period }
    }
}

/// Random enough to keep programs from doing things at the same moment.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// Between three quarters and five quarters of `time`.
    pub(super) fn around(&mut self, time: Duration) -> Duration {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        time * 3 / 4 + (time / 2).saturating_mul((self.0 >> 32) as u32) / u32::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_each_period() {
        let at = Instant::from_millis;
        let mut pace = Pace::new(2, Duration::from_millis(10), at(0));
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
        let second = Duration::from_secs(1);
        for _ in 0..1000 {
            let time = jitter.around(second);
            assert!(time >= second * 3 / 4 && time <= second * 5 / 4);
        }
    }
}
