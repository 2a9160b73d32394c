//! Time: how long work goes on, and what it took.

use std::time::{Duration, Instant};

/// Work that goes on for some time.
#[derive(Debug)]
pub(crate) struct Until(Instant);

impl Until {
    pub(crate) fn after(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// Counts messages from the first to the last, and checks that each is the next one.
#[derive(Debug, Default)]
pub(crate) struct Count {
    first: Option<Instant>,
    received: u64,
}

impl Count {
    /// Something has come: the clock starts with the first.
    pub(crate) fn start(&mut self) {
        self.first.get_or_insert_with(Instant::now);
    }

    /// One more message; `right` whether it is what its sender sent.
    ///
    /// # Panics
    /// If it is not.
    #[inline]
    pub(crate) fn check(&mut self, right: impl FnOnce(u64) -> bool) {
        assert!(right(self.received), "message {} is another one", self.received);
        self.received += 1;
    }

    /// So many messages more.
    pub(crate) fn add(&mut self, messages: u64) {
        self.received += messages;
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Messages a second.
    ///
    /// # Panics
    /// If nothing has come.
    pub(crate) fn rate(&self) -> f64 {
        let first = self.first.expect("something has come");
        self.received as f64 / first.elapsed().as_secs_f64()
    }
}

/// The values that half and 99 of 100 are not above.
pub(crate) fn p50_p99(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [times.len() / 2, times.len() * 99 / 100].map(|at| times.get(at).copied().unwrap_or_default())
}
