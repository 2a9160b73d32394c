//! The links that stand: waited for together, each served when it has something.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cable_car_std::{
    BadMessage, BufferSize, Connection, LinkError, Messenger, SendError, Unsent, Watch,
};

use crate::transport::{Shown, Talk};

/// As soon as so many bytes are queued for one peer, the input waits: whoever pipes a large file in
/// should not have it in memory.
const FULL: usize = 1 << 20;

pub(super) struct Links<T: Talk> {
    watch: Watch,
    links: BTreeMap<usize, Messenger<T>>,
    next_key: usize,
    first_at: Option<Instant>,
    failed: bool,
}

/// Whether a link that ended so did not end as it should.
pub(super) fn is_error(reason: LinkError) -> bool {
    !matches!(reason, LinkError::ClosedByPeer | LinkError::Closed)
}

impl<T: Talk> Links<T> {
    pub(super) fn new(watch: Watch) -> Self {
        Self { watch, links: BTreeMap::new(), next_key: 0, first_at: None, failed: false }
    }

    /// Sleeps until one has something, until the watch is woken, or until `deadline`.
    pub(super) fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Vec<usize>> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        Ok(self.watch.wait(left)?.collect())
    }

    pub(super) fn add(&mut self, connection: Connection) -> io::Result<usize> {
        // Whoever opens a thousand links should not have the memory of as many full ones.
        let size = BufferSize { initial: 4 << 10, ..BufferSize::default() };
        let mut messenger = Messenger::with_buffers(connection, size);
        let key = self.next_key;
        self.watch.add(key, &mut messenger)?;
        self.links.insert(key, messenger);
        self.next_key += 1;
        self.first_at.get_or_insert_with(Instant::now);
        Ok(key)
    }

    pub(super) fn keys(&self) -> Vec<usize> {
        self.links.keys().copied().collect()
    }

    /// Sends and receives; whose link it is and why it has ended, where it has. There are no
    /// messages left then.
    pub(super) fn transfer(&mut self, key: usize) -> Option<(SocketAddr, Option<LinkError>)> {
        // It may have ended since it was reported as ready.
        let messenger = self.links.get_mut(&key)?;
        let peer = messenger.remote_address();
        let end = messenger.xfer().err();
        if let Some(reason) = end {
            self.failed |= is_error(reason);
            self.links.remove(&key);
        }
        Some((peer, end))
    }

    /// The next message of a link, taken apart, so that it borrows nothing from the link.
    pub(super) fn next(&mut self, key: usize) -> Option<Result<Shown, BadMessage>> {
        Some(self.links.get_mut(&key)?.get()?.and_then(T::show))
    }

    /// Queues a message for everybody; whom it could not be queued for.
    pub(super) fn send(&mut self, message: &T::Typed) -> Vec<(SocketAddr, SendError)> {
        let mut failures = Vec::new();
        for messenger in self.links.values_mut() {
            match T::send(messenger, message) {
                // A link that has ended is told of when its turn comes.
                Ok(()) | Err(SendError::Ended(_)) => {}
                Err(error) => failures.push((messenger.remote_address(), error)),
            }
        }
        failures
    }

    /// Ends a link when all that is queued is sent, or when the time is over.
    pub(super) fn close(
        &mut self,
        key: usize,
        timeout: Duration,
    ) -> Option<(SocketAddr, Result<(), Unsent>)> {
        let mut messenger = self.links.remove(&key)?;
        // What the system did not watch needs not be removed.
        let _ = self.watch.remove(&mut messenger);
        Some((messenger.remote_address(), messenger.shutdown(timeout)))
    }

    /// Whether a peer has so much to take yet that it should not get more.
    pub(super) fn are_full(&self) -> bool {
        self.links.values().any(|messenger| messenger.queued() >= FULL)
    }

    pub(super) fn are_none(&self) -> bool {
        self.links.is_empty()
    }

    /// Whether there were links and there are none.
    pub(super) fn have_ended(&self) -> bool {
        self.first_at.is_some() && self.links.is_empty()
    }

    /// Whether one ended with an error.
    pub(super) fn have_failed(&self) -> bool {
        self.failed
    }

    /// When the first one came about.
    pub(super) fn first_at(&self) -> Option<Instant> {
        self.first_at
    }
}
