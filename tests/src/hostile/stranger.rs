//! A program that knows the protocol and says what it likes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use cable_car::discovery::{
    Announcement, Beacon, Hello, HelloReader, Instance, LONGEST, Opening, Service,
};
use socket2::{Domain, SockRef, Socket, Type};

use crate::process::PATIENCE;

/// What a stranger knows of a program: what its beacons tell everybody.
#[derive(Debug, Clone, Copy)]
pub struct Stranger {
    victim: Instance,
    /// Where it is dialled.
    pub at: SocketAddr,
}

impl Stranger {
    /// Asks the connector at this address who it is, by a beacon.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    #[must_use]
    pub fn ask(address: Ipv4Addr, udp_port: u16) -> Self {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a port");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time");
        let deadline = Instant::now() + PATIENCE;
        // Another one each time: one that is known already is not answered.
        let mut random = u64::from(std::process::id()) << 32 | 1 << 31;
        while Instant::now() < deadline {
            random += 1;
            let mut space = [0; LONGEST];
            let beacon = announcement(random).write(&mut space);
            socket.send_to(beacon, (address, udp_port)).expect("sent");
            let mut answer = [0; 100];
            let Ok((len, from)) = socket.recv_from(&mut answer) else { continue };
            if let Some(Beacon::Extended(said)) = Beacon::read(&answer[..len]) {
                let at = SocketAddr::new(from.ip(), said.tcp_port);
                return Self { victim: said.instance, at };
            }
        }
        panic!("no answer from {address}")
    }

    /// Says hello in the name of an instance, from this address, and is welcomed.
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub fn say_hello(&self, from: Ipv4Addr, instance: u64) -> io::Result<TcpStream> {
        let mut stream = connect(from, self.at)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&self.hello(instance))?;
        let mut reader = HelloReader::default();
        loop {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            match reader.read(&byte) {
                Opening::Part => {}
                Opening::Hello(hello) if hello.welcome => return Ok(stream),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// The bytes of a hello in the name of an instance.
    #[must_use]
    pub fn hello(&self, instance: u64) -> Vec<u8> {
        let from = Instance::new(instance);
        let hello = Hello { welcome: false, from, to: self.victim, service: Service::NONE };
        hello.write(&mut [0; LONGEST]).to_vec()
    }
}

/// What an instance of this number says of itself.
pub(super) fn announcement(random: u64) -> Announcement {
    Announcement {
        instance: Instance::new(random),
        tcp_port: 9999,
        service: Service::NONE,
        goodbye: false,
        answer: false,
    }
}

/// Dials from an address of this machine. The connection is reset when it is dropped, so that no port
/// is in use for longer.
///
/// # Errors
///
/// What the system says.
pub fn connect(from: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&to.into(), Duration::from_secs(3))?;
    let stream = TcpStream::from(socket);
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    Ok(stream)
}
