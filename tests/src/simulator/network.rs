//! What lies between the machines, and what happens when.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{Ipv4Addr, SocketAddrV4};

use cable_car::discovery::{
    Action, Announcement, Hello, LONGEST, Reached, TCP_PORT, UDP_PORT, Verdict,
};

use super::legacy::Legacy;
use super::node::{Caller, Extended, Node, Program};
use crate::random::Random;

/// A connection, among all that there have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionId(usize);

/// What goes wrong on the way. Delays are in microseconds, chances in percent.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Datagrams that are lost.
    pub loss: u64,
    /// Datagrams that come twice.
    pub twice: u64,
    /// The longest delay of anything; each has its own.
    pub delay: u64,
    /// Pairs of which only one can dial the other.
    pub one_way: u64,
    /// Whether a dial that can not be is dropped rather than refused.
    pub filtered: bool,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What is wrong, a line each; nothing is as it should be.
    pub faults: Vec<String>,
    /// Links that were told, at all ends together.
    pub joined: u64,
    /// Links that stand, at all ends together.
    pub links: u64,
    /// Datagrams that were sent.
    pub datagrams: u64,
}

/// A subnet, and what goes on in it.
#[derive(Debug)]
pub struct Network {
    chance: Random,
    faults: Faults,
    now: u64,
    nodes: Vec<Node>,
    connections: Vec<Connection>,
    /// `(dialler, dialled)` that can not be.
    closed_ways: BTreeSet<(usize, usize)>,
    queue: BinaryHeap<Reverse<(u64, usize)>>,
    events: BTreeMap<usize, What>,
    serial: usize,
}

#[derive(Debug)]
struct Connection {
    /// Dialler and dialled, each with the run of its program.
    ends: [(usize, u32); 2],
    /// Each end, as it itself knows it.
    open: [bool; 2],
    /// When the last thing on its way to each end arrives; nothing overtakes it.
    arrives: [u64; 2],
}

#[derive(Debug)]
enum What {
    /// A program has something to do.
    Wake(usize, u32),
    Datagram {
        to: usize,
        from: SocketAddrV4,
        bytes: Vec<u8>,
    },
    /// A dial arrives at the dialled, or its answer at the dialler.
    Dialled(ConnectionId),
    Accepted(ConnectionId, bool),
    /// Bytes or the end of the connection arrive at one end.
    Says(ConnectionId, usize, Hello),
    Closed(ConnectionId, usize),
    Start(usize, bool, u64),
    Stop(usize),
}

impl Network {
    /// A subnet with so many machines, all of them off.
    pub fn new(seed: u64, machines: u8, faults: Faults) -> Self {
        let mut chance = Random::new(seed);
        let mut nodes = Vec::new();
        for host in 0..machines {
            nodes.push(Node::new(Ipv4Addr::new(10, 0, 0, host + 1), &mut chance));
        }
        let mut closed_ways = BTreeSet::new();
        for one in 0..nodes.len() {
            for other in 0..one {
                if chance.percent(faults.one_way) {
                    let way = if chance.percent(50) { (one, other) } else { (other, one) };
                    closed_ways.insert(way);
                }
            }
        }
        Self {
            chance,
            faults,
            now: 0,
            nodes,
            connections: Vec::new(),
            closed_ways,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            serial: 0,
        }
    }

    /// Starts a machine's program at this time, in microseconds; what ran there is gone.
    pub fn start(&mut self, machine: usize, at: u64, legacy: bool) {
        let instance = self.chance.number();
        self.schedule(at, What::Start(machine, legacy, instance));
    }

    /// Ends a machine's program at this time; its connections are closed.
    pub fn stop(&mut self, machine: usize, at: u64) {
        self.schedule(at, What::Stop(machine));
    }

    /// From now on nothing goes wrong any more but that some ways are closed.
    pub fn calm(&mut self) {
        self.faults = Faults { loss: 0, twice: 0, ..self.faults };
    }

    /// Runs until this time, in microseconds.
    pub fn run_until(&mut self, end: u64) {
        while let Some(&Reverse((at, serial))) = self.queue.peek() {
            if at > end {
                break;
            }
            self.queue.pop();
            self.now = at;
            if let Some(what) = self.events.remove(&serial) {
                self.happen(what);
            }
        }
        self.now = end;
    }

    /// Whether every pair has exactly one link, the same at both ends.
    pub fn check(&self) -> Outcome {
        let mut outcome = Outcome::default();
        for one in 0..self.nodes.len() {
            outcome.datagrams += self.nodes[one].datagrams;
            if let Program::Extended(program) = &self.nodes[one].program {
                outcome.joined += program.joined;
                outcome.links += program.links.len() as u64;
                self.check_links(one, program, &mut outcome.faults);
            }
            for other in 0..self.nodes.len() {
                if one != other {
                    outcome.faults.extend(self.check_pair(one, other));
                }
            }
        }
        outcome
    }

