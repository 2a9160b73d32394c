//! Dials that are under way, until they are welcomed.

use core::net::SocketAddrV4;

use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack, nb};

use super::error::{Event, EventOf};
use super::{BroadcastConnector, put_back};
use crate::discovery::{DialId, LinkId, Opening, Reached};
use crate::nal::direct::ConnectError;
use crate::nal::greeting::{Dial, read_hello, say};
use crate::nal::{Connection, LocalAddress};
use crate::time::Instant;

impl<T, const PEERS: usize> BroadcastConnector<T, PEERS>
where
    T: TcpFullStack + UdpFullStack + LocalAddress,
{
    pub(super) fn go_on_dialling(&mut self, stack: &mut T, now: Instant) -> Option<EventOf<T>> {
        let mut index = 0;
        while index < self.dials.len() {
            let mut dial = self.dials.swap_remove(index);
            if !self.discovery.wants(dial.id) {
                // The peer was faster.
                let _ = TcpClientStack::close(stack, dial.socket);
                continue;
            }
            match self.progress(stack, &mut dial, now) {
                Progress::UnderWay => {
                    put_back(&mut self.dials, dial, index);
                    index += 1;
                }
                Progress::Linked(link) => {
                    let who = self.discovery.who(link);
                    let connection = Connection::new(dial.socket, dial.remote.into());
                    return Some(Event::Joined { connection, who, link, replaces: None });
                }
                Progress::Failed(reason) => {
                    let _ = TcpClientStack::close(stack, dial.socket);
                    self.discovery.dial_failed(now, dial.id);
                    return Some(unreachable(dial.remote, reason));
                }
            }
        }
        None
    }

    fn progress(
        &mut self,
        stack: &mut T,
        dial: &mut Dial<T::TcpSocket>,
        now: Instant,
    ) -> Progress<<T as TcpClientStack>::Error> {
        if dial.greeting.is_none() {
            match TcpClientStack::connect(stack, &mut dial.socket, dial.remote.into()) {
                Ok(()) => {}
                Err(nb::Error::WouldBlock) => return Progress::UnderWay,
                Err(nb::Error::Other(error)) => {
                    return Progress::Failed(ConnectError::Connect(error));
                }
            }
            match self.discovery.reached(now, dial.id) {
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
            Ok(Opening::Hello(hello)) => match self.discovery.welcomed(now, dial.id, &hello) {
                Some(link) => Progress::Linked(link),
                None => Progress::Failed(ConnectError::Refused),
            },
            Ok(Opening::Message(_) | Opening::Nonsense) | Err(_) => {
                Progress::Failed(ConnectError::Refused)
            }
        }
    }

    /// Ends a dial, and gives whom it was for.
    pub(super) fn hang_up(&mut self, stack: &mut T, id: DialId) -> Option<SocketAddrV4> {
        let index = self.dials.iter().position(|dial| dial.id == id)?;
        let dial = self.dials.swap_remove(index);
        let _ = TcpClientStack::close(stack, dial.socket);
        Some(dial.remote)
    }
}

/// How far a dial has come.
enum Progress<E> {
    UnderWay,
    Linked(LinkId),
    Failed(ConnectError<E>),
}

pub(super) fn unreachable<Socket, E>(
    remote: SocketAddrV4,
    reason: ConnectError<E>,
) -> Event<Socket, E> {
    Event::Unreachable { remote, reason }
}
