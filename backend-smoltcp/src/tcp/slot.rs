//! One TCP socket of the storage, and what it is used for.

use core::net::SocketAddrV4;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};

use crate::error::Error;

/// A peer that takes no data is probed after this time, and after twice the last pause from then on.
const FIRST_WINDOW_PROBE: Duration = Duration::from_secs(2);
const LAST_WINDOW_PROBE: Duration = Duration::from_secs(60);

/// What a slot is used for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    Free,
    /// The program's, not connected; port 0 is none.
    Reserved {
        port: u16,
    },
    Connecting {
        remote: SocketAddrV4,
    },
    /// The program's, connected once; it may have been closed or reset since.
    Connected {
        remote: SocketAddrV4,
    },
    /// The program's, good for `close` only.
    Failed(Error),
    Listening {
        listener: u8,
    },
    /// A client has sent its first segment.
    HalfOpen {
        listener: u8,
    },
    /// Connected and not accepted yet; the smallest order came first.
    Waiting {
        listener: u8,
        order: u32,
    },
    /// No longer the program's: sending what was queued, and saying goodbye.
    Closing,
}

impl Role {
    /// The listener that the slot belongs to until it is accepted.
    pub(crate) fn listener(self) -> Option<u8> {
        match self {
            Self::Listening { listener }
            | Self::HalfOpen { listener }
            | Self::Waiting { listener, .. } => Some(listener),
            _ => None,
        }
    }
}

pub(crate) struct TcpSlot {
    /// Filled when the stack is made.
    pub(crate) handle: Option<SocketHandle>,
    /// Told apart from the sockets that the slot was before.
    pub(crate) generation: u16,
    pub(crate) role: Role,
    /// When the role began.
    pub(crate) since: Instant,
    /// Why the connection is no more.
    pub(crate) cause: Option<Error>,
    pub(crate) heard_at: Instant,
    /// The peer's window was closed when last heard of, so long after the time before.
    closed_window_pause: Option<Duration>,
}

impl TcpSlot {
    pub(crate) const EMPTY: Self = Self {
        handle: None,
        generation: 0,
        role: Role::Free,
        since: Instant::ZERO,
        cause: None,
        heard_at: Instant::ZERO,
        closed_window_pause: None,
    };

    pub(crate) fn enter(&mut self, role: Role, now: Instant) {
        self.role = role;
        self.since = now;
        self.heard_at = now;
        self.closed_window_pause = None;
    }

    pub(crate) fn hear(&mut self, zero_window: bool, now: Instant) {
        self.closed_window_pause = zero_window.then_some(now - self.heard_at);
        self.heard_at = now;
    }

    /// When the peer is given up if it is not heard of before.
    ///
    /// smoltcp's own timeout would start anew with each send into an empty queue, and would give up
    /// a peer that keeps its window closed, because the probes become as rare as one a minute.
    pub(crate) fn dead_at(&self, timeout: Duration) -> Instant {
        let probe_due = self.closed_window_pause.map_or(Duration::ZERO, |pause| {
            (pause * 2).clamp(FIRST_WINDOW_PROBE, LAST_WINDOW_PROBE)
        });
        self.heard_at + probe_due + timeout
    }

    pub(crate) fn socket<'s, 'a>(&self, sockets: &'s mut SocketSet<'a>) -> &'s mut tcp::Socket<'a> {
        sockets.get_mut(self.handle.unwrap_or_default())
    }

    pub(crate) fn socket_ref<'s, 'a>(&self, sockets: &'s SocketSet<'a>) -> &'s tcp::Socket<'a> {
        sockets.get(self.handle.unwrap_or_default())
    }

    /// Brings the socket back to where it began: closed, empty, silent.
    pub(crate) fn wipe(&mut self, sockets: &mut SocketSet<'_>) {
        let socket = self.socket(sockets);
        socket.abort();
        // Listening is smoltcp's one way to forget the peer without a word to it.
        let _ = socket.listen(1);
        socket.close();
        // The set remembers that the last peer's hardware address was not known, and would hold the
        // next peer's first segment back for up to a second. The place that is free now is taken
        // again: no other is free before it.
        if let Some(handle) = self.handle
            && let smoltcp::socket::Socket::Tcp(socket) = sockets.remove(handle)
        {
            self.handle = Some(sockets.add(socket));
        }
        self.cause = None;
    }

    pub(crate) fn free(&mut self, sockets: &mut SocketSet<'_>) {
        self.wipe(sockets);
        self.generation = self.generation.wrapping_add(1);
        self.role = Role::Free;
    }
}
