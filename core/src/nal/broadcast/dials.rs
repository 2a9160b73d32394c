//! Dials that are under way, until they are welcomed.

use core::net::SocketAddrV4;

use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack, nb};

use super::BroadcastConnector;
use super::error::{Event, EventOf};
use crate::discovery::{DialId, Discovery, LinkId, Opening, Reached};
use crate::nal::direct::ConnectError;
use crate::nal::greeting::{Dial, read_hello, say, take};
use crate::nal::{Connection, LocalAddress};
use crate::time::Instant;

impl<T, const PEERS: usize> BroadcastConnector<T, PEERS>
where
    T: TcpFullStack + UdpFullStack + LocalAddress,
{
    pub(super) fn go_on_dialling(&mut self, stack: &mut T, now: Instant) -> Option<EventOf<T>> {
        let mut index = 0;
        while let Some(dial) = self.dials.get_mut(index) {
            let progress = match self.discovery.wants(dial.id) {
                true => progress(&mut self.discovery, stack, dial, now),
                false => Progress::NotWanted,
            };
            if let Progress::UnderWay = progress {
                index += 1;
                continue;
            }
            let Dial { id, socket, remote, .. } = take(&mut self.dials, index)?;
            if let Progress::Linked(link) = progress {
                let who = self.discovery.who(link);
                let connection = Connection::new(socket, remote.into());
                return Some(Event::Joined { connection, who, link, replaces: None });
            }
            let _ = TcpClientStack::close(stack, socket);
            if let Progress::Failed(reason) = progress {
                self.discovery.dial_failed(now, id);
                return Some(unreachable(remote, reason));
            }
        }
        None
    }

    /// Ends a dial, and gives whom it was for.
    pub(super) fn hang_up(&mut self, stack: &mut T, id: DialId) -> Option<SocketAddrV4> {
        let index = self.dials.iter().position(|dial| dial.id == id)?;
        let dial = take(&mut self.dials, index)?;
        let _ = TcpClientStack::close(stack, dial.socket);
        Some(dial.remote)
    }
}

/// How far a dial has come.
enum Progress<E> {
    UnderWay,
    /// The peer was faster.
    NotWanted,
    Linked(LinkId),
    Failed(ConnectError<E>),
}

fn progress<T: TcpClientStack, const PEERS: usize>(
    discovery: &mut Discovery<PEERS>,
    stack: &mut T,
    dial: &mut Dial<T::TcpSocket>,
    now: Instant,
) -> Progress<T::Error> {
    if dial.greeting.is_none() {
        match TcpClientStack::connect(stack, &mut dial.socket, dial.remote.into()) {
            Ok(()) => {}
            Err(nb::Error::WouldBlock) => return Progress::UnderWay,
            Err(nb::Error::Other(error)) => {
                return Progress::Failed(ConnectError::Connect(error));
            }
        }
        match discovery.reached(now, dial.id) {
            Reached::Link(link) => return Progress::Linked(link),
            Reached::Greet(hello) if say(stack, &mut dial.socket, &hello) => {}
            Reached::Greet(_) | Reached::NotWanted => {
                return Progress::Failed(ConnectError::Refused);
            }
        }
    }
    let greeting = dial.greeting.get_or_insert_default();
    match read_hello(stack, &mut dial.socket, greeting) {
        Ok(Opening::Part) => Progress::UnderWay,
        Ok(Opening::Hello(hello)) => match discovery.welcomed(now, dial.id, &hello) {
            Some(link) => Progress::Linked(link),
            None => Progress::Failed(ConnectError::Refused),
        },
        Ok(Opening::Message(_) | Opening::Nonsense) | Err(_) => {
            Progress::Failed(ConnectError::Refused)
        }
    }
}

pub(super) fn unreachable<Socket, E>(
    remote: SocketAddrV4,
    reason: ConnectError<E>,
) -> Event<Socket, E> {
    Event::Unreachable { remote, reason }
}
