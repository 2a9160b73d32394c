//! What a row has come to.

use std::time::Duration;

/// A cell of the table.
pub(crate) struct Figure {
    pub(crate) text: String,
    /// Whether all went as it must with ours.
    pub(crate) good: bool,
}

/// How long something took each time, and how often it did not come at all.
#[derive(Default)]
pub(crate) struct Times {
    taken: Vec<Duration>,
    missed: usize,
}

impl Times {
    pub(crate) fn note(&mut self, time: Option<Duration>) {
        match time {
            Some(time) => self.taken.push(time),
            None => self.missed += 1,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// Median, 99th percentile and maximum; `missed` names what was seen instead.
    pub(crate) fn figure(mut self, missed: &str) -> Figure {
        let rounds = self.taken.len() + self.missed;
        let mut parts = Vec::new();
        if !self.is_empty() {
            self.taken.sort_unstable();
            parts.push([50, 99, 100].map(|percent| show(self.at(percent))).join(", "));
        }
        if self.missed > 0 {
            parts.push(format!("{missed} ({} of {rounds})", self.missed));
        }
        Figure { text: parts.join("; "), good: self.missed == 0 }
    }

    fn at(&self, percent: usize) -> Duration {
        self.taken[(self.taken.len() * percent / 100).min(self.taken.len() - 1)]
    }
}

/// A time as people write it, in the unit that suits it.
pub(crate) fn show(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1000.0),
        seconds => format!("{seconds:.1} s"),
    }
}
