//! Discovery that runs in the background.

mod background;
mod builder;
mod callbacks;
mod dial_error;
mod event;
mod start_error;
#[cfg(all(test, target_os = "linux"))]
mod tests;

pub use builder::Builder;
pub use dial_error::DialError;
pub use event::Event;
pub use start_error::StartError;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use cable_car::discovery::LinkId;
use cable_car::{LinkError, MessageSet};
use mio::net::TcpStream;

use crate::connection::{Connection, Lease};
use crate::deadline::Deadline;
use crate::messenger::Messenger;
use crate::watch::Waker;

/// Finds peers by broadcast, in the background.
///
/// It sends a beacon at each interval, hears those of others, dials and is dialled, and goes on
/// until it is stopped or dropped, or, if told so, until the first connection or until a timeout.
/// Connections wait in a table until they are taken, by [`next_peer`](Self::next_peer) or by address,
/// or are handed to a callback. When one ends, its peer is linked again as soon as it is heard.
///
/// ```no_run
/// use cable_car_std::{BroadcastConnector, Identify, Messenger, Quit, message_set};
/// use std::time::Duration;
///
/// message_set! { enum Game: Byte { Identify, Quit } }
///
/// let connector = BroadcastConnector::builder().start()?;
/// let mut peer: Messenger<Game> = connector.next_peer(Duration::from_secs(30))?;
/// peer.send(&Quit)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is to be kept, also by a program that has callbacks and calls it no more:
///
/// ```compile_fail
/// # #![deny(unused_must_use)]
/// use cable_car_std::BroadcastConnector;
///
/// BroadcastConnector::builder().on_connect(|_| println!("somebody is here")).start()?;
/// // error: unused `BroadcastConnector` that must be used: dropped, it stops to look for peers
/// std::thread::park();
/// # Ok::<(), cable_car_std::StartError>(())
/// ```
#[must_use = "dropped, it stops to look for peers"]
pub struct BroadcastConnector {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Why there was no peer.
///
/// ```
/// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
/// # use std::time::Duration;
/// # let connector = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("docs of NoPeer").start()?;
/// let nobody = connector.next_connection(Duration::from_millis(1));
/// assert_eq!(nobody.err(), Some(NoPeer::TimedOut)); // later, perhaps
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoPeer {
    /// None came within the time.
    TimedOut,
    /// The connector has stopped, so that none will come.
    Stopped,
}

impl fmt::Display for NoPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no peer was found within the time"),
            Self::Stopped => f.write_str("no peer was found, and the connector has stopped"),
        }
    }
}

impl std::error::Error for NoPeer {}

/// What the background thread and the program share.
struct Shared {
    table: Mutex<Table>,
    changed: Condvar,
    /// Wakes the background thread.
    waker: mio::Waker,
    /// Wakes the program where it waits for more than the connector.
    program: Option<Waker>,
}

#[derive(Default)]
struct Table {
    /// Connections that nobody has taken, the oldest first.
    waiting: VecDeque<Connection>,
    /// The addresses that connections stand with.
    addresses: Vec<Ipv4Addr>,
    /// The sockets of links that stand.
    sockets: HashMap<LinkId, Weak<TcpStream>>,
    /// Links that ended and of which the background thread does not know yet.
    ended: Vec<(LinkId, LinkError)>,
    /// What went wrong most recently, as long as it does.
    trouble: Option<String>,
    stop: bool,
    stopped: bool,
}

impl Shared {
    fn new(waker: mio::Waker, program: Option<Waker>) -> Self {
        Self { table: Mutex::default(), changed: Condvar::new(), waker, program }
    }

    /// The table; that a thread died while it had it does not harm it.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What tells the background thread that a link has ended.
    fn lease(self: &Arc<Self>, link: LinkId) -> Lease {
        let shared = Arc::downgrade(self);
        Lease::new(move |reason| {
            if let Some(shared) = shared.upgrade() {
                let mut table = shared.table();
                table.sockets.remove(&link);
                table.ended.push((link, reason));
                drop(table);
                shared.wake();
            }
        })
    }

    /// Tells the program that the table has changed.
    fn notify(&self) {
        self.changed.notify_all();
        if let Some(program) = &self.program {
            program.wake();
        }
    }

    fn wake(&self) {
        // It fails only where the background thread is gone.
        let _ = self.waker.wake();
    }
}

