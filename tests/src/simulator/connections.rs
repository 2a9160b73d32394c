//! Connections, and what is on its way over them.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use super::world::{DEAD_PEER, Machine, What, World};

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

impl World {
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

    /// A dial arrives at the dialled.
    pub(super) fn dialled(&mut self, wire: usize) -> Vec<usize> {
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

    /// Something has come to one end of a connection.
    pub(super) fn news(&mut self, wire: usize, end: usize) -> Vec<usize> {
        let program = self.wires[wire].programs[end];
        if let Some(program) = program {
            self.programs[program].news = true;
        }
        program.into_iter().collect()
    }

    /// Closes one end; the other one hears of it.
    pub(super) fn close(&mut self, wire: usize, end: usize) {
        if !std::mem::replace(&mut self.wires[wire].closed[end], true) {
            self.carry(wire, 1 - end, What::Ended(wire, 1 - end, Ending::Closed));
        }
    }

    /// One end is gone without a word.
    pub(super) fn break_off(&mut self, wire: usize, end: usize) {
        if !std::mem::replace(&mut self.wires[wire].closed[end], true) {
            let what = What::Ended(wire, 1 - end, Ending::Broken);
            self.schedule(self.now + DEAD_PEER, what);
        }
    }
}
