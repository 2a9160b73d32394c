//! Moments, counted by a clock that the caller has.

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A moment: microseconds since a start that the caller chooses, such as power-on.
///
/// Must never go back. 64 bits last for half a million years.
///
/// ```
/// use cable_car::Instant;
/// use core::time::Duration;
///
/// let start = Instant::from_millis(5);
/// assert_eq!(start + Duration::from_secs(1) - start, Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant {
    micros: u64,
}

impl Instant {
    /// A moment so many microseconds after the start.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// assert_eq!(Instant::from_micros(5000), Instant::from_millis(5));
    /// ```
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    /// A moment so many milliseconds after the start.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// assert_eq!(Instant::from_millis(5).as_micros(), 5000);
    /// ```
    pub const fn from_millis(millis: u64) -> Self {
        Self { micros: millis.saturating_mul(1000) }
    }

    /// This moment, so many microseconds later.
    pub(crate) const fn after_micros(self, micros: u64) -> Self {
        Self { micros: self.micros.saturating_add(micros) }
    }

    /// Microseconds since the start.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// assert_eq!(Instant::default().as_micros(), 0);
    /// ```
    pub const fn as_micros(self) -> u64 {
        self.micros
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self { micros: self.micros.saturating_add(micros(duration)) }
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// How long after `earlier`; zero where it is not after it.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use core::time::Duration;
    /// let (early, late) = (Instant::from_millis(1), Instant::from_millis(3));
    /// assert_eq!(late - early, Duration::from_millis(2));
    /// assert_eq!(early - late, Duration::ZERO);
    /// ```
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_micros(self.micros.saturating_sub(earlier.micros))
    }
}

/// A duration in microseconds, without the 128-bit arithmetic of `Duration::as_micros`.
pub(crate) fn micros(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000);
    seconds.saturating_add(duration.subsec_micros().into())
}
