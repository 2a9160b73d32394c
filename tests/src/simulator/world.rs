//! What lies between the programs: datagrams and connections on their way, and what happens when.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use cable_car::Instant;

use super::faults::Faults;
use super::record::Record;
use crate::random::Random;

/// How long a machine that is gone without a word is taken to be there by those linked with it.
const DEAD_PEER: u64 = 3_000_000;
/// Nothing arrives sooner.
const SHORTEST_DELAY: u64 = 20;

/// What is shared by all that takes part.
#[derive(Debug)]
pub(super) struct World {
    pub(super) chance: Random,
    pub(super) faults: Faults,
    /// In microseconds.
    pub(super) now: u64,
    pub(super) machines: Vec<Machine>,
    pub(super) programs: Vec<Program>,
    pub(super) udp: Vec<Udp>,
    pub(super) tcp: Vec<Tcp>,
    pub(super) wires: Vec<Wire>,
    /// Machines `(dialler, dialled)` of which one can not dial the other.
    pub(super) closed_ways: BTreeSet<(usize, usize)>,
    /// Machines `(speaker, listener)` of which one does not hear the other's broadcasts.
    pub(super) deaf_ways: BTreeSet<(usize, usize)>,
    queue: BinaryHeap<Reverse<Due>>,
    serial: u64,
}

#[derive(Debug)]
pub(super) struct Machine {
    /// One for each interface, in subnets of 24 bits; broadcasts to 255.255.255.255 leave by the first.
    pub(super) addresses: Vec<Ipv4Addr>,
    pub(super) on: bool,
    /// What its clock shows at time 0, and how fast it runs, in millionths.
    clock: (u64, u64),
}

impl Machine {
    /// Its own time at the network's time `now`.
    pub(super) fn local(&self, now: u64) -> Instant {
        Instant::from_micros(self.clock.0 + now * self.clock.1 / 1_000_000)
    }

    /// The network's time at its own time `at`, never early.
    fn global(&self, at: Instant) -> u64 {
        at.as_micros().saturating_sub(self.clock.0) * 1_000_000 / self.clock.1 + 1
    }
}

#[derive(Debug)]
pub(super) struct Program {
    pub(super) machine: usize,
    pub(super) alive: bool,
    /// Whether it was asked to end, and so runs for the last time.
    pub(super) asked_to_end: bool,
    wakes_at: u64,
    /// Whether something has come over connections since it looked.
    pub(super) news: bool,
    /// Whether its machine has other interfaces since it looked.
    pub(super) moved: bool,
    pub(super) record: Record,
}

/// A UDP socket.
#[derive(Debug)]
pub(super) struct Udp {
    pub(super) program: usize,
    /// None before it is bound, and when it is closed.
    pub(super) port: Option<u16>,
    pub(super) inbox: VecDeque<(SocketAddrV4, Rc<[u8]>)>,
}

/// A TCP socket.
#[derive(Debug)]
pub(super) struct Tcp {
    pub(super) program: usize,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    New,
    Bound(u16),
    Listening { port: u16, backlog: VecDeque<usize> },
    Dialling { wire: usize },
    Connected { wire: usize, end: usize },
    Closed,
}

