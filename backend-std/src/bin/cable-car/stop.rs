//! Ctrl-C, and what else tells a program to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the program has been told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Heeds Ctrl-C, SIGTERM and SIGHUP from now on; `wake` ends the wait of the program.
    pub(crate) fn heed(wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let stop = Self::default();
        let told = stop.clone();
        let handler = move || {
            told.0.store(true, Ordering::Release);
            wake();
        };
        ctrlc::set_handler(handler).map_err(io::Error::other)?;
        Ok(stop)
    }

    pub(crate) fn is_told(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
