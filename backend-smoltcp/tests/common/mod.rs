//! Two stacks on a wire, and a clock that only the test moves.
// Each test file uses a part of it, and a test may panic.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use cable_car::Instant;
use cable_car_smoltcp::smoltcp::phy::Device;
use cable_car_smoltcp::wire::{Wire, WireEnd};
use cable_car_smoltcp::{Config, Error, Stack, Storage, TcpSocket, storage};
use embedded_nal::{TcpClientStack, TcpFullStack};

pub type Memory = storage!(peers: 3, backlog: 2, udp_packets: 4);
pub type Cable = Wire<64>;
pub type End = WireEnd<'static, 64>;

pub const LEFT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub const RIGHT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
pub const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 99);
pub const PORT: u16 = 8223;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn at(ip: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::new(ip.into(), port)
}

pub fn config(number: u8) -> Config {
    Config::new([2, 0, 0, 0, 0, number], 0x5eed_0000 + u64::from(number))
}

/// The same host after a restart: other ports and sequence numbers.
pub fn restarted(number: u8) -> Config {
    let mut config = config(number);
    config.seed = 99;
    config
}

/// A stack with its own address. Memory is leaked: storage is for good, and tests are short.
pub fn stack<D: Device>(
    device: D,
    config: &Config,
    ip: Ipv4Addr,
    now: Instant,
) -> Stack<'static, D> {
    let memory: &'static mut Memory = Box::leak(Box::new(Storage::new()));
    let mut stack = Stack::new(device, memory, config, now).unwrap();
    stack.set_address(ip, 24, None).unwrap();
    stack
}

pub struct Pair<D: Device = End> {
    pub wire: &'static Cable,
    pub left: Stack<'static, D>,
    pub right: Stack<'static, D>,
    pub now: Instant,
    pub polls: usize,
}

impl Pair {
    pub fn new() -> Self {
        Self::with(config, |end| end)
    }
}

impl<D: Device> Pair<D> {
    pub fn with(config: impl Fn(u8) -> Config, mut device: impl FnMut(End) -> D) -> Self {
        let wire: &'static Cable = Box::leak(Box::new(Wire::new()));
        let (left, right) = wire.ends();
        let now = Instant::from_millis(1_000_000); // not 0: nothing may depend on the clock's beginning
        let left = stack(device(left), &config(1), LEFT, now);
        let right = stack(device(right), &config(2), RIGHT, now);
        Self { wire, left, right, now, polls: 0 }
    }

    /// Lets both stacks run for so long, as a program that sleeps until `poll_at`.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(time, |_| false);
        assert_eq!(self.now, end);
    }

    /// Runs until `done` or until so much time has passed; answers how long it took if done.
    pub fn run_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Option<Duration> {
        let start = self.now;
        let end = start + limit;
        loop {
            self.polls += 1;
            self.left.poll(self.now);
            self.right.poll(self.now);
            if done(self) {
                return Some(self.now - start);
            }
            if self.now >= end {
                return None;
            }
            let wake = [self.left.poll_at(self.now), self.right.poll_at(self.now)];
            let wake = wake.into_iter().flatten().min().unwrap_or(end);
            // A frame takes 20 us; a fault injector that lost one tells of no more behind it.
            let soonest = self.now + Duration::from_micros(20);
            self.now = match self.wire.in_flight() {
                0 => wake.clamp(soonest, end.max(soonest)),
                _ => soonest,
            }
            .min(end);
        }
    }

    /// A listener on the right, a client on the left that is connected with it, and its other end.
    pub fn connected(&mut self) -> (TcpSocket, TcpSocket, TcpSocket) {
        let mut listener = listen(&mut self.right, PORT);
        let mut client = TcpClientStack::socket(&mut self.left).unwrap();
        let mut accepted = None;
        self.run_until(ms(3_600_000), |pair| {
            let joined = pair.left.connect(&mut client, at(RIGHT, PORT)).is_ok();
            if accepted.is_none() {
                accepted = pair.right.accept(&mut listener).ok().map(|(socket, _)| socket);
            }
            joined && accepted.is_some()
        })
        .expect("connected");
        (listener, client, accepted.unwrap())
    }

    /// Connects to the right, and answers what came of it.
    pub fn dial(&mut self, limit: Duration) -> (TcpSocket, Option<Result<(), Error>>) {
        let mut client = TcpClientStack::socket(&mut self.left).unwrap();
        let mut outcome = None;
        self.run_until(limit, |pair| {
            outcome = settled(pair.left.connect(&mut client, at(RIGHT, PORT)));
            outcome.is_some()
        });
        (client, outcome)
    }
}

pub fn listen<D: Device>(stack: &mut Stack<'_, D>, port: u16) -> TcpSocket {
    let mut listener = TcpClientStack::socket(stack).unwrap();
    stack.bind(&mut listener, port).unwrap();
    stack.listen(&mut listener).unwrap();
    listener
}

/// What a call came to; `None` is "not yet".
pub fn settled<T>(result: nb::Result<T, Error>) -> Option<Result<T, Error>> {
    match result {
        Ok(value) => Some(Ok(value)),
        Err(nb::Error::Other(error)) => Some(Err(error)),
        Err(nb::Error::WouldBlock) => None,
    }
}
