//! Two programs, each on a smoltcp stack, on a cable at whose middle the fuzzer sits: it damages,
//! drops, repeats and makes up frames, whose checksums nobody looks at. Whatever it does, there is no
//! endless work; and once it lets go, the two find each other and pass messages.
#![no_main]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use arbitrary::Arbitrary;
use cable_car::discovery::{self, Instance};
use cable_car::nal::{BroadcastConnector, Event, Messenger};
use cable_car::{Instant, Join};
use cable_car_smoltcp::smoltcp::phy::{
    ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken,
};
use cable_car_smoltcp::smoltcp::time;
use cable_car_smoltcp::{Config, Stack, TcpSocket, storage};
use cable_car_tests::messages::Client;
use libfuzzer_sys::fuzz_target;

type Memory<'a> = storage!('a, peers: 3, backlog: 2, udp_packets: 4);

/// What happens to the next frame on the cable.
#[derive(Debug, Arbitrary)]
enum Mischief {
    Pass,
    Drop,
    Twice,
    Hold,
    Set {
        at: u8,
        to: u8,
    },
    Flip {
        at: u8,
        bit: u8,
    },
    Cut {
        to: u8,
    },
    /// The addresses and ports of the frame, and another payload.
    Payload {
        bytes: Vec<u8>,
    },
    /// A frame that is made up, before it.
    Frame {
        bytes: Vec<u8>,
    },
    /// Time that passes before it.
    Wait {
        millis: u16,
    },
}

#[derive(Debug, Arbitrary)]
struct Run {
    dhcp: bool,
    mischief: Vec<Mischief>,
}

#[derive(Default)]
struct Cable {
    mischief: VecDeque<Mischief>,
    held: Option<Vec<u8>>,
    waits: u64,
    /// What has arrived at each end.
    ends: [VecDeque<Vec<u8>>; 2],
}

/// Frames that an end holds; more are lost, as in a chip.
const HELD: usize = 32;

impl Cable {
    fn put(&mut self, from: usize, mut frame: Vec<u8>) {
        let held = self.held.take();
        match self.mischief.pop_front() {
            None | Some(Mischief::Pass) => self.arrive(1 - from, frame),
            Some(Mischief::Drop) => {}
            Some(Mischief::Twice) => {
                self.arrive(1 - from, frame.clone());
                self.arrive(1 - from, frame);
            }
            Some(Mischief::Hold) => self.held = Some(frame),
            Some(Mischief::Set { at, to }) => {
                if let Some(byte) = frame.get_mut(usize::from(at)) {
                    *byte = to;
                }
                self.arrive(1 - from, frame);
            }
            Some(Mischief::Flip { at, bit }) => {
                if let Some(byte) = frame.get_mut(usize::from(at)) {
                    *byte ^= 1 << (bit % 8);
                }
                self.arrive(1 - from, frame);
            }
            Some(Mischief::Cut { to }) => {
                frame.truncate(to.into());
                self.arrive(1 - from, frame);
            }
            Some(Mischief::Payload { bytes }) => {
                frame.truncate(42);
                frame.extend(bytes);
                self.arrive(1 - from, frame);
            }
            Some(Mischief::Frame { bytes }) => {
                // For this end rather than for nobody.
                let mut made_up = frame.get(..14).unwrap_or_default().to_vec();
                made_up.extend(bytes);
                self.arrive(1 - from, made_up);
                self.arrive(1 - from, frame);
            }
            Some(Mischief::Wait { millis }) => {
                self.waits += u64::from(millis);
                self.arrive(1 - from, frame);
            }
        }
        if let Some(held) = held {
            self.arrive(1 - from, held);
        }
    }

    fn arrive(&mut self, end: usize, frame: Vec<u8>) {
        if self.ends[end].len() < HELD {
            self.ends[end].push_back(frame);
        }
    }
}

struct End {
    cable: Rc<RefCell<Cable>>,
    number: usize,
}

struct Rx(Vec<u8>);

struct Tx<'a>(&'a End);

impl RxToken for Rx {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.cable.borrow_mut().put(self.0.number, frame);
        result
    }
}

impl Device for End {
    type RxToken<'t> = Rx;
    type TxToken<'t> = Tx<'t>;

    fn receive(&mut self, _: time::Instant) -> Option<(Rx, Tx<'_>)> {
        let frame = self.cable.borrow_mut().ends[self.number].pop_front()?;
        Some((Rx(frame), Tx(self)))
    }

