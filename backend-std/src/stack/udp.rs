//! The UDP sockets of the stack.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use embedded_nal::{UdpClientStack, UdpFullStack, nb};
use mio::net;
use socket2::{Domain, Protocol, Socket, Type};

use super::{StackError, StdStack, into_nb};

/// A UDP socket of [`StdStack`].
///
/// ```
/// use cable_car_std::{StdStack, UdpSocket};
/// use embedded_nal::{UdpClientStack, UdpFullStack, nb};
///
/// let mut stack = StdStack::new();
/// let mut socket: UdpSocket = stack.socket()?;
/// stack.bind(&mut socket, 0)?; // any free port
/// let nothing = stack.receive(&mut socket, &mut [0; 64]);
/// assert!(matches!(nothing, Err(nb::Error::WouldBlock)));
/// # Ok::<(), cable_car_std::StackError>(())
/// ```
#[derive(Debug)]
pub struct UdpSocket(Option<net::UdpSocket>);

impl UdpClientStack for StdStack {
    type UdpSocket = UdpSocket;
    type Error = StackError;

    fn socket(&mut self) -> Result<UdpSocket, StackError> {
        Ok(UdpSocket(None))
    }

    fn connect(&mut self, socket: &mut UdpSocket, remote: SocketAddr) -> Result<(), StackError> {
        if socket.0.is_none() {
            UdpFullStack::bind(self, socket, 0)?;
        }
        Ok(socket.bound()?.connect(remote)?)
    }

    fn send(&mut self, socket: &mut UdpSocket, buffer: &[u8]) -> nb::Result<(), StackError> {
        into_nb(socket.bound()?.send(buffer).map(|_| ()))
    }

    fn receive(
        &mut self,
        socket: &mut UdpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), StackError> {
        let (len, from) = into_nb(socket.bound()?.recv_from(buffer))?;
        // Handed on empty, so that whoever receives goes on counting.
        Ok((if self.hears(from) { len } else { 0 }, from))
    }

    fn close(&mut self, socket: UdpSocket) -> Result<(), StackError> {
        match (&self.registry, socket.0) {
            (Some(registry), Some(mut socket)) => Ok(registry.deregister(&mut socket)?),
            _ => Ok(()),
        }
    }
}

impl UdpFullStack for StdStack {
    fn bind(&mut self, socket: &mut UdpSocket, local_port: u16) -> Result<(), StackError> {
        let bound = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        bound.set_nonblocking(true)?;
        bound.set_reuse_address(true)?;
        bound.set_broadcast(true)?;
        // Not to the local address: a socket bound to one hears no broadcast.
        bound.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, local_port)).into())?;
        let mut bound = net::UdpSocket::from_std(bound.into());
        self.watch(&mut bound)?;
        socket.0 = Some(bound);
        Ok(())
    }

    fn send_to(
        &mut self,
        socket: &mut UdpSocket,
        remote: SocketAddr,
        buffer: &[u8],
    ) -> nb::Result<(), StackError> {
        into_nb(socket.bound()?.send_to(buffer, remote).map(|_| ()))
    }
}

impl UdpSocket {
    fn bound(&self) -> Result<&net::UdpSocket, StackError> {
        self.0.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