/// A connection, or one that was tried.
#[derive(Debug)]
pub(super) struct Wire {
    /// Dialler and dialled: machine, program, address. The program that is dialled is known once it is.
    pub(super) machines: [usize; 2],
    pub(super) programs: [Option<usize>; 2],
    pub(super) addresses: [SocketAddrV4; 2],
    /// What the dialler knows of its dial.
    pub(super) accepted: Option<bool>,
    /// What has come to each end.
    pub(super) inbox: [VecDeque<u8>; 2],
    /// Each end was closed by its own program.
    pub(super) closed: [bool; 2],
    /// What each end knows of the other one's end.
    pub(super) end_known: [Option<Ending>; 2],
    /// When the last thing on its way to each end arrives; nothing overtakes it.
    arrives: [u64; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Closed,
    Broken,
}

/// What happens.
#[derive(Debug)]
pub(super) enum What {
    Start(usize),
    Ask(usize),
    Stop(usize),
    PowerOff(usize),
    Readdress(usize, usize, Ipv4Addr),
    Wake(usize),
    Datagram {
        machine: usize,
        to: SocketAddrV4,
        from: SocketAddrV4,
        bytes: Rc<[u8]>,
    },
    /// A dial arrives at the dialled, and what came of it at the dialler.
    Dialled(usize),
    Answered(usize, bool),
    Bytes(usize, usize, Vec<u8>),
    Ended(usize, usize, Ending),
}

#[derive(Debug)]
struct Due {
    at: u64,
    serial: u64,
    what: What,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl World {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            chance: Random::new(seed),
            faults,
            now: 0,
            machines: Vec::new(),
            programs: Vec::new(),
            udp: Vec::new(),
            tcp: Vec::new(),
            wires: Vec::new(),
            closed_ways: BTreeSet::new(),
            deaf_ways: BTreeSet::new(),
            queue: BinaryHeap::new(),
            serial: 0,
        }
    }

    pub(super) fn add_machine(&mut self, addresses: Vec<Ipv4Addr>) -> usize {
        let clock = (self.chance.time(1 << 40), 999_000 + self.chance.time(2000));
        let new = self.machines.len();
        for other in 0..new {
            if self.chance.percent(self.faults.one_way) {
                let way = if self.chance.percent(50) { (new, other) } else { (other, new) };
                self.closed_ways.insert(way);
            }
            if self.chance.percent(self.faults.deaf) {
                let way = if self.chance.percent(50) { (new, other) } else { (other, new) };
                self.deaf_ways.insert(way);
            }
        }
        self.machines.push(Machine { addresses, on: true, clock });
        new
    }

    pub(super) fn add_program(&mut self, machine: usize) -> usize {
        self.programs.push(Program {
            machine,
            alive: false,
            asked_to_end: false,
            wakes_at: u64::MAX,
            news: false,
            moved: true,
            record: Record::default(),
        });
        self.programs.len() - 1
    }

    pub(super) fn schedule(&mut self, at: u64, what: What) {
        self.serial += 1;
        self.queue.push(Reverse(Due { at, serial: self.serial, what }));
    }

    /// What happens next, if that is before `end`.
    pub(super) fn next(&mut self, end: u64) -> Option<What> {
        if self.queue.peek().is_none_or(|Reverse(due)| due.at > end) {
            self.now = end;
            return None;
        }
        let Reverse(due) = self.queue.pop()?;
        self.now = due.at;
        Some(due.what)
    }

    /// Has a program run at its own time `at`, unless it runs sooner anyhow.
    pub(super) fn wake_at(&mut self, program: usize, at: Option<Instant>) {
        let Some(at) = at else { return };
        let machine = &self.machines[self.programs[program].machine];
        let at = machine.global(at).max(self.now + 1);
        if self.programs[program].wakes_at > at {
            self.programs[program].wakes_at = at;
            self.schedule(at, What::Wake(program));
        }
    }

    /// Lets something happen, and gives the programs that are to run for it.
    pub(super) fn happen(&mut self, what: What) -> Vec<usize> {
        match what {
            What::Start(program) => {
                self.programs[program].alive = true;
                self.programs[program].record.started = self.now;
                self.machines[self.programs[program].machine].on = true;
                vec![program]
            }
            What::Ask(program) => {
                self.programs[program].asked_to_end = true;
                vec![program]
            }
            What::Stop(program) => {
                self.end(program, false);
                Vec::new()
            }
            What::PowerOff(machine) => {
                self.machines[machine].on = false;
                for program in 0..self.programs.len() {
                    if self.programs[program].machine == machine {
                        self.end(program, true);
                    }
                }
                Vec::new()
            }
            What::Readdress(machine, interface, address) => {
                self.readdress(machine, interface, address);
                Vec::new()
            }
            What::Wake(program) => {
                // Of several that were asked for, the soonest one counts.
                if self.programs[program].wakes_at != self.now {
                    return Vec::new();
                }
                self.programs[program].wakes_at = u64::MAX;
                vec![program]
            }
            What::Datagram { machine, to, from, bytes } => self.deliver(machine, to, from, &bytes),
            What::Dialled(wire) => self.dialled(wire),
            What::Answered(wire, accepted) => {
                self.wires[wire].accepted = Some(accepted);
                self.wires[wire].programs[0].into_iter().collect()
            }
            What::Bytes(wire, end, bytes) => {
                if !self.wires[wire].closed[end] {
                    self.wires[wire].inbox[end].extend(bytes);
                }
                self.news(wire, end)
            }
            What::Ended(wire, end, ending) => {
                self.wires[wire].end_known[end].get_or_insert(ending);
                self.news(wire, end)
            }
        }
    }