    fn transmit(&mut self, _: time::Instant) -> Option<Tx<'_>> {
        Some(Tx(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}

type Peer = Messenger<Client, TcpSocket, [u8; 300], [u8; 300]>;

struct Program<'a> {
    stack: Stack<'a, End>,
    connector: BroadcastConnector<Stack<'a, End>, 4>,
    peers: Vec<(discovery::LinkId, Peer)>,
    got: usize,
}

impl<'a> Program<'a> {
    fn new(
        cable: &Rc<RefCell<Cable>>,
        number: usize,
        memory: &'a mut Memory<'a>,
        dhcp: bool,
    ) -> Self {
        let now = Instant::from_millis(1_000_000);
        let end = End { cable: Rc::clone(cable), number };
        let config = Config::new([2, 0, 0, 0, 0, number as u8], 7 + number as u64);
        let mut stack = Stack::new(end, memory, &config, now).expect("a device as any");
        if dhcp {
            stack.start_dhcp().expect("Ethernet");
        } else {
            stack.set_address(Self::address(number), 24, None).expect("an address as any");
        }
        let config = discovery::Config::new(Instance::new(1 + number as u64));
        Self {
            stack,
            connector: BroadcastConnector::new(config, now).alone_on_host(),
            peers: Vec::new(),
            got: 0,
        }
    }

    fn address(number: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, 1 + number as u8)
    }

    /// Does what there is to do at this moment, as firmware does; when it wants to go on.
    fn run(&mut self, now: Instant) -> Option<Instant> {
        self.stack.poll(now);
        for _ in 0..64 {
            match self.connector.poll(&mut self.stack, now) {
                Ok(Some(Event::Joined { connection, link, replaces, .. })) => {
                    self.end(now, |old| Some(old) == replaces);
                    let mut peer = Peer::new(connection, [0; 300], [0; 300]);
                    peer.send(&Join).expect("there is room");
                    self.peers.push((link, peer));
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        let mut over = Vec::new();
        for (link, peer) in &mut self.peers {
            if peer.xfer(&mut self.stack).is_err() {
                over.push(*link);
            }
            while let Some(got) = peer.get() {
                self.got += usize::from(got.is_ok());
            }
        }
        self.end(now, |link| over.contains(&link));
        [self.stack.poll_at(now), self.connector.poll_at()].into_iter().flatten().min()
    }

    fn end(&mut self, now: Instant, is_over: impl Fn(discovery::LinkId) -> bool) {
        for at in (0..self.peers.len()).rev() {
            if is_over(self.peers[at].0) {
                let (link, mut peer) = self.peers.remove(at);
                peer.close(&mut self.stack);
                self.connector.unlinked(now, link);
            }
        }
    }
}

/// Runs both until `done` or so much time has passed; whether it was done.
fn run(
    programs: &mut [Program<'_>; 2],
    cable: &RefCell<Cable>,
    now: &mut Instant,
    time: Duration,
    done: impl Fn(&[Program<'_>; 2]) -> bool,
) -> bool {
    let end = *now + time;
    let mut idle = 0;
    while *now < end {
        let wake = programs.iter_mut().filter_map(|program| program.run(*now)).min();
        if done(programs) {
            return true;
        }
        let waited = std::mem::take(&mut cable.borrow_mut().waits);
        let soonest = *now + Duration::from_micros(20);
        let at = if cable.borrow().ends.iter().any(|end| !end.is_empty()) {
            soonest
        } else {
            wake.map_or(end, |wake| wake.clamp(soonest, end.max(soonest)))
        };
        // More polls than frames and timers could account for would be a loop.
        idle = if at == soonest && waited == 0 { idle + 1 } else { 0 };
        assert!(idle < 20_000, "wants to be polled again and again");
        *now = at + Duration::from_millis(waited);
    }
    false
}

fuzz_target!(|input: Run| {
    let dhcp = input.dhcp;
    let cable =
        Rc::new(RefCell::new(Cable { mischief: input.mischief.into(), ..Cable::default() }));
    let (mut left, mut right) = (Box::new(Memory::new()), Box::new(Memory::new()));
    let mut programs =
        [Program::new(&cable, 0, &mut left, dhcp), Program::new(&cable, 1, &mut right, false)];
    let mut now = Instant::from_millis(1_000_000);
    while !cable.borrow().mischief.is_empty() {
        run(&mut programs, &cable, &mut now, Duration::from_secs(1), |_| {
            cable.borrow().mischief.is_empty()
        });
    }
    // What came of it may last: a false hardware address a minute, a false lease until it is over.
    if dhcp {
        programs[0].stack.set_address(Program::address(0), 24, None).expect("an address as any");
    }
    run(&mut programs, &cable, &mut now, Duration::from_secs(61), |_| false);
    for program in &mut programs {
        program.got = 0;
        for (_, peer) in &mut program.peers {
            // A length that was damaged, which no checksum has shown, swallows up to 253 bytes.
            while peer.send(&Join).is_ok() {}
        }
    }
    // What is lost is sent again after a minute at the latest: TCP waits for as long where it has seen
    // frames take as long.
    let alive = |programs: &[Program<'_>; 2]| programs.iter().all(|program| program.got > 0);
    assert!(
        run(&mut programs, &cable, &mut now, Duration::from_secs(150), alive),
        "two programs on a good cable do not find each other"
    );
});
