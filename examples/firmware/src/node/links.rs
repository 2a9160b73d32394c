//! The links of one transport: a fixed table, served in turn.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use cable_car::discovery::LinkId;
use cable_car::nal::{Connection, Messenger, Unsent};
use cable_car::{Instant, LinkError, MessageSet};
use embedded_nal::{TcpClientStack, nb};

/// Bytes of each link's buffer for what comes in: the longest JSON line that is understood.
pub const RX_BYTES: usize = 1024;
/// Bytes of each link's buffer for what goes out.
pub const TX_BYTES: usize = 1024;
/// How many messages of one link are taken before the next link has its turn.
const MESSAGES_A_TURN: usize = 16;
/// How often a link transfers in one turn, while there is something to be had.
const TRANSFERS_A_TURN: usize = 4;
/// How long what is queued may take to leave once the link is to end.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// The buffers of `N` links. All zero, so that a `static` takes RAM only.
#[derive(Debug)]
pub struct Buffers<const N: usize>([([u8; RX_BYTES], [u8; TX_BYTES]); N]);

impl<const N: usize> Buffers<N> {
    /// Buffers that nobody uses yet.
    #[must_use]
    pub const fn new() -> Self {
        Self([([0; RX_BYTES], [0; TX_BYTES]); N])
    }
}

impl<const N: usize> Default for Buffers<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// How a link came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// By broadcast, whoever dialled.
    Found(LinkId),
    /// A client dialled this node.
    Accepted,
    /// This node was told to dial. Such a link introduces itself and answers nothing: two nodes
    /// that answer each other's answers would never end.
    Dialled,
}

/// A messenger, and what is known about the link besides.
#[derive(Debug)]
pub(super) struct Peer<'s, S: MessageSet, Socket> {
    pub(super) messenger: Messenger<S, Socket, &'s mut [u8], &'s mut [u8]>,
    pub(super) origin: Origin,
    pub(super) tally: Tally,
    /// Until when what is queued may leave, once the link is to end.
    leaving: Option<Instant>,
}

/// What is counted rather than told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) echoed: u32,
    pub(super) bad: u32,
}

/// How a link ended.
#[derive(Debug)]
pub(super) enum Ending {
    Link(LinkError),
    /// This side said goodbye.
    Left,
    /// This side said goodbye, and some of it could not be sent.
    LeftUnsent(Unsent),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(end) => end.fmt(f),
            Self::Left => f.write_str("it said goodbye"),
            Self::LeftUnsent(unsent) => write!(f, "it said goodbye; {unsent}"),
        }
    }
}

type Memory<'s> = (&'s mut [u8], &'s mut [u8]);

/// A place of the table: a link, or the buffers for one.
struct Place<'s, S: MessageSet, Socket> {
    peer: Option<Peer<'s, S, Socket>>,
    spare: Option<Memory<'s>>,
}

/// Up to `N` links.
pub(super) struct Links<'s, S: MessageSet, Socket, const N: usize> {
    places: [Place<'s, S, Socket>; N],
    /// Whose turn comes first: another's each time.
    first: usize,
}

impl<'s, S: MessageSet, Socket, const N: usize> Links<'s, S, Socket, N> {
    pub(super) fn new(buffers: &'s mut Buffers<N>) -> Self {
        let places = buffers
            .0
            .each_mut()
            .map(|(rx, tx)| Place { peer: None, spare: Some((&mut rx[..], &mut tx[..])) });
        Self { places, first: 0 }
    }

    /// Takes a connection in, or gives it back where the table is full.
    pub(super) fn add(
        &mut self,
        connection: Connection<Socket>,
        origin: Origin,
    ) -> Result<&mut Peer<'s, S, Socket>, Connection<Socket>> {
        let free = self.places.iter_mut().find(|place| place.peer.is_none());
        let Some((place, (rx, tx))) = free.and_then(|place| {
            let memory = place.spare.take()?;
            Some((place, memory))
        }) else {
            return Err(connection);
        };
        let messenger = Messenger::new(connection, rx, tx);
        let peer = Peer { messenger, origin, tally: Tally::default(), leaving: None };
        Ok(place.peer.insert(peer))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Peer<'s, S, Socket>> {
        self.places.iter_mut().filter_map(|place| place.peer.as_mut())
    }

    /// Transfers on every link, and lets `take` take out one message each time; `take` says whether
    /// there was one. `ended` is told of the links that have ended. Says when to call again though
    /// nothing came.
    pub(super) fn serve<T: TcpClientStack<TcpSocket = Socket>>(
        &mut self,
        stack: &mut T,
        now: Instant,
        mut take: impl FnMut(&mut Peer<'s, S, Socket>) -> bool,
        mut ended: impl FnMut(&Peer<'s, S, Socket>, Ending),
    ) -> Option<Instant> {
        let mut wake_at = None;
        for index in (self.first..N).chain(0..self.first) {
            let Some(place) = self.places.get_mut(index) else { continue };
            let Some(peer) = &mut place.peer else { continue };
            match peer.turn(stack, now, &mut take) {
                Ok(again_at) => wake_at = [wake_at, again_at].into_iter().flatten().min(),
                Err(ending) => {
                    ended(peer, ending);
                    if let Some(peer) = place.peer.take() {
                        place.spare = Some(peer.messenger.into_buffers(stack));
                    }
                }
            }
        }
        self.first = if self.first + 1 < N { self.first + 1 } else { 0 };
        wake_at
    }
}

impl<'s, S: MessageSet, Socket> Peer<'s, S, Socket> {
    pub(super) fn address(&self) -> SocketAddr {
        self.messenger.remote_address()
    }

    /// Whether the link takes the longest answer: it is asked before a message is taken out, so
    /// that none is lost, and a peer that does not read is not read from either.
    pub(super) fn has_room(&self) -> bool {
        // With so little queued the free part of the buffer is in one piece, or can be made so.
        self.messenger.queued() <= TX_BYTES / 4
    }

    /// Ends the link once what is queued has left.
    pub(super) fn leave(&mut self, now: Instant) {
        self.leaving = Some(now + LEAVE_WITHIN);
    }

    /// One turn; when to call again though nothing came, or the end of the link.
    fn turn<T: TcpClientStack<TcpSocket = Socket>>(
        &mut self,
        stack: &mut T,
        now: Instant,
        take: &mut impl FnMut(&mut Self) -> bool,
    ) -> Result<Option<Instant>, Ending> {
        let mut left = MESSAGES_A_TURN;
        for _ in 0..TRANSFERS_A_TURN {
            if let Some(deadline) = self.leaving {
                return match self.messenger.shutdown(stack, now, deadline) {
                    Ok(()) => Err(Ending::Left),
                    Err(nb::Error::Other(unsent)) => Err(Ending::LeftUnsent(unsent)),
                    Err(nb::Error::WouldBlock) => Ok(Some(deadline)),
                };
            }
            self.messenger.xfer(stack).map_err(Ending::Link)?;
            let before = left;
            while left > 0 && self.leaving.is_none() && self.has_room() && take(self) {
                left -= 1;
            }
            if left == before {
                return Ok(None);
            }
        }
        // There was something up to the end: there may be more, and answers are to be sent.
        Ok(Some(now))
    }
}
