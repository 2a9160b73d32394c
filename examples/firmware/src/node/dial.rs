//! An address that is dialled until it answers, and again when it has gone.

use core::net::{SocketAddr, SocketAddrV4};
use core::time::Duration;

use cable_car::Instant;
use cable_car::nal::{ConnectError, Connection, DirectClient};
use embedded_nal::{TcpClientStack, nb};

/// How long a dial that failed, or a link that ended, is followed by nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// Dials one address.
pub(super) struct Dial<Socket> {
    remote: SocketAddrV4,
    state: State<Socket>,
    /// Whether the last dial failed, which has been told.
    failing: bool,
}

enum State<Socket> {
    Pausing { until: Instant },
    Dialling(DirectClient<Socket>),
    Linked,
}

impl<Socket> Dial<Socket> {
    pub(super) fn new(remote: SocketAddrV4, now: Instant) -> Self {
        Self { remote, state: State::Pausing { until: now }, failing: false }
    }

    pub(super) fn remote(&self) -> SocketAddrV4 {
        self.remote
    }

    /// Goes on dialling. A failure is told once, until a dial succeeds.
    pub(super) fn poll<T: TcpClientStack<TcpSocket = Socket>>(
        &mut self,
        stack: &mut T,
        now: Instant,
    ) -> Option<Result<Connection<Socket>, ConnectError<T::Error>>> {
        if let State::Pausing { until } = self.state
            && until <= now
        {
            let deadline = now + DirectClient::<Socket>::TIMEOUT;
            self.state = State::Dialling(DirectClient::new(SocketAddr::V4(self.remote), deadline));
        }
        let State::Dialling(client) = &mut self.state else { return None };
        match client.poll(stack, now) {
            Ok(connection) => {
                self.state = State::Linked;
                self.failing = false;
                Some(Ok(connection))
            }
            Err(nb::Error::WouldBlock) => None,
            Err(nb::Error::Other(error)) => {
                self.ended(now);
                let told = core::mem::replace(&mut self.failing, true);
                (!told).then_some(Err(error))
            }
        }
    }

    /// The link has ended, or could not be kept.
    pub(super) fn ended(&mut self, now: Instant) {
        self.state = State::Pausing { until: now + PAUSE };
    }

    pub(super) fn poll_at(&self) -> Option<Instant> {
        match &self.state {
            State::Pausing { until } => Some(*until),
            State::Dialling(client) => Some(client.poll_at()),
            State::Linked => None,
        }
    }
}
