//! Connections in memory.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cable_car::nal::LocalAddress;
use embedded_nal::{TcpClientStack, TcpFullStack, nb};

use super::{Call, Dialled, Mock, MockError, PIPE, Say, SharedPipe, State, TcpSocket, misused};

impl TcpClientStack for Mock {
    type TcpSocket = TcpSocket;
    type Error = MockError;

    fn socket(&mut self) -> Result<TcpSocket, MockError> {
        self.check(Call::Socket)?;
        Ok(TcpSocket { id: self.opened(), state: State::New })
    }

    fn connect(&mut self, socket: &mut TcpSocket, remote: SocketAddr) -> nb::Result<(), MockError> {
        self.check_nb(Call::Connect)?;
        let mut net = self.net.borrow_mut();
        match socket.state {
            State::New => {
                socket.state = State::Connecting(remote, net.now + Duration::from_millis(1));
                Err(nb::Error::WouldBlock)
            }
            State::Connecting(_, stands_at) if net.now < stands_at => Err(nb::Error::WouldBlock),
            State::Connecting(remote, _) => {
                let IpAddr::V4(ip) = remote.ip() else { return misused() };
                if !net.hosts.contains(&ip) {
                    return Err(nb::Error::WouldBlock);
                }
                let from = SocketAddr::from((self.address, 50_000 + net.number() as u16 % 10_000));
                let (here, there) = (SharedPipe::default(), SharedPipe::default());
                let Some(backlog) = net.listeners.get_mut(&(ip, remote.port())) else {
                    socket.state = State::New;
                    return Err(nb::Error::Other(MockError::Refused));
                };
                backlog.push_back(Dialled { from, read: here.clone(), write: there.clone() });
                socket.state = State::Connected { read: there, write: here };
                Ok(())
            }
            State::Connected { .. } => Ok(()),
            State::Bound(_) | State::Listening(_) => misused(),
        }
    }

    fn send(&mut self, socket: &mut TcpSocket, buffer: &[u8]) -> nb::Result<usize, MockError> {
        let say = self.check_nb(Call::Send)?;
        let State::Connected { write, .. } = &socket.state else { return misused() };
        let mut pipe = write.borrow_mut();
        if pipe.reader_gone {
            return Err(nb::Error::Other(MockError::PipeClosed));
        }
        let count = match say {
            Say::Zero => return Ok(0),
            Say::OneByte => 1,
            _ => buffer.len().min(PIPE - pipe.bytes.len()),
        };
        if count == 0 {
            return Err(nb::Error::WouldBlock);
        }
        pipe.bytes.extend(&buffer[..count]);
        Ok(count)
    }

    fn receive(
        &mut self,
        socket: &mut TcpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<usize, MockError> {
        let say = self.check_nb(Call::Receive)?;
        let State::Connected { read, .. } = &socket.state else { return misused() };
        let mut pipe = read.borrow_mut();
        let count = match say {
            Say::Zero => return Ok(0),
            Say::OneByte => pipe.bytes.len().min(1),
            _ => pipe.bytes.len().min(buffer.len()),
        };
        if count == 0 && !pipe.writer_gone {
            return Err(nb::Error::WouldBlock);
        }
        for (space, byte) in buffer.iter_mut().zip(pipe.bytes.drain(..count)) {
            *space = byte;
        }
        Ok(count)
    }

    fn close(&mut self, socket: TcpSocket) -> Result<(), MockError> {
        self.given_back(socket.id);
        match socket.state {
            State::Connected { read, write } => {
                read.borrow_mut().reader_gone = true;
                write.borrow_mut().writer_gone = true;
            }
            State::Listening(port) => {
                let waiting = self.net.borrow_mut().listeners.remove(&(self.address, port));
                for dialled in waiting.into_iter().flatten() {
                    dialled.read.borrow_mut().reader_gone = true;
                    dialled.write.borrow_mut().writer_gone = true;
                }
            }
            _ => {}
        }
        self.check(Call::Close)
    }
}

impl TcpFullStack for Mock {
    fn bind(&mut self, socket: &mut TcpSocket, local_port: u16) -> Result<(), MockError> {
        self.check(Call::Bind)?;
        let port = match local_port {
            0 => 60_000 + self.net.borrow_mut().number() as u16 % 5000,
            port => port,
        };
        if self.net.borrow().listeners.contains_key(&(self.address, port)) {
            return Err(MockError::InUse);
        }
        socket.state = State::Bound(port);
        Ok(())
    }

    fn listen(&mut self, socket: &mut TcpSocket) -> Result<(), MockError> {
        self.check(Call::Listen)?;
        let State::Bound(port) = socket.state else { return Err(MockError::Misused) };
        self.net.borrow_mut().listeners.insert((self.address, port), VecDeque::new());
        socket.state = State::Listening(port);
        Ok(())
    }

    fn accept(&mut self, socket: &mut TcpSocket) -> nb::Result<(TcpSocket, SocketAddr), MockError> {
        self.check_nb(Call::Accept)?;
        let State::Listening(port) = socket.state else { return misused() };
        let mut net = self.net.borrow_mut();
        let backlog = net.listeners.get_mut(&(self.address, port));
        let Some(dialled) = backlog.and_then(VecDeque::pop_front) else {
            return Err(nb::Error::WouldBlock);
        };
        drop(net);
        let Dialled { from, read, write } = dialled;
        Ok((TcpSocket { id: self.opened(), state: State::Connected { read, write } }, from))
    }
}

impl LocalAddress for Mock {
    fn local_address(&self, socket: &TcpSocket) -> Option<SocketAddr> {
        match socket.state {
            State::Listening(port) => Some(SocketAddr::new(self.address.into(), port)),
            _ => None,
        }
    }
}