    /// Every link that a program has been told of is open, and known to its state machine.
    fn check_links(&self, node: usize, program: &Extended, faults: &mut Vec<String>) {
        for (link, &connection) in &program.links {
            if !self.is_alive(connection) {
                faults.push(format!("{node}: {link:?} is dead"));
            }
        }
        if program.discovery.linked().count() != program.links.len() {
            faults.push(format!("{node}: links {:?}", program.links));
        }
    }

    fn check_pair(&self, one: usize, other: usize) -> Option<String> {
        let Program::Extended(program) = &self.nodes[one].program else { return None };
        let mine = self.links_between(program, one, other);
        let blocked = [(one, other), (other, one)].iter().all(|way| self.closed_ways.contains(way));
        match &self.nodes[other].program {
            Program::Off => {
                (!mine.is_empty()).then(|| format!("{one} has links with {other}, off"))
            }
            Program::Extended(_) if blocked => None,
            Program::Extended(theirs) => {
                let theirs = self.links_between(theirs, other, one);
                (mine.len() != 1 || mine != theirs)
                    .then(|| format!("{one} has {mine:?} with {other}, which has {theirs:?}"))
            }
            Program::Legacy(legacy) => {
                let told = |connection| legacy.connections.contains(connection);
                (mine.len() != 1 || !mine.iter().all(told))
                    .then(|| format!("{one} has {mine:?} with {other}, a legacy peer"))
            }
        }
    }

    fn links_between(&self, program: &Extended, one: usize, other: usize) -> Vec<ConnectionId> {
        let with_other = |connection: &&ConnectionId| {
            let ends = self.connections[connection.0].ends.map(|(node, _)| node);
            ends == [one, other] || ends == [other, one]
        };
        program.links.values().filter(with_other).copied().collect()
    }

