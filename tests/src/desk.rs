//! A desktop without kernel sockets: a smoltcp stack in this process, on one end of a pair of
//! datagram sockets, one raw Ethernet frame a datagram.

use std::{
    io,
    net::Ipv4Addr,
    os::unix::net::UnixDatagram,
    time::{Duration, Instant as Clock},
};

use cable_car::Instant;
use cable_car_smoltcp::{
    Config, Stack, Storage,
    smoltcp::{
        phy::{self, DeviceCapabilities, Medium},
        time,
    },
    storage,
};

/// An Ethernet frame without its check sequence.
const FRAME: usize = 1514;

/// The stack of a [`Desk`].
pub type DeskStack = Stack<'static, Cable>;

/// A stack, its clock, and its end of the cable.
pub struct Desk {
    /// The stack, to be used between calls of [`Desk::run_until`].
    pub stack: DeskStack,
    started: Clock,
}

impl Desk {
    /// A desk with this address, and the other end of its cable.
    ///
    /// # Panics
    ///
    /// If the system gives no sockets.
    #[must_use]
    pub fn new(ip: Ipv4Addr) -> (Self, UnixDatagram) {
        type Memory = storage!(peers: 8, listeners: 2, backlog: 2, tcp_rx: 8192, tcp_tx: 8192);
        let (near, far) = UnixDatagram::pair().expect("a pair of sockets");
        near.set_nonblocking(true).expect("a socket that does not block");
        let [a, b, c, d] = ip.octets();
        let seed = u64::from(std::process::id());
        let config = Config::new([0x02, 0x01, a, b, c, d], seed);
        // A test's stack lives as long as the test program.
        let memory: &'static mut Memory = Box::leak(Box::new(Storage::new()));
        let mut stack = Stack::new(Cable { socket: near }, memory, &config, Instant::default())
            .expect("a good configuration");
        stack.set_address(ip, 24, None).expect("an address of a host");
        (Self { stack, started: Clock::now() }, far)
    }

    /// The time on the stack's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_micros(self.started.elapsed().as_micros() as u64)
    }

    /// Lets the stack run, and calls `done` after each step until it has a result. Sleeps in
    /// between.
    ///
    /// # Panics
    ///
    /// If there is none within `limit`.
    pub fn run_until<R>(
        &mut self,
        limit: Duration,
        what: &str,
        mut done: impl FnMut(&mut DeskStack, Instant) -> Option<R>,
    ) -> R {
        let deadline = Clock::now() + limit;
        loop {
            let now = self.now();
            self.stack.poll(now);
            if let Some(result) = done(&mut self.stack, now) {
                // What was queued last is to leave as well.
                self.stack.poll(now);
                return result;
            }
            assert!(Clock::now() < deadline, "not within {limit:?}: {what}");
            if self.stack.poll_delay(now).is_none_or(|delay| !delay.is_zero()) {
                self.stack.device().wait(Duration::from_millis(5));
            }
        }
    }

    /// Lets the stack run for so long.
    pub fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        self.run_until(time * 2 + Duration::from_secs(1), "the end", |_, now| {
            (now >= end).then_some(())
        });
    }

    /// Sends a frame past the stack, whatever its bytes; it may be lost.
    pub fn send_raw(&self, frame: &[u8]) {
        // A full queue loses it, as a network may.
        let _ = self.stack.device().socket.send(frame);
    }
}

/// One end of a pair of datagram sockets, as an Ethernet device.
#[derive(Debug)]
pub struct Cable {
    socket: UnixDatagram,
}

impl Cable {
    /// Sleeps until a frame has come, or so long.
    fn wait(&self, limit: Duration) {
        // Only a look: the frame stays for the stack. Where it fails, the test goes on to its limit.
        let _ = self.socket.set_nonblocking(false);
        let _ = self.socket.set_read_timeout(Some(limit));
        let _ = rustix::net::recv(&self.socket, &mut [0; 1][..], rustix::net::RecvFlags::PEEK);
        let _ = self.socket.set_nonblocking(true);
    }
}

impl phy::Device for Cable {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: time::Instant) -> Option<(Received, Sender<'_>)> {
        let mut frame = vec![0; FRAME];
        let len = self.socket.recv(&mut frame).ok()?;
        frame.truncate(len);
        Some((Received(frame), Sender(&self.socket)))
    }

    fn transmit(&mut self, _: time::Instant) -> Option<Sender<'_>> {
        Some(Sender(&self.socket))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

/// A frame that came.
#[derive(Debug)]
pub struct Received(Vec<u8>);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// Room for a frame to send.
#[derive(Debug)]
pub struct Sender<'a>(&'a UnixDatagram);

impl phy::TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        match self.0.send(&frame) {
            // Full, or the board is not there: the frame is lost, as on any network.
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => {}
            sent => assert_eq!(sent.expect("a frame of a good size"), len),
        }
        result
    }
}
