//! How much of its time the processor is awake.

/// The share of time spent awake, since the last question or since start.
#[derive(Debug, Default)]
pub struct BusyMeter {
    asked_us: u64,
    asleep_us: u64,
}

impl BusyMeter {
    /// A meter whose first answer covers the time since start.
    #[must_use]
    pub const fn new() -> Self {
        Self { asked_us: 0, asleep_us: 0 }
    }

    /// Tenths of a percent awake since the last question, from the time since start and how much
    /// of that was slept.
    pub fn permille(&mut self, now_us: u64, asleep_us: u64) -> u16 {
        let passed = now_us.saturating_sub(self.asked_us);
        let slept = asleep_us.saturating_sub(self.asleep_us).min(passed);
        *self = Self { asked_us: now_us, asleep_us };
        if passed == 0 {
            return 0;
        }
        ((passed - slept) * 1_000 / passed) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_for_the_time_since_the_last_question() {
        let mut meter = BusyMeter::new();
        assert_eq!(meter.permille(1_000, 900), 100);
        assert_eq!(meter.permille(2_000, 1_900), 0);
        assert_eq!(meter.permille(3_000, 1_900), 1_000);
    }

    #[test]
    fn no_time_passed_is_not_busy() {
        let mut meter = BusyMeter::new();
        assert_eq!(meter.permille(0, 0), 0);
        assert_eq!(meter.permille(5, 9), 0);
    }
}
