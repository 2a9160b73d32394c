//! Until when to wait.

use std::time::{Duration, Instant};

/// The system counts how long to wait in milliseconds of 31 bits. What is longer is no limit.
const LONGEST: Duration = Duration::from_secs(24 * 24 * 60 * 60);

/// A timeout that the system can wait for: none where it is too long for that.
pub(crate) fn timeout(timeout: Duration) -> Option<Duration> {
    (timeout <= LONGEST).then_some(timeout)
}

/// A moment until which to wait, or no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.and_then(self::timeout).map(|timeout| Instant::now() + timeout))
    }

    /// How long to wait from now on.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}
