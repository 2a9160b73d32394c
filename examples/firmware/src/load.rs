//! How busy the processor has been over 1, 5 and 15 minutes, as Unix machines tell it.

/// The windows in microseconds.
const WINDOWS_US: [i64; 3] = [60_000_000, 300_000_000, 900_000_000];
/// The finest share that is counted: a millionth of the processor.
const WHOLE: i64 = 1_000_000;

/// Three averages: over all time at first, and once the window is full such that older times count
/// ever less.
///
/// Unix counts the programs that want the processor; here there is one, and it wants the processor
/// for the share of time that it is awake.
#[derive(Debug, Clone)]
pub struct LoadAverages {
    /// In millionths.
    shares: [i64; 3],
    elapsed_us: i64,
}

impl LoadAverages {
    /// Averages over no time yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { shares: [0; 3], elapsed_us: 0 }
    }

    /// Takes in that the processor was busy for `permille` of the last `passed_us` microseconds.
    pub fn add(&mut self, permille: u16, passed_us: u64) {
        let share = i64::from(permille.min(1_000)) * (WHOLE / 1_000);
        // An hour outweighs every window, and can be multiplied without a thought.
        let passed = passed_us.min(3_600_000_000) as i64;
        self.elapsed_us = self.elapsed_us.saturating_add(passed);
        for (average, window) in self.shares.iter_mut().zip(WINDOWS_US) {
            let over = self.elapsed_us.min(window + passed).max(1);
            *average += (share - *average) * passed / over;
        }
    }

    /// The three averages, 0.0 to 1.0, to three decimals.
    #[must_use]
    pub fn get(&self) -> [f64; 3] {
        self.shares.map(|share| (share / 1_000) as f64 / 1_000.0)
    }
}

impl Default for LoadAverages {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_the_average_of_all_time() {
        let mut load = LoadAverages::new();
        assert_eq!(load.get(), [0.0; 3]);
        load.add(1_000, 1_000_000);
        assert_eq!(load.get(), [1.0; 3]);
        load.add(0, 3_000_000);
        assert_eq!(load.get(), [0.25; 3]);
    }

    #[test]
    fn longer_windows_are_slower() {
        let mut load = LoadAverages::new();
        load.add(0, 3_600_000_000);
        for _ in 0..20 {
            load.add(1_000, 3_000_000);
        }
        let [one, five, fifteen] = load.get();
        assert!(one > 0.6 && one < 0.7, "{one}");
        assert!(five > 0.15 && five < 0.2, "{five}");
        assert!(fifteen > 0.05 && fifteen < 0.07, "{fifteen}");
    }

    #[test]
    fn stays_between_idle_and_busy() {
        let mut load = LoadAverages::new();
        for (permille, passed_us) in [(1_000, u64::MAX), (u16::MAX, 0), (0, u64::MAX), (0, 1)] {
            load.add(permille, passed_us);
            assert!(load.get().iter().all(|share| (0.0..=1.0).contains(share)));
        }
    }
}
