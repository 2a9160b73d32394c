//! Two smoltcp stacks on the ends of a wire in memory, and a clock that only the test moves: a
//! network for the [`contract`](crate::contract) with every fault that a cable can have.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use cable_car::{Instant, nal::LocalAddress};
use cable_car_smoltcp::{
    Config, Stack, Storage, TcpSocket,
    smoltcp::{
        phy::{Device, FaultInjector},
        time,
    },
    storage,
    wire::{Wire, WireEnd},
};

use crate::{contract::Network, random::Random};

type Memory = storage!(
    peers: 4, listeners: 2, backlog: 2, tcp_rx: 4096, tcp_tx: 4096, udp_sockets: 3, udp_packets: 8
);
/// The wire: more frames than all the windows have, so that it loses none of its own accord.
pub type Cable = Wire<64>;
/// An end of the wire.
pub type End = WireEnd<'static, 64>;
/// An end of the wire with faults.
pub type FaultyEnd = FaultInjector<End>;

/// What a frame takes from one end to the other.
const FRAME_TIME: Duration = Duration::from_micros(20);

/// How often a program looks after its sockets.
const TICK: Duration = Duration::from_millis(5);

/// On a bad wire: the pauses between retransmissions grow to a minute, and more than one may be in
/// vain.
const MUCH_TIME: Duration = Duration::from_secs(300);

/// What a wire does wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// How many in a hundred frames are lost at each end, both of those that leave and those that
    /// come: of a hundred that are sent, nearly twice so many.
    pub drop: u8,
    /// In how many in a hundred frames that come one bit is wrong.
    pub corrupt: u8,
    /// Every so manieth frame overtakes the one before it; 0 is never.
    pub swap_every: u32,
    /// Every so manieth frame comes twice; 0 is never.
    pub repeat_every: u32,
    /// How many frames pass an end in 20 ms, either way; the others are lost. 0 is no limit.
    pub ration: u64,
}

/// Two stacks on one wire, 10.0.0.1 and 10.0.0.2.
pub struct Wired<D: Device = End> {
    /// What joins them.
    pub wire: &'static Cable,
    /// The stack that dials.
    pub left: Stack<'static, D>,
    /// The stack that listens.
    pub right: Stack<'static, D>,
    now: Instant,
    ports: u16,
    faulty: bool,
}

impl Wired {
    /// The address of the stack that dials.
    pub const LEFT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    /// The address of the stack that listens.
    pub const RIGHT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    /// Two stacks on a good wire, with the settings that programs have.
    #[must_use]
    pub fn new() -> Self {
        Self::with(&mut Random::from_seed_or(1), |_| {}, |end, _| end)
    }
}

impl Default for Wired {
    fn default() -> Self {
        Self::new()
    }
}

impl Wired<FaultyEnd> {
    /// Two stacks on a bad wire, whose faults come by chance, but in every run the same (see
    /// [`Random::from_seed_or`]).
    ///
    /// They are more patient than by default: this is about what arrives, not about how soon a peer
    /// is given up.
    #[must_use]
    pub fn faulty(seed: u64, faults: Faults) -> Self {
        let mut random = Random::from_seed_or(seed);
        let patient = |config: &mut Config| {
            config.dead_peer_timeout = Some(MUCH_TIME);
            config.connect_timeout = MUCH_TIME;
            config.half_open_timeout = MUCH_TIME;
            // Nor about how soon a socket comes free: what was sent before `close` is to arrive. Only
            // then does a peer that sends on and on hear that nobody reads it.
            config.close_timeout = MUCH_TIME / 2;
        };
        let mut net = Self::with(&mut random, patient, |end, random| {
            // Its generator would stay at 0.
            let mut device = FaultInjector::new(end, random.number() as u32 | 1);
            device.set_drop_chance(faults.drop);
            device.set_corrupt_chance(faults.corrupt);
            device.set_max_rx_rate(faults.ration);
            device.set_max_tx_rate(faults.ration);
            device.set_bucket_interval(time::Duration::from_millis(20));
            device
        });
        net.wire.set_swap_every(faults.swap_every);
        net.wire.set_repeat_every(faults.repeat_every);
        net.faulty = true;
        net
    }
}

impl<D: Device> Wired<D> {
    fn with(
        random: &mut Random,
        configure: impl Fn(&mut Config),
        mut device: impl FnMut(End, &mut Random) -> D,
    ) -> Self {
        // A stack holds its memory for good, and a test's stack lives as long as its process.
        let wire: &'static Cable = Box::leak(Box::new(Wire::new()));
        // Not 0: nothing may depend on the clock's beginning.
        let now = Instant::from_millis(1_000_000);
        let mut stack = |end, ip: Ipv4Addr| {
            let [a, b, c, d] = ip.octets();
            let mut config = Config::new([0x02, 0, a, b, c, d], random.number());
            configure(&mut config);
            let memory: &'static mut Memory = Box::leak(Box::new(Storage::new()));
            let device = device(end, random);
            let mut stack = Stack::new(device, memory, &config, now).expect("a good configuration");
            stack.set_address(ip, 24, None).expect("an address of a host");
            stack
        };
        let (left, right) = wire.ends();
        let (left, right) = (stack(left, Wired::LEFT), stack(right, Wired::RIGHT));
        Self { wire, left, right, now, ports: 1000, faulty: false }
    }

    /// When something happens next if no program does anything.
    fn wake_at(&mut self) -> Option<Instant> {
        let soonest = self.now + FRAME_TIME;
        // A fault injector that has lost a frame tells of no more behind it.
        if self.wire.in_flight() > 0 {
            return Some(soonest);
        }
        let wakes = [self.left.poll_at(self.now), self.right.poll_at(self.now)];
        wakes.into_iter().flatten().min().map(|at| at.max(soonest))
    }
}

impl<D: Device> Network for Wired<D> {
    type Left = Stack<'static, D>;
    type Right = Stack<'static, D>;

    fn left(&mut self) -> &mut Self::Left {
        &mut self.left
    }

    fn right(&mut self) -> &mut Self::Right {
        &mut self.right
    }

    fn left_address(&self) -> Ipv4Addr {
        Wired::LEFT
    }

    fn right_address(&self) -> Ipv4Addr {
        Wired::RIGHT
    }

    fn port(&mut self) -> u16 {
        self.ports += 1;
        self.ports
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn settle(&mut self) {
        let end = self.now + TICK;
        while self.now < end {
            self.left.poll(self.now);
            self.right.poll(self.now);
            self.now = self.wake_at().map_or(end, |at| at.min(end));
        }
    }

    fn patience(&self) -> Duration {
        if self.faulty { MUCH_TIME } else { Duration::from_secs(20) }
    }

    /// Not on a bad wire, where it can not be compared with what was accepted: a connection whose
    /// last acknowledgement is lost stands on the left alone, until others have overtaken it.
    fn local_address(&mut self, socket: &TcpSocket) -> Option<SocketAddr> {
        let address = LocalAddress::local_address(&self.left, socket);
        assert!(address.is_some(), "this stack can tell");
        address.filter(|_| !self.faulty)
    }
}
