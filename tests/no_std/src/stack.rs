//! The smallest stack: one host that can only reach itself, everything in place.

use core::net::{Ipv4Addr, SocketAddr};

use cable_car::nal::LocalAddress;
use embedded_nal::{
    TcpClientStack, TcpError, TcpErrorKind, TcpFullStack, UdpClientStack, UdpFullStack, nb,
};

pub const HOST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);

#[derive(Debug)]
pub struct Failed;

impl TcpError for Failed {
    fn kind(&self) -> TcpErrorKind {
        TcpErrorKind::Other
    }
}

/// Bytes one way.
struct Pipe {
    bytes: [u8; 32],
    len: usize,
    closed: bool,
}

impl Pipe {
    const NEW: Self = Self { bytes: [0; 32], len: 0, closed: false };
}

/// One connection at a time, one datagram at a time.
pub struct Stack {
    pipes: [Pipe; 2],
    dialled: bool,
    datagram: Option<([u8; 64], usize)>,
    pub open: usize,
}

/// The connection's end that reads pipe 0 or 1 and writes the other, or none.
pub struct Socket(Option<usize>);

impl Stack {
    pub const fn new() -> Self {
        Self { pipes: [Pipe::NEW, Pipe::NEW], dialled: false, datagram: None, open: 0 }
    }
}

impl TcpClientStack for Stack {
    type TcpSocket = Socket;
    type Error = Failed;

    fn socket(&mut self) -> Result<Socket, Failed> {
        self.open += 1;
        Ok(Socket(None))
    }

    fn connect(&mut self, socket: &mut Socket, _: SocketAddr) -> nb::Result<(), Failed> {
        self.pipes = [Pipe::NEW, Pipe::NEW];
        self.dialled = true;
        socket.0 = Some(0);
        Ok(())
    }

    fn send(&mut self, socket: &mut Socket, buffer: &[u8]) -> nb::Result<usize, Failed> {
        let pipe = &mut self.pipes[1 - socket.0.ok_or(nb::Error::Other(Failed))?];
        let space = &mut pipe.bytes[pipe.len..];
        let count = space.len().min(buffer.len());
        if count == 0 {
            return Err(nb::Error::WouldBlock);
        }
        space[..count].copy_from_slice(&buffer[..count]);
        pipe.len += count;
        Ok(count)
    }

    fn receive(&mut self, socket: &mut Socket, buffer: &mut [u8]) -> nb::Result<usize, Failed> {
        let pipe = &mut self.pipes[socket.0.ok_or(nb::Error::Other(Failed))?];
        let count = pipe.len.min(buffer.len());
        if count == 0 && !pipe.closed {
            return Err(nb::Error::WouldBlock);
        }
        buffer[..count].copy_from_slice(&pipe.bytes[..count]);
        pipe.bytes.copy_within(count.., 0);
        pipe.len -= count;
        Ok(count)
    }

    fn close(&mut self, socket: Socket) -> Result<(), Failed> {
        self.open -= 1;
        if let Some(end) = socket.0 {
            self.pipes[1 - end].closed = true;
        }
        Ok(())
    }
}

impl TcpFullStack for Stack {
    fn bind(&mut self, _: &mut Socket, _: u16) -> Result<(), Failed> {
        Ok(())
    }

    fn listen(&mut self, _: &mut Socket) -> Result<(), Failed> {
        Ok(())
    }

    fn accept(&mut self, _: &mut Socket) -> nb::Result<(Socket, SocketAddr), Failed> {
        if !core::mem::take(&mut self.dialled) {
            return Err(nb::Error::WouldBlock);
        }
        self.open += 1;
        Ok((Socket(Some(1)), SocketAddr::from((HOST, 50_000))))
    }
}

impl LocalAddress for Stack {
    fn local_address(&self, _: &Socket) -> Option<SocketAddr> {
        None
    }
}

impl UdpClientStack for Stack {
    type UdpSocket = ();
    type Error = Failed;

    fn socket(&mut self) -> Result<(), Failed> {
        self.open += 1;
        Ok(())
    }

    fn connect(&mut self, (): &mut (), _: SocketAddr) -> Result<(), Failed> {
        Err(Failed)
    }

    fn send(&mut self, (): &mut (), _: &[u8]) -> nb::Result<(), Failed> {
        Err(nb::Error::Other(Failed))
    }

    fn receive(
        &mut self,
        (): &mut (),
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), Failed> {
        let (bytes, len) = self.datagram.take().ok_or(nb::Error::WouldBlock)?;
        buffer[..len].copy_from_slice(&bytes[..len]);
        Ok((len, SocketAddr::from((HOST, 8222))))
    }

    fn close(&mut self, (): ()) -> Result<(), Failed> {
        self.open -= 1;
        Ok(())
    }
}

impl UdpFullStack for Stack {
    fn bind(&mut self, (): &mut (), _: u16) -> Result<(), Failed> {
        Ok(())
    }

    fn send_to(&mut self, (): &mut (), _: SocketAddr, buffer: &[u8]) -> nb::Result<(), Failed> {
        let mut bytes = [0; 64];
        bytes[..buffer.len()].copy_from_slice(buffer);
        self.datagram = Some((bytes, buffer.len()));
        Ok(())
    }
}
