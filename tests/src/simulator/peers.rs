//! Programs that look for each other on a network.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cable_car::discovery::{Announcement, Config, Instance, LONGEST, Service, TCP_PORT, UDP_PORT};
use embedded_nal::{UdpClientStack, UdpFullStack};

use super::faults::Faults;
use super::legacy::Legacy;
use super::network::{MachineId, Network, ProgramId};
use super::seeker::Seeker;

/// A network of programs of ours and of legacy peers, all of which look for each other, with the real
/// [`BroadcastConnector`](cable_car::nal::BroadcastConnector).
///
/// ```
/// use cable_car_tests::simulator::{Faults, Peers};
/// use std::time::Duration;
///
/// let faults = Faults { loss: 30, delay: Duration::from_millis(5), ..Faults::default() };
/// let mut peers = Peers::new(7, faults);
/// // Three machines, the last of which is in another subnet as well, with a legacy peer.
/// for subnets in [&[0][..], &[0], &[0, 1]] {
///     let machine = peers.network.machine(subnets);
///     peers.start(machine, Duration::ZERO, "pong");
/// }
/// let machine = peers.network.machine(&[1]);
/// peers.start_legacy(machine, Duration::from_secs(1));
/// peers.network.run_until(Duration::from_secs(30));
/// let outcome = peers.check();
/// assert!(outcome.faults.is_empty(), "{outcome:?}");
/// assert_eq!(outcome.links, 3 * 2 + 1);
/// ```
pub struct Peers {
    /// What they run on; it may have other programs as well.
    pub network: Network,
    pub(super) programs: Vec<(ProgramId, Kind)>,
}

pub(super) enum Kind {
    Seeker(Rc<RefCell<Seeker>>),
    Legacy(Rc<RefCell<Legacy>>),
}

impl Peers {
    /// A network without machines. All chance comes from `seed`.
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self { network: Network::new(seed, faults), programs: Vec::new() }
    }

    /// Starts a program of ours at a time, for a service; empty for none.
    ///
    /// # Panics
    ///
    /// If the name of the service is too long.
    pub fn start(&mut self, machine: MachineId, at: Duration, service: &str) -> ProgramId {
        let instance = Instance::new(self.network.world.borrow_mut().chance.number());
        let service = Service::new(service).expect("a short name");
        let config = Config { service, ..Config::new(instance) };
        let seeker = Rc::new(RefCell::new(Seeker::new(config)));
        let it = Rc::clone(&seeker);
        let run = move |stack: &mut _, now| it.borrow_mut().run(stack, now);
        let program = self.network.start(machine, at, run);
        self.programs.push((program, Kind::Seeker(seeker)));
        program
    }

    /// Starts a model of the Python package at a time. Its machine should have one interface and no
    /// other program: it can not share its ports, and is known by its address alone.
    pub fn start_legacy(&mut self, machine: MachineId, at: Duration) -> ProgramId {
        let speaks = self.network.world.borrow_mut().chance.percent(50);
        let legacy = Rc::new(RefCell::new(Legacy::new(speaks)));
        let it = Rc::clone(&legacy);
        let run = move |stack: &mut _, now| it.borrow_mut().run(stack, now);
        let program = self.network.start(machine, at, run);
        self.programs.push((program, Kind::Legacy(legacy)));
        program
    }

    /// Starts a program at a time that sends beacons of instances that are not there, of its own and of
    /// no service, `each` of them every 10 ms.
    pub fn start_forger(&mut self, machine: MachineId, at: Duration, each: u32) -> ProgramId {
        let mut numbers = self.network.world.borrow().chance.clone();
        let mut socket = None;
        self.network.start(machine, at, move |stack, now| {
            let socket = socket.get_or_insert_with(|| {
                let mut new = UdpClientStack::socket(stack).expect("there are always sockets");
                UdpFullStack::bind(stack, &mut new, 0).expect("any port");
                new
            });
            for _ in 0..each {
                let forged = Announcement {
                    instance: Instance::new(numbers.number()),
                    tcp_port: TCP_PORT + numbers.below(3) as u16,
                    service: Service::NONE,
                    goodbye: numbers.percent(5),
                    answer: numbers.percent(20),
                };
                let everybody = (std::net::Ipv4Addr::BROADCAST, UDP_PORT).into();
                let sent = stack.send_to(socket, everybody, forged.write(&mut [0; LONGEST]));
                sent.expect("a socket that is bound");
            }
            Some(now + Duration::from_millis(10))
        })
    }
}
