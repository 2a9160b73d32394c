//! Monotonic time from a 32-bit counter that wraps.

use core::cell::Cell;

/// How often [`Clock::micros`] must be called at the least, in microseconds.
///
/// A wrap that falls between two calls is seen; a second one is not. The counter of this board, at
/// 25 MHz, wraps every 171.8 s; the firmware never sleeps for longer than this.
pub const LONGEST_SILENCE_US: u64 = 60_000_000;

/// Time since start, counted on 64 bits.
#[derive(Debug)]
pub struct Clock {
    counter: fn() -> u32,
    ticks_per_micro: u64,
    started: u64,
    last: Cell<u64>,
}

impl Clock {
    /// A clock that begins at zero now, on a counter that goes up `ticks_per_micro` times a
    /// microsecond and wraps at 2^32.
    #[must_use]
    pub fn new(counter: fn() -> u32, ticks_per_micro: u32) -> Self {
        let started = u64::from(counter());
        let ticks_per_micro = u64::from(ticks_per_micro.max(1));
        Self { counter, ticks_per_micro, started, last: Cell::new(started) }
    }

    /// Microseconds since start.
    pub fn micros(&self) -> u64 {
        let ticks = extend(self.last.get(), (self.counter)());
        self.last.set(ticks);
        (ticks - self.started) / self.ticks_per_micro
    }

    /// Milliseconds since start.
    pub fn millis(&self) -> u64 {
        self.micros() / 1_000
    }
}

/// The next 64-bit count whose low half is `counter`, at or after `last`.
fn extend(last: u64, counter: u32) -> u64 {
    // The low half is what is wanted here: subtraction modulo 2^32 is what carries over a wrap.
    let passed = counter.wrapping_sub(last as u32);
    last + u64::from(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_on_across_wraps() {
        let mut ticks = 0xffff_fff0_u64;
        for step in [0, 1, 0xf, 0x10, 0xffff_ffff, 0xffff_ffff, 0x8000_0000] {
            let expected = ticks + step;
            ticks = extend(ticks, expected as u32);
            assert_eq!(ticks, expected);
        }
    }

    #[test]
    fn begins_at_zero_wherever_the_counter_stands() {
        let clock = Clock::new(|| 0xffff_ff00, 25);
        assert_eq!(clock.micros(), 0);
        assert_eq!(clock.millis(), 0);
    }

    #[test]
    fn counts_microseconds() {
        use core::sync::atomic::{AtomicU32, Ordering};
        static TICKS: AtomicU32 = AtomicU32::new(u32::MAX - 24);
        let clock = Clock::new(|| TICKS.fetch_add(25_000, Ordering::Relaxed), 25);
        assert_eq!(clock.micros(), 1_000);
        assert_eq!(clock.micros(), 2_000);
        assert_eq!(clock.millis(), 3);
    }

    #[test]
    fn the_longest_silence_is_well_within_a_wrap() {
        assert!(LONGEST_SILENCE_US * 25 * 2 < u64::from(u32::MAX));
    }
}