    /// Something has come to one end of a connection.
    fn news(&mut self, wire: usize, end: usize) -> Vec<usize> {
        let program = self.wires[wire].programs[end];
        if let Some(program) = program {
            self.programs[program].news = true;
        }
        program.into_iter().collect()
    }

    /// Sends a datagram to one address or to everybody of a subnet, with the faults of the network.
    pub(super) fn send(&mut self, program: usize, port: u16, to: SocketAddrV4, bytes: &[u8]) {
        let machine = self.programs[program].machine;
        let Some(source) = self.source(machine, *to.ip()) else { return };
        let from = SocketAddrV4::new(source, port);
        let bytes: Rc<[u8]> = bytes.into();
        let everybody = is_broadcast(*to.ip());
        for other in 0..self.machines.len() {
            let addresses = &self.machines[other].addresses;
            let meant = addresses.iter().any(|&address| match everybody {
                true => subnet(address) == subnet(source),
                false => address == *to.ip(),
            });
            let deaf = everybody && self.deaf_ways.contains(&(machine, other));
            if !meant || deaf || other != machine && self.chance.percent(self.faults.loss) {
                continue;
            }
            for _ in 0..1 + u32::from(self.chance.percent(self.faults.twice)) {
                let at = self.now + self.delay();
                let bytes = Rc::clone(&bytes);
                self.schedule(at, What::Datagram { machine: other, to, from, bytes });
            }
        }
    }

    /// The address of the interface by which something leaves.
    pub(super) fn source(&self, machine: usize, to: Ipv4Addr) -> Option<Ipv4Addr> {
        let addresses = &self.machines[machine].addresses;
        match to {
            Ipv4Addr::BROADCAST => addresses.first().copied(),
            to => addresses.iter().copied().find(|&address| subnet(address) == subnet(to)),
        }
    }

    /// A datagram arrives: a broadcast at every socket of the port, another one at the last.
    fn deliver(
        &mut self,
        machine: usize,
        to: SocketAddrV4,
        from: SocketAddrV4,
        bytes: &Rc<[u8]>,
    ) -> Vec<usize> {
        let mut woken = Vec::new();
        for udp in self.udp.iter_mut().rev() {
            let program = &mut self.programs[udp.program];
            if program.machine != machine || !program.alive || udp.port != Some(to.port()) {
                continue;
            }
            udp.inbox.push_back((from, Rc::clone(bytes)));
            program.record.heard.insert(*from.ip());
            woken.push(udp.program);
            if !is_broadcast(*to.ip()) {
                break;
            }
        }
        woken
    }

    /// A program dials; `None` where no interface leads there.
    pub(super) fn dial(&mut self, program: usize, to: SocketAddrV4) -> Option<usize> {
        let machine = self.programs[program].machine;
        let source = self.source(machine, *to.ip())?;
        self.programs[program].record.dialled(self.now, *to.ip());
        let has = |other: &Machine| other.addresses.contains(to.ip());
        let other = self.machines.iter().position(has);
        let wire = self.wires.len();
        let port = 10_000 + (wire % 50_000) as u16;
        self.wires.push(Wire {
            machines: [machine, other.unwrap_or(machine)],
            programs: [Some(program), None],
            addresses: [SocketAddrV4::new(source, port), to],
            accepted: None,
            inbox: Default::default(),
            closed: [false; 2],
            end_known: [None; 2],
            arrives: [0; 2],
        });
        if other.is_some() {
            self.carry(wire, 1, What::Dialled(wire));
        }
        Some(wire)
    }

