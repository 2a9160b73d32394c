//! Who takes part, and what happens when: machines, programs, and all that is on its way.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use cable_car::Instant;

use super::connections::{Ending, State, Tcp, Wire};
use super::datagrams::Udp;
use super::faults::Faults;
use super::record::Record;
use crate::random::Random;

/// How long a machine that is gone without a word is taken to be there by those linked with it.
pub(super) const DEAD_PEER: u64 = 3_000_000;
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

    /// How long something is on its way.
    pub(super) fn delay(&mut self) -> u64 {
        let longest = u64::try_from(self.faults.delay.as_micros()).unwrap_or(u64::MAX);
        SHORTEST_DELAY + self.chance.time(longest)
    }
}