    fn is_alive(&self, id: ConnectionId) -> bool {
        let connection = &self.connections[id.0];
        let running = connection.ends.iter().all(|&(node, run)| self.nodes[node].run == run);
        running && connection.open == [true, true]
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Start(node, legacy, instance) => {
                self.end_program(node);
                self.nodes[node].start(self.now, legacy, instance);
                self.wake(node);
            }
            What::Stop(node) => self.end_program(node),
            What::Wake(node, run) if self.nodes[node].run == run => self.wake(node),
            What::Wake(..) => {}
            What::Datagram { to, from, bytes } => self.hear(to, from, &bytes),
            What::Dialled(id) => self.dialled(id),
            What::Accepted(id, accepted) => self.accepted(id, accepted),
            What::Says(id, end, hello) => self.says(id, end, hello),
            What::Closed(id, end) => self.closed(id, end),
        }
    }

    fn end_program(&mut self, node: usize) {
        self.nodes[node].program = Program::Off;
        let run = self.nodes[node].run;
        for index in 0..self.connections.len() {
            for end in 0..2 {
                if self.connections[index].ends[end] == (node, run) {
                    self.close(ConnectionId(index), end);
                }
            }
        }
        self.nodes[node].run += 1;
    }

    fn hear(&mut self, to: usize, from: SocketAddrV4, bytes: &[u8]) {
        let now = self.nodes[to].local(self.now);
        match &mut self.nodes[to].program {
            Program::Off => {}
            Program::Extended(program) => program.discovery.heard(now, from, bytes),
            Program::Legacy(legacy) if legacy.hears(*from.ip()) => {
                let id = self.dial(to, SocketAddrV4::new(*from.ip(), TCP_PORT));
                if let Program::Legacy(legacy) = &mut self.nodes[to].program {
                    legacy.dialling = Some((*from.ip(), id));
                }
            }
            Program::Legacy(_) => {}
        }
        self.wake(to);
    }

    fn dial(&mut self, from: usize, to: SocketAddrV4) -> ConnectionId {
        let other = self.node_at(*to.ip());
        let ends = [(from, self.nodes[from].run), (other, self.nodes[other].run)];
        let id = ConnectionId(self.connections.len());
        self.connections.push(Connection { ends, open: [true, false], arrives: [0; 2] });
        self.carry(id, 1, What::Dialled(id));
        id
    }

    fn dialled(&mut self, id: ConnectionId) {
        let [(from, _), (to, _)] = self.connections[id.0].ends;
        let closed = self.closed_ways.contains(&(from, to));
        if closed && self.faults.filtered {
            if let Program::Legacy(_) = self.nodes[from].program {
                // Its dial times out.
                self.schedule(self.now + 2_000_000, What::Accepted(id, false));
            }
            return;
        }
        let run = self.nodes[to].run;
        self.connections[id.0].ends[1].1 = run;
        let address = self.nodes[from].address;
        let now = self.nodes[to].local(self.now);
        let accepts = match &mut self.nodes[to].program {
            _ if closed => false,
            Program::Off => false,
            Program::Legacy(legacy) => {
                legacy.connected(address, id);
                true
            }
            Program::Extended(program) => {
                let until = program.discovery.hello_until(now, address);
                let (hello, closed) = (None, false);
                program.callers.push(Caller { connection: id, address, until, hello, closed });
                true
            }
        };
        self.connections[id.0].open[1] = accepts;
        self.carry(id, 0, What::Accepted(id, accepts));
        self.wake(to);
    }

    fn accepted(&mut self, id: ConnectionId, accepted: bool) {
        let [(node, run), (other, _)] = self.connections[id.0].ends;
        if self.nodes[node].run != run {
            return;
        }
        let address = self.nodes[other].address;
        let now = self.nodes[node].local(self.now);
        match &mut self.nodes[node].program {
            Program::Legacy(legacy) => {
                legacy.dialling = None;
                if accepted {
                    legacy.connected(address, id);
                }
            }
            Program::Extended(program) => {
                let found = program.dials.iter().find(|(_, connection)| **connection == id);
                let Some((&dial, _)) = found else { return };
                if !accepted {
                    program.dials.remove(&dial);
                    program.discovery.dial_failed(now, dial);
                } else {
                    match program.discovery.reached(now, dial) {
                        Reached::Greet(hello) => self.carry(id, 1, What::Says(id, 1, hello)),
                        Reached::Link(link) => {
                            program.dials.remove(&dial);
                            program.links.insert(link, id);
                            program.joined += 1;
                        }
                        Reached::NotWanted => {
                            program.dials.remove(&dial);
                            self.close(id, 0);
                        }
                    }
                }
            }
            Program::Off => {}
        }
        self.wake(node);
    }

    fn says(&mut self, id: ConnectionId, end: usize, hello: Hello) {
        let (node, run) = self.connections[id.0].ends[end];
        if self.nodes[node].run != run {
            return;
        }
        let now = self.nodes[node].local(self.now);
        if let Program::Extended(program) = &mut self.nodes[node].program {
            if end == 1 {
                let caller = program.callers.iter_mut().find(|caller| caller.connection == id);
                if let Some(caller) = caller {
                    caller.hello = Some(hello);
                }
            } else if let Some((&dial, _)) = program.dials.iter().find(|(_, at)| **at == id) {
                program.dials.remove(&dial);
                match program.discovery.welcomed(now, dial, &hello) {
                    Some(link) => {
                        program.links.insert(link, id);
                        program.joined += 1;
                    }
                    None => self.close(id, end),
                }
            }
        }
        self.wake(node);
    }

    fn closed(&mut self, id: ConnectionId, end: usize) {
        let (node, run) = self.connections[id.0].ends[end];
        if self.nodes[node].run != run {
            return;
        }
        let now = self.nodes[node].local(self.now);
        if let Program::Extended(program) = &mut self.nodes[node].program {
            if let Some((&dial, _)) = program.dials.iter().find(|(_, at)| **at == id) {
                program.dials.remove(&dial);
                program.discovery.dial_failed(now, dial);
            }
            if let Some((&link, _)) = program.links.iter().find(|(_, at)| **at == id) {
                program.links.remove(&link);
                program.discovery.unlinked(now, link);
            }
            if let Some(caller) = program.callers.iter_mut().find(|caller| caller.connection == id)
            {
                caller.closed = true;
            }
            self.connections[id.0].open[end] = false;
        }
        self.wake(node);
    }

    /// Closes one end; the other one hears of it.
    fn close(&mut self, id: ConnectionId, end: usize) {
        if std::mem::replace(&mut self.connections[id.0].open[end], false) {
            self.carry(id, 1 - end, What::Closed(id, 1 - end));
        }
    }

    /// Lets a program do what it has to do now.
    fn wake(&mut self, node: usize) {
        match std::mem::replace(&mut self.nodes[node].program, Program::Off) {
            Program::Off => {}
            Program::Legacy(mut legacy) => {
                if legacy.next_beacon <= self.now {
                    legacy.next_beacon = self.now + Legacy::INTERVAL;
                    self.broadcast(
                        node,
                        SocketAddrV4::new(Ipv4Addr::BROADCAST, UDP_PORT),
                        b"BROADCAST",
                    );
                    self.schedule(legacy.next_beacon, What::Wake(node, self.nodes[node].run));
                }
                self.nodes[node].program = Program::Legacy(legacy);
            }
            Program::Extended(mut program) => {
                self.act(node, &mut program);
                self.meet_callers(node, &mut program);
                let callers = program.callers.iter().map(|caller| caller.until);
                if let Some(due) = callers.chain(program.discovery.poll_at()).min() {
                    let due = self.nodes[node].global(due).max(self.now + 1);
                    self.schedule(due, What::Wake(node, self.nodes[node].run));
                }
                self.nodes[node].program = Program::Extended(program);
            }
        }
    }

    fn act(&mut self, node: usize, program: &mut Extended) {
        let now = self.nodes[node].local(self.now);
        while let Some(action) = program.discovery.poll(now) {
            match action {
                Action::Broadcast => {
                    let bytes = program.discovery.announcement().write(&mut [0; LONGEST]).to_vec();
                    self.broadcast(node, SocketAddrV4::new(Ipv4Addr::BROADCAST, UDP_PORT), &bytes);
                }
                Action::Answer(to) => {
                    let said = Announcement { answer: true, ..program.discovery.announcement() };
                    self.broadcast(node, to, said.write(&mut [0; LONGEST]));
                }
                Action::Dial(dial, to) => {
                    let id = self.dial(node, to);
                    program.dials.insert(dial, id);
                }
                Action::GiveUp(dial) => {
                    if let Some(id) = program.dials.remove(&dial) {
                        self.close(id, 0);
                    }
                }
                _ => {}
            }
        }
        let unwanted: Vec<_> =
            program.dials.keys().copied().filter(|&dial| !program.discovery.wants(dial)).collect();
        for dial in unwanted {
            if let Some(id) = program.dials.remove(&dial) {
                self.close(id, 0);
            }
        }
    }

    fn meet_callers(&mut self, node: usize, program: &mut Extended) {
        let now = self.nodes[node].local(self.now);
        for caller in std::mem::take(&mut program.callers) {
            let Caller { connection, address, until, .. } = caller;
            let verdict = match &caller.hello {
                Some(hello) => program.discovery.came(now, address, hello),
                None if caller.closed => Verdict::Refuse,
                None if until <= now => program.discovery.came_without_hello(now, address),
                None => {
                    program.callers.push(caller);
                    continue;
                }
            };
            match verdict {
                Verdict::Refuse => self.close(connection, 1),
                Verdict::Link { link, replaces } => {
                    if let Some(hello) = &caller.hello {
                        let welcome = program.discovery.welcome(hello);
                        self.carry(connection, 0, What::Says(connection, 0, welcome));
                    }
                    if let Some(old) = replaces.and_then(|old| program.links.remove(&old)) {
                        let end = usize::from(self.connections[old.0].ends[1].0 == node);
                        self.close(old, end);
                    }
                    program.joined += 1;
                    if caller.closed {
                        program.discovery.unlinked(now, link);
                    } else {
                        program.links.insert(link, connection);
                    }
                }
            }
        }
    }

    /// Sends a datagram to one address or to everybody, with the faults of the network.
    fn broadcast(&mut self, node: usize, to: SocketAddrV4, bytes: &[u8]) {
        self.nodes[node].datagrams += 1;
        let from = SocketAddrV4::new(self.nodes[node].address, 50_000);
        for other in 0..self.nodes.len() {
            let meant = to.ip().is_broadcast() || self.nodes[other].address == *to.ip();
            if other == node || !meant || self.chance.percent(self.faults.loss) {
                continue;
            }
            for _ in 0..1 + u32::from(self.chance.percent(self.faults.twice)) {
                self.later(What::Datagram { to: other, from, bytes: bytes.to_vec() });
            }
        }
    }

    fn node_at(&self, address: Ipv4Addr) -> usize {
        usize::from(address.octets()[3]) - 1
    }

    /// Something on its way to one end of a connection.
    fn carry(&mut self, id: ConnectionId, to: usize, what: What) {
        let delay = 20 + self.chance.time(self.faults.delay.max(1));
        let arrives = &mut self.connections[id.0].arrives[to];
        *arrives = (self.now + delay).max(*arrives + 1);
        let at = *arrives;
        self.schedule(at, what);
    }

    fn later(&mut self, what: What) {
        let delay = 20 + self.chance.time(self.faults.delay.max(1));
        self.schedule(self.now + delay, what);
    }

    fn schedule(&mut self, at: u64, what: What) {
        self.serial += 1;
        self.queue.push(Reverse((at, self.serial)));
        self.events.insert(self.serial, what);
    }
}
