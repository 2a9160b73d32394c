//! Datagrams on their way, to one machine or to everybody of a subnet.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use super::world::{What, World};

/// A UDP socket.
#[derive(Debug)]
pub(super) struct Udp {
    pub(super) program: usize,
    /// None before it is bound, and when it is closed.
    pub(super) port: Option<u16>,
    pub(super) inbox: VecDeque<(SocketAddrV4, Rc<[u8]>)>,
}

impl World {
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
    pub(super) fn deliver(
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
}

/// What all addresses of a subnet share.
pub(super) fn subnet(address: Ipv4Addr) -> [u8; 3] {
    let [a, b, c, _] = address.octets();
    [a, b, c]
}

fn is_broadcast(address: Ipv4Addr) -> bool {
    address.octets()[3] == 255
}
