//! Readiness of many messengers at once.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use cable_car::MessageSet;
use mio::{Events, Poll, Registry, Token};

use crate::deadline;
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
    /// Shared by all that are watched: a descriptor for each would be as many again.
    registry: Arc<Registry>,
    events: Events,
    waker: Waker,
}

/// Ends the [`wait`](Watch::wait) of a [`Watch`] from anywhere: another thread that has put
/// something into a channel, or a [connector](crate::BroadcastConnector) that has a new peer.
///
/// ```
/// use cable_car_std::Watch;
/// use std::sync::mpsc;
///
/// let mut watch = Watch::new()?;
/// let waker = watch.waker();
/// let (keys, pressed) = mpsc::channel();
/// std::thread::spawn(move || {
///     if keys.send('q').is_ok() {
///         waker.wake();
///     }
/// });
/// assert_eq!(watch.wait(None)?.count(), 0); // No messenger has anything.
/// assert_eq!(pressed.try_recv(), Ok('q'));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Waker(Arc<mio::Waker>);

impl Waker {
    /// Ends the wait, or the next one where none goes on; of several calls before it ends, one
    /// counts.
    ///
    /// ```
    /// # use cable_car_std::Watch;
    /// let mut watch = Watch::new()?;
    /// watch.waker().wake();
    /// assert_eq!(watch.wait(None)?.count(), 0); // it does not wait
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wake(&self) {
        // It fails only where the watch is gone, and then nobody waits.
        let _ = self.0.wake();
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}

/// What the waker is reported as.
const WOKEN: Token = Token(usize::MAX);

impl Watch {
    /// How many messengers one [`wait`](Self::wait) reports at the most; the others follow with the
    /// next.
    ///
    /// ```
    /// assert_eq!(cable_car_std::Watch::BATCH, 256); // messengers
    /// ```
    pub const BATCH: usize = 256;

    /// A watch over no messenger.
    ///
    /// ```
    /// # use cable_car_std::Watch;
    /// let watch = Watch::new()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the system is out of descriptors.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), WOKEN)?));
        let registry = Arc::new(poll.registry().try_clone()?);
        Ok(Self { poll, registry, events: Events::with_capacity(Self::BATCH), waker })
    }

    /// What ends a [`wait`](Self::wait) before its time.
    ///
    /// ```
    /// # use cable_car_std::Watch;
    /// let watch = Watch::new()?;
    /// let waker = watch.waker();
    /// std::thread::spawn(move || waker.wake());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Reports `messenger` as `key` from now on, at once if there is something to do already. Any
    /// key will do but [`usize::MAX`].
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger, Watch};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// let mut watch = Watch::new()?;
    /// watch.add(7, &mut peer)?;
    /// other.send(&Join)?;
    /// other.xfer()?;
    /// assert_eq!(watch.wait(None)?.collect::<Vec<_>>(), [7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where the messenger is closed or the system can not watch it.
    pub fn add<S: MessageSet>(&self, key: usize, messenger: &mut Messenger<S>) -> io::Result<()> {
        if Token(key) == WOKEN {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the key is taken"));
        }
        messenger.watch(&self.registry, Token(key))
    }

    /// Reports `messenger` no more. One that is closed or dropped need not be removed.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger, Watch};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// let mut watch = Watch::new()?;
    /// watch.add(7, &mut peer)?;
    /// watch.remove(&mut peer)?;
    /// peer.send_wait(&Join, None)?; // it may wait by itself again
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where the system did not watch it.
    pub fn remove<S: MessageSet>(&self, messenger: &mut Messenger<S>) -> io::Result<()> {
        messenger.unwatch()
    }

    /// Sleeps until a messenger has something to do, until it is [woken](Waker), or until `timeout`
    /// is over, and gives the keys of those that have; no timeout is no limit.
    ///
    /// ```
    /// # use cable_car_std::Watch;
    /// use std::time::Duration;
    ///
    /// let mut watch = Watch::new()?;
    /// let ready = watch.wait(Some(Duration::from_millis(1)))?;
    /// assert_eq!(ready.count(), 0); // the time is over
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the system can not wait.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<impl Iterator<Item = usize>> {
        match self.poll.poll(&mut self.events, timeout.and_then(deadline::timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => {
                let tokens = self.events.iter().map(mio::event::Event::token);
                Ok(tokens.filter(|&token| token != WOKEN).map(|token| token.0))
            }
        }
    }
}
