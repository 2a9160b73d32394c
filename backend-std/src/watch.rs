//! Readiness of many messengers at once.

use std::io;
use std::time::Duration;

use cable_car::MessageSet;
use mio::{Events, Poll, Token};

use crate::messenger::Messenger;

/// Sleeps until one of many messengers has something to do: one thread can serve a thousand peers.
///
/// A messenger that is reported wants [`xfer`](Messenger::xfer), then [`get`](Messenger::get) until
/// there is nothing. After `send`, call `xfer` before waiting: a watch does not send.
///
/// ```no_run
/// use cable_car_std::{AnyByte, Messenger, Watch};
///
/// fn serve(mut peers: Vec<Messenger<AnyByte>>) -> std::io::Result<()> {
///     let mut watch = Watch::new()?;
///     for (key, peer) in peers.iter_mut().enumerate() {
///         watch.add(key, peer)?;
///     }
///     loop {
///         for key in watch.wait(None)? {
///             let peer = &mut peers[key];
///             if peer.xfer().is_err() {
///                 continue; // This one is over.
///             }
///             while let Some(message) = peer.get() {
///                 println!("{key}: {message:?}");
///             }
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Watch {
    poll: Poll,
    events: Events,
}

impl Watch {
    /// How many messengers one [`wait`](Self::wait) reports at the most; the others follow with the
    /// next.
    pub const BATCH: usize = 256;

    /// A watch over no messenger.
    ///
    /// # Errors
    /// Where the system is out of descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, events: Events::with_capacity(Self::BATCH) })
    }

    /// Reports `messenger` as `key` from now on, at once if there is something to do already.
    ///
    /// # Errors
    /// Where the messenger is closed or the system can not watch it.
    pub fn add<S: MessageSet>(&self, key: usize, messenger: &mut Messenger<S>) -> io::Result<()> {
        messenger.watch(self.poll.registry(), Token(key))
    }

    /// Reports `messenger` no more. One that is closed or dropped need not be removed.
    ///
    /// # Errors
    /// Where the system did not watch it.
    pub fn remove<S: MessageSet>(&self, messenger: &mut Messenger<S>) -> io::Result<()> {
        messenger.unwatch()
    }

    /// Sleeps until a messenger has something to do, or until `timeout` is over, and gives the keys
    /// of those that have; no timeout is no limit.
    ///
    /// # Errors
    /// Where the system can not wait.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<impl Iterator<Item = usize>> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(self.events.iter().map(|event| event.token().0)),
        }
    }
}