    fn dialled(&mut self, wire: usize) -> Vec<usize> {
        let [from, to] = self.wires[wire].machines;
        let walled = self.closed_ways.contains(&(from, to));
        if walled && self.faults.filtered || !self.machines[to].on {
            return Vec::new();
        }
        let port = self.wires[wire].addresses[1].port();
        let listens = |tcp: &Tcp| {
            let program = &self.programs[tcp.program];
            let here = program.machine == to && program.alive;
            here && matches!(tcp.state, State::Listening { port: at, .. } if at == port)
        };
        let listener = self.tcp.iter().position(listens).filter(|_| !walled);
        let Some(listener) = listener else {
            self.carry(wire, 0, What::Answered(wire, false));
            return Vec::new();
        };
        let program = self.tcp[listener].program;
        self.wires[wire].programs[1] = Some(program);
        if let State::Listening { backlog, .. } = &mut self.tcp[listener].state {
            backlog.push_back(wire);
        }
        self.carry(wire, 0, What::Answered(wire, true));
        vec![program]
    }

    /// Something on its way to one end of a connection.
    pub(super) fn carry(&mut self, wire: usize, end: usize, what: What) {
        let at = self.now + self.delay();
        let arrives = &mut self.wires[wire].arrives[end];
        *arrives = at.max(*arrives + 1);
        let at = *arrives;
        self.schedule(at, what);
    }

    /// Closes one end; the other one hears of it.
    pub(super) fn close(&mut self, wire: usize, end: usize) {
        if !std::mem::replace(&mut self.wires[wire].closed[end], true) {
            self.carry(wire, 1 - end, What::Ended(wire, 1 - end, Ending::Closed));
        }
    }

    /// A program ends, and so do its sockets: those at the other end are told, or learn it in time.
    pub(super) fn end(&mut self, program: usize, silently: bool) {
        if !std::mem::replace(&mut self.programs[program].alive, false) {
            return;
        }
        for udp in self.udp.iter_mut().filter(|udp| udp.program == program) {
            udp.port = None;
        }
        for index in 0..self.tcp.len() {
            if self.tcp[index].program == program {
                self.tcp[index].state = State::Closed;
            }
        }
        for wire in 0..self.wires.len() {
            for end in 0..2 {
                if self.wires[wire].programs[end] != Some(program) {
                    continue;
                }
                self.wires[wire].programs[end] = None;
                match silently {
                    true => self.break_off(wire, end),
                    false => self.close(wire, end),
                }
            }
        }
    }

    /// One end is gone without a word.
    fn break_off(&mut self, wire: usize, end: usize) {
        if !std::mem::replace(&mut self.wires[wire].closed[end], true) {
            let what = What::Ended(wire, 1 - end, Ending::Broken);
            self.schedule(self.now + DEAD_PEER, what);
        }
    }

    /// An interface has another address from now on; the connections of the old one break, at both ends.
    fn readdress(&mut self, machine: usize, interface: usize, address: Ipv4Addr) {
        let old = std::mem::replace(&mut self.machines[machine].addresses[interface], address);
        for program in self.programs.iter_mut().filter(|program| program.machine == machine) {
            program.moved = true;
        }
        for wire in 0..self.wires.len() {
            if self.wires[wire].addresses.iter().any(|end| *end.ip() == old) {
                for end in 0..2 {
                    let what = What::Ended(wire, end, Ending::Broken);
                    self.schedule(self.now + DEAD_PEER, what);
                }
            }
        }
    }

    fn delay(&mut self) -> u64 {
        let longest = u64::try_from(self.faults.delay.as_micros()).unwrap_or(u64::MAX);
        SHORTEST_DELAY + self.chance.time(longest)
    }
}

/// What all addresses of a subnet share.
pub(super) fn subnet(address: Ipv4Addr) -> [u8; 3] {
    let [a, b, c, _] = address.octets();
    [a, b, c]
}

fn is_broadcast(address: Ipv4Addr) -> bool {
    address.octets()[3] == 255
}