impl BroadcastConnector {
    /// Options, and the start.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
    /// # use std::time::Duration;
    /// let connector = BroadcastConnector::builder().interfaces(["127.0.0.1"]).start()?;
    /// assert!(!connector.is_stopped());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Waits for the next peer and takes its connection as a messenger.
    ///
    /// ```no_run
    /// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
    /// # use std::time::Duration;
    /// # let connector = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("docs of next_peer").start()?;
    /// let peer: Messenger<AnyByte> = match connector.next_peer(Duration::from_secs(30)) {
    ///     Ok(peer) => peer,
    ///     Err(NoPeer::TimedOut) => return Err("nobody is there".into()),
    ///     Err(error) => return Err(error.into()),
    /// };
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoPeer`] where none came within `timeout`, or none will come any more.
    pub fn next_peer<S: MessageSet>(&self, timeout: Duration) -> Result<Messenger<S>, NoPeer> {
        self.next_connection(timeout).map(Messenger::new)
    }

    /// Waits for the next peer and takes its connection.
    ///
    /// ```no_run
    /// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
    /// # use std::time::Duration;
    /// # let connector = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("docs of next_connection").start()?;
    /// let connection = connector.next_connection(Duration::from_secs(30))?;
    /// println!("{} is here", connection.remote_address());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`next_peer`](Self::next_peer).
    pub fn next_connection(&self, timeout: Duration) -> Result<Connection, NoPeer> {
        let deadline = Deadline::after(Some(timeout));
        let mut table = self.shared.table();
        loop {
            if let Some(connection) = table.waiting.pop_front() {
                return Ok(connection);
            }
            let left = deadline.left();
            match () {
                () if table.stopped => return Err(NoPeer::Stopped),
                () if left == Some(Duration::ZERO) => return Err(NoPeer::TimedOut),
                () => {}
            }
            let waited = self.shared.changed.wait_timeout(table, left.unwrap_or(Duration::MAX));
            table = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes the connection with `address` out of the table, if one waits there.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
    /// # use std::time::Duration;
    /// # let connector = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("docs of take").start()?;
    /// // Whoever else is there waits on.
    /// let friend = connector.take([192, 168, 1, 7].into());
    /// assert!(friend.is_none(), "it is not linked, or was taken");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take(&self, address: Ipv4Addr) -> Option<Connection> {
        let mut table = self.shared.table();
        let at = table.waiting.iter().position(|connection| connection.remote.ip() == address)?;
        table.waiting.remove(at)
    }

    /// The addresses of all peers that a connection stands with, taken or not.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
    /// # use std::time::Duration;
    /// # let connector = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("docs of addresses").start()?;
    /// for address in connector.addresses() {
    ///     println!("linked with {address}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        self.shared.table().addresses.clone()
    }

    /// What keeps the connector from its work at present: that no network is up, that there are more
    /// networks than it sends beacons to, that the program holds on to 1024 links or does not return
    /// from a callback. It goes on trying.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
    /// # use std::time::Duration;
    /// # let connector = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("docs of trouble").start()?;
    /// if let Some(trouble) = connector.trouble() {
    ///     eprintln!("nobody can be found: {trouble}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trouble(&self) -> Option<String> {
        self.shared.table().trouble.clone()
    }

    /// Whether no more peers are sought: stopped, timed out, or connected where one was wanted.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
    /// # use std::time::Duration;
    /// # let connector = BroadcastConnector::builder().timeout(Duration::from_millis(1)).interfaces(["127.0.0.1"]).service("docs of is_stopped").start()?;
    /// while !connector.is_stopped() {
    ///     std::thread::sleep(Duration::from_millis(1)); // the timeout was 1 ms
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_stopped(&self) -> bool {
        self.shared.table().stopped
    }

    /// Stops to look for peers and frees the ports. Connections go on, those in the table too.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, BroadcastConnector, Messenger, NoPeer};
    /// # use std::time::Duration;
    /// # let mut connector = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("docs of stop").start()?;
    /// connector.stop();
    /// assert_eq!(connector.next_connection(Duration::MAX).err(), Some(NoPeer::Stopped));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stop(&mut self) {
        self.shared.table().stop = true;
        self.shared.wake();
        self.join();
    }

    /// Waits until the connector stops by itself.
    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, it would have stopped all the same.
            let _ = thread.join();
        }
    }
}

impl Drop for BroadcastConnector {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for BroadcastConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastConnector")
            .field("addresses", &self.addresses())
            .field("stopped", &self.is_stopped())
            .finish_non_exhaustive()
    }
}
