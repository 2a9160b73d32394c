//! What is known about the machines of this network.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use cable_car_examples::text::printable_name;

use crate::stats::MsgStats;

/// How long a machine that left is shown as gone.
pub(crate) const GONE_FOR: Duration = Duration::from_secs(30);

/// The machines that are here, and those that left a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Machines {
    machines: Vec<Machine>,
}

/// One machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) address: IpAddr,
    /// What it calls itself; its address until it has told.
    pub(crate) name: String,
    /// Its latest report, and when that came.
    pub(crate) report: Option<(MsgStats, Instant)>,
    /// Since when no link stands with it.
    pub(crate) gone: Option<Instant>,
    /// The other ends of the links with it: there are two where both sides dialled at once, and
    /// where this machine sees itself.
    links: Vec<SocketAddr>,
    /// The link by which the latest report came, while it stands.
    by: Option<SocketAddr>,
}

impl Machines {
    /// A link stands with a machine.
    pub(crate) fn joined(&mut self, remote: SocketAddr) {
        let address = remote.ip();
        let machine = match self.machines.iter().position(|known| known.address == address) {
            Some(index) => &mut self.machines[index],
            None => {
                self.machines.push(Machine::new(address));
                let last = self.machines.len() - 1;
                &mut self.machines[last]
            }
        };
        machine.links.push(remote);
        machine.gone = None;
        self.sort();
    }

    /// A link is no more.
    pub(crate) fn lost(&mut self, remote: SocketAddr, now: Instant) {
        let Some(machine) = self.machine(remote.ip()) else { return };
        machine.links.retain(|&link| link != remote);
        machine.by = machine.by.filter(|&by| by != remote);
        if machine.links.is_empty() {
            machine.gone = Some(now);
        }
    }

    /// A machine has reported; `false` where this is known already by another link with it.
    pub(crate) fn reported(&mut self, remote: SocketAddr, stats: MsgStats, now: Instant) -> bool {
        let Some(machine) = self.machine(remote.ip()) else { return false };
        let same = machine.report.as_ref().is_some_and(|(known, _)| *known == stats);
        let twice = same && machine.by.is_some_and(|by| by != remote);
        if let Some(host) =
            stats.host.as_deref().map(printable_name).filter(|host| !host.is_empty())
        {
            machine.name = host;
        }
        machine.report = Some((stats, now));
        if !twice {
            machine.by = Some(remote);
        }
        self.sort();
        !twice
    }

    /// Drops those that left long ago.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.machines.retain(|machine| machine.gone.is_none_or(|gone| now < gone + GONE_FOR));
    }

    /// The machine with that address.
    pub(crate) fn get(&self, address: IpAddr) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.address == address)
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Machine> {
        self.machines.iter()
    }

    /// How many are here.
    pub(crate) fn present(&self) -> usize {
        self.iter().filter(|machine| machine.gone.is_none()).count()
    }

    fn machine(&mut self, address: IpAddr) -> Option<&mut Machine> {
        self.machines.iter_mut().find(|machine| machine.address == address)
    }

    fn sort(&mut self) {
        self.machines.sort_by(|a, b| a.name.cmp(&b.name).then(a.address.cmp(&b.address)));
    }
}

impl Machine {
    fn new(address: IpAddr) -> Self {
        let name = address.to_string();
        Self { address, name, report: None, gone: None, links: Vec::new(), by: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn stats(host: &str, cpu: f64) -> MsgStats {
        MsgStats { host: Some(host.to_owned()), cpu_percent: Some(cpu), ..MsgStats::default() }
    }

    #[test]
    fn a_machine_is_gone_when_its_last_link_is_and_forgotten_later() {
        let now = Instant::now();
        let (one, other) = (remote("10.0.0.1:8227"), remote("10.0.0.1:40000"));
        let mut machines = Machines::default();
        machines.joined(one);
        machines.joined(other);
        machines.lost(one, now);
        assert_eq!((machines.present(), machines.iter().count()), (1, 1));
        machines.lost(other, now);
        assert_eq!((machines.present(), machines.iter().count()), (0, 1));
        machines.forget(now + GONE_FOR / 2);
        assert_eq!(machines.iter().count(), 1);
        machines.forget(now + GONE_FOR);
        assert_eq!(machines.iter().count(), 0);
    }

    #[test]
    fn a_machine_that_comes_back_is_not_gone() {
        let now = Instant::now();
        let mut machines = Machines::default();
        machines.joined(remote("10.0.0.1:8227"));
        machines.lost(remote("10.0.0.1:8227"), now);
        machines.joined(remote("10.0.0.1:8227"));
        machines.forget(now + 2 * GONE_FOR);
        assert_eq!(machines.present(), 1);
    }

    #[test]
    fn what_comes_by_two_links_is_told_once() {
        let now = Instant::now();
        let (one, other) = (remote("10.0.0.1:8227"), remote("10.0.0.1:40000"));
        let mut machines = Machines::default();
        machines.joined(one);
        machines.joined(other);
        assert!(machines.reported(one, stats("vm", 1.0), now));
        assert!(!machines.reported(other, stats("vm", 1.0), now));
        assert!(machines.reported(one, stats("vm", 1.0), now), "the next one, which is the same");
        assert!(machines.reported(one, stats("vm", 2.0), now));
        machines.lost(one, now);
        assert!(machines.reported(other, stats("vm", 2.0), now), "the other link alone");
    }

    #[test]
    fn machines_are_in_the_order_of_their_names() {
        let now = Instant::now();
        let mut machines = Machines::default();
        for (address, host) in [("10.0.0.1:1", "zoe\u{1b}[2J"), ("10.0.0.2:1", "ann")] {
            machines.joined(remote(address));
            machines.reported(remote(address), stats(host, 1.0), now);
        }
        let names: Vec<_> = machines.iter().map(|machine| machine.name.as_str()).collect();
        assert_eq!(names, ["ann", "zoe[2J"], "and no control character is in them");
    }
}
