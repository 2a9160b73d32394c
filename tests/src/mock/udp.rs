//! Datagrams in memory.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};

use embedded_nal::{UdpClientStack, UdpFullStack, nb};

use super::{Call, Inbox, Mock, MockError, UdpSocket, misused};

impl UdpClientStack for Mock {
    type UdpSocket = UdpSocket;
    type Error = MockError;

    fn socket(&mut self) -> Result<UdpSocket, MockError> {
        self.check(Call::UdpSocket)?;
        Ok(UdpSocket { id: self.opened(), port: None })
    }

    fn connect(&mut self, _: &mut UdpSocket, _: SocketAddr) -> Result<(), MockError> {
        Err(MockError::Misused)
    }

    fn send(&mut self, _: &mut UdpSocket, _: &[u8]) -> nb::Result<(), MockError> {
        misused()
    }

    fn receive(
        &mut self,
        socket: &mut UdpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), MockError> {
        self.check_nb(Call::UdpReceive)?;
        let mut net = self.net.borrow_mut();
        let Some(inbox) = net.inboxes.get_mut(&socket.id) else { return misused() };
        let Some((bytes, from)) = inbox.datagrams.pop_front() else {
            return Err(nb::Error::WouldBlock);
        };
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        Ok((len, from))
    }

    fn close(&mut self, socket: UdpSocket) -> Result<(), MockError> {
        self.given_back(socket.id);
        self.net.borrow_mut().inboxes.remove(&socket.id);
        self.check(Call::Close)
    }
}

impl UdpFullStack for Mock {
    fn bind(&mut self, socket: &mut UdpSocket, local_port: u16) -> Result<(), MockError> {
        self.check(Call::UdpBind)?;
        let inbox = Inbox { address: self.address, port: local_port, datagrams: VecDeque::new() };
        self.net.borrow_mut().inboxes.insert(socket.id, inbox);
        socket.port = Some(local_port);
        Ok(())
    }

    fn send_to(
        &mut self,
        socket: &mut UdpSocket,
        remote: SocketAddr,
        buffer: &[u8],
    ) -> nb::Result<(), MockError> {
        self.check_nb(Call::UdpSend)?;
        let Some(port) = socket.port else { return misused() };
        let from = SocketAddr::from((self.address, port));
        for inbox in self.net.borrow_mut().inboxes.values_mut() {
            let addressed = remote.ip() == inbox.address || remote.ip() == Ipv4Addr::BROADCAST;
            if addressed && remote.port() == inbox.port {
                inbox.datagrams.push_back((buffer.to_vec(), from));
            }
        }
        Ok(())
    }
}
