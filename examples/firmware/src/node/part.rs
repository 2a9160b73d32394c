//! Parts of the node that can fail, for want of a socket say, and are tried again.

use core::time::Duration;

use cable_car::Instant;

/// How long a part that failed (no socket is free, say) is left alone.
const RECOVERY: Duration = Duration::from_secs(1);

/// A part that can fail for a while.
pub(super) struct Part<P> {
    pub(super) part: P,
    pub(super) resume_at: Instant,
    pub(super) failing: bool,
}

impl<P> Part<P> {
    pub(super) fn new(part: P, now: Instant) -> Self {
        Self { part, resume_at: now, failing: false }
    }

    /// Leaves the part alone for a while. Says whether that is news.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.resume_at = now + RECOVERY;
        !core::mem::replace(&mut self.failing, true)
    }
}
