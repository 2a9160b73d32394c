//! A messenger's socket: what moves between it and a link, and how to sleep until it is ready.

use std::io::{self, Read, Write};
use std::net::Shutdown;
#[cfg(unix)]
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use cable_car::{Link, LinkError, MessageSet, Moved};
#[cfg(unix)]
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, net};

use crate::buffer::Growing;
use crate::connection::Lease;

/// A connected socket that never waits, and what is known of its readiness.
pub(crate) struct Socket {
    stream: Arc<net::TcpStream>,
    watcher: Watcher,
    /// Whether the system may have bytes for us: not so once it said that it has none, until it
    /// reports the socket as ready.
    readable: bool,
    /// Whether the system has reported that the peer sends no more.
    ending: bool,
    /// Whether all that there was has been received just now, while a program waited.
    fresh: bool,
    lease: Option<Lease>,
}

/// Who is told when the socket becomes ready.
enum Watcher {
    Nobody,
    /// The messenger itself, while it waits.
    Own {
        poll: Poll,
        events: Events,
    },
    /// A [`Watch`](crate::Watch).
    Other {
        registry: Arc<Registry>,
        token: Token,
    },
}

impl Socket {
    pub(crate) fn new(stream: Arc<net::TcpStream>, lease: Option<Lease>) -> Self {
        let watcher = Watcher::Nobody;
        Self { stream, watcher, readable: true, ending: false, fresh: false, lease }
    }

    /// Lets `registry` know when the socket becomes ready.
    pub(crate) fn watch(&mut self, registry: Arc<Registry>, token: Token) -> io::Result<()> {
        self.set_watcher(Watcher::Other { registry, token })
    }

    /// Undoes [`watch`](Self::watch).
    pub(crate) fn unwatch(&mut self) -> io::Result<()> {
        self.set_watcher(Watcher::Nobody)
    }

    /// Why the link ends, for the connector that made the connection.
    pub(crate) fn set_reason(&mut self, reason: LinkError) {
        if let Some(lease) = &mut self.lease {
            lease.set_reason(reason);
        }
    }

    /// Ends the connection.
    pub(crate) fn hang_up(self) {
        // Another handle to the connection must not keep it open; it may be gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Receives, unless the system is known to have nothing.
    pub(crate) fn receive_if_readable<S: MessageSet>(
        &mut self,
        link: &mut Link<S, Growing, Growing>,
    ) {
        if self.readable {
            self.receive(link);
            self.fresh = !self.readable;
        }
    }

    /// Whether the last that was done is a [`receive_if_readable`](Self::receive_if_readable) that
    /// received all there was; said once.
    pub(crate) fn take_fresh(&mut self) -> bool {
        std::mem::take(&mut self.fresh)
    }

    pub(crate) fn receive<S: MessageSet>(&mut self, link: &mut Link<S, Growing, Growing>) {
        let mut drained = false;
        link.receive(|space| {
            let moved = match uninterrupted(|| (&*self.stream).read(space)) {
                Ok(0) => Moved::Closed,
                // The end of the stream may have come along with the last bytes, and is not
                // reported apart from them: who was told of it reads on until it is there, and so
                // does who does not know what was told.
                Ok(len) if self.ending || matches!(self.watcher, Watcher::Other { .. }) => {
                    Moved::Some(len)
                }
                Ok(len) => progress(len, space.len()),
                Err(error) => no_progress(&error),
            };
            drained = matches!(moved, Moved::All(_) | Moved::Idle);
            moved
        });
        if !drained {
            // The buffer is full, or the stream has ended behind messages that are yet to be got:
            // readiness that was told before is to be told again.
            self.rearm();
        }
        self.readable = !drained;
    }

    pub(crate) fn transmit<S: MessageSet>(&mut self, link: &mut Link<S, Growing, Growing>) {
        link.transmit(|bytes| match uninterrupted(|| (&*self.stream).write(bytes)) {
            Ok(0) => Moved::Idle,
            Ok(len) => progress(len, bytes.len()),
            Err(error) => no_progress(&error),
        });
    }

    /// Sleeps until the socket is ready or `timeout` is over; `false` where it is not ready.
    pub(crate) fn sleep(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        if matches!(self.watcher, Watcher::Nobody) {
            let poll = Poll::new()?;
            self.set_watcher(Watcher::Own { poll, events: Events::with_capacity(4) })?;
        }
        let Watcher::Own { poll, events } = &mut self.watcher else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a Watch waits for this messenger: wait there, or remove it from there",
            ));
        };
        match poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.readable |= events.iter().any(mio::event::Event::is_readable);
        self.ending |= events.iter().any(mio::event::Event::is_read_closed);
        Ok(!events.is_empty())
    }

    fn set_watcher(&mut self, watcher: Watcher) -> io::Result<()> {
        if let Some((registry, _)) = self.watcher.registry() {
            source(&mut self.stream, |source| registry.deregister(source))?;
        }
        self.watcher = Watcher::Nobody;
        if let Some((registry, token)) = watcher.registry() {
            source(&mut self.stream, |source| registry.register(source, token, READY))?;
        }
        self.watcher = watcher;
        Ok(())
    }

    /// Has a watch report the socket, though nothing more may come.
    pub(crate) fn rearm(&mut self) {
        if let Watcher::Other { registry, token } = &self.watcher {
            // A socket that can not be watched any more is read without being told to.
            let _ = source(&mut self.stream, |source| registry.reregister(source, *token, READY));
        }
    }
}

const READY: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl Watcher {
    fn registry(&self) -> Option<(&Registry, Token)> {
        match self {
            Self::Nobody => None,
            Self::Own { poll, .. } => Some((poll.registry(), Token(0))),
            Self::Other { registry, token } => Some((registry, *token)),
        }
    }
}

/// A socket as what a registry takes, though it is shared.
#[cfg(unix)]
fn source<R>(
    stream: &mut Arc<net::TcpStream>,
    call: impl FnOnce(&mut SourceFd<'_>) -> io::Result<R>,
) -> io::Result<R> {
    call(&mut SourceFd(&stream.as_raw_fd()))
}

/// Elsewhere nobody else knows it: see [`doubt`](crate::tune::doubt).
#[cfg(not(unix))]
fn source<R>(
    stream: &mut Arc<net::TcpStream>,
    call: impl FnOnce(&mut net::TcpStream) -> io::Result<R>,
) -> io::Result<R> {
    call(Arc::get_mut(stream).ok_or(io::ErrorKind::ResourceBusy)?)
}

/// A call that moved less than it could has moved all that there was. On Windows readiness is told
/// again only after a call that would have blocked.
fn progress(len: usize, wanted: usize) -> Moved {
    if len < wanted && !cfg!(windows) { Moved::All(len) } else { Moved::Some(len) }
}

fn no_progress(error: &io::Error) -> Moved {
    match error.kind() {
        io::ErrorKind::WouldBlock => Moved::Idle,
        _ => Moved::Failed,
    }
}

/// Calls again where a signal came between.
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
