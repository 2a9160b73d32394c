//! Beacons, out and in.

use core::net::SocketAddrV4;

use embedded_nal::{TcpFullStack, UdpClientStack, UdpFullStack, nb};

use super::error::{ConnectorError, ErrorOf};
use super::sockets::Sockets;
use super::{BATCH, BroadcastConnector, ipv4};
use crate::discovery::{Announcement, LONGEST};
use crate::nal::LocalAddress;
use crate::time::Instant;

impl<T, const PEERS: usize> BroadcastConnector<T, PEERS>
where
    T: TcpFullStack + UdpFullStack + LocalAddress,
{
    pub(super) fn hear(
        &mut self,
        stack: &mut T,
        socket: &mut T::UdpSocket,
        now: Instant,
    ) -> Result<(), ErrorOf<T>> {
        for _ in 0..BATCH {
            // Longer ones are cut, and are understood as far as they go.
            let mut datagram = [0; 2 * LONGEST];
            match UdpClientStack::receive(stack, socket, &mut datagram) {
                Ok((len, from)) => {
                    if let Some(address) = ipv4(from) {
                        let from = SocketAddrV4::new(address, from.port());
                        let datagram = datagram.get(..len).unwrap_or(&datagram);
                        self.discovery.heard(now, from, datagram);
                    }
                }
                Err(nb::Error::WouldBlock) => return Ok(()),
                Err(nb::Error::Other(error)) => return Err(ConnectorError::Hear(error)),
            }
        }
        self.more = true;
        Ok(())
    }

    /// Sends a beacon to every destination; fails only where none of them can be reached.
    pub(super) fn broadcast(
        &mut self,
        stack: &mut T,
        sockets: &mut Sockets<T>,
    ) -> Result<(), ErrorOf<T>> {
        let port = self.discovery.config().udp_port;
        let mut failure = None;
        let mut sent = false;
        for index in 0..self.destinations.len() {
            let Some(&address) = self.destinations.get(index) else { break };
            match self.beacon(stack, sockets, SocketAddrV4::new(address, port), false) {
                Ok(()) => sent = true,
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if !sent => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn beacon(
        &self,
        stack: &mut T,
        sockets: &mut Sockets<T>,
        to: SocketAddrV4,
        answer: bool,
    ) -> Result<(), ErrorOf<T>> {
        let announcement = Announcement { answer, ..self.discovery.announcement() };
        let socket = sockets.own.as_mut().unwrap_or(&mut sockets.shared);
        match stack.send_to(socket, to.into(), announcement.write(&mut [0; LONGEST])) {
            // With no room for it now, the beacon is lost as any may be; the next one is due soon.
            Ok(()) | Err(nb::Error::WouldBlock) => Ok(()),
            Err(nb::Error::Other(error)) => Err(ConnectorError::Beacon(error)),
        }
    }
}
