//! The state machine of discovery, and whatever may happen to it in whatever order: it never has
//! endless work, never dials whom it has not heard, never more at a time than it says, and always
//! knows when it wants to be called next.
#![no_main]

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use arbitrary::Arbitrary;
use cable_car::Instant;
use cable_car::discovery::{
    Action, Announcement, Config, DialId, Discovery, Hello, Instance, LONGEST, LinkId, MARK,
    MOST_DIALS, Reached, Service, Verdict,
};
use libfuzzer_sys::fuzz_target;

const PEERS: usize = 12;

/// More than one poll could give for each peer, and those that are for nobody.
const MOST_ACTIONS: usize = 4 * PEERS + 8;

#[derive(Debug, Arbitrary)]
struct Run {
    instance: u8,
    interval_millis: u16,
    connect_timeout_millis: u16,
    timeout_millis: Option<u16>,
    allow_loopback: bool,
    once: bool,
    events: Vec<Event>,
}

/// Peers are numbered, so that the same ones come again.
#[derive(Debug, Arbitrary)]
enum Event {
    Wait { millis: u16 },
    Far { seconds: u32 },
    Noise { from: u8, datagram: Vec<u8>, marked: bool },
    Legacy { from: u8 },
    Beacon { from: u8, instance: u8, port: u16, other_service: bool, goodbye: bool, answer: bool },
    Hello { from: u8, instance: u8, to: u8, other_service: bool, welcome: bool },
    NoHello { from: u8 },
    Reached { dial: u8 },
    Welcomed { dial: u8, instance: u8, welcome: bool },
    DialFailed { dial: u8 },
    Unlinked { link: u8 },
    Port { port: u16 },
    Stop,
}

struct World {
    discovery: Discovery<PEERS>,
    now: Instant,
    heard: HashSet<SocketAddrV4>,
    heard_legacy: HashSet<Ipv4Addr>,
    dials: Vec<DialId>,
    under_way: HashMap<DialId, SocketAddrV4>,
    links: Vec<LinkId>,
    standing: HashSet<LinkId>,
    dialled: Vec<Instant>,
    answered: Vec<Instant>,
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number % 16)
}

fn instance(number: u8) -> Instance {
    Instance::new(u64::from(number % 16))
}

fn service(other: bool) -> Service {
    Service::new(if other { "other" } else { "one" }).expect("short")
}

fuzz_target!(|run: Run| {
    let now = Instant::from_millis(1_000);
    let config = Config {
        service: service(false),
        interval: Duration::from_millis(run.interval_millis.into()),
        connect_timeout: Duration::from_millis(run.connect_timeout_millis.into()),
        timeout: run.timeout_millis.map(|millis| Duration::from_millis(millis.into())),
        allow_loopback: run.allow_loopback,
        once: run.once,
        ..Config::new(instance(run.instance))
    };
    let mut world = World {
        discovery: Discovery::new(config, now),
        now,
        heard: HashSet::new(),
        heard_legacy: HashSet::new(),
        dials: Vec::new(),
        under_way: HashMap::new(),
        links: Vec::new(),
        standing: HashSet::new(),
        dialled: Vec::new(),
        answered: Vec::new(),
    };
    world.poll();
    for event in run.events {
        world.happen(event);
        world.poll();
    }
});

impl World {
    fn happen(&mut self, event: Event) {
        let now = self.now;
        let this = &mut self.discovery;
        match event {
            Event::Wait { millis } => self.now += Duration::from_millis(millis.into()),
            Event::Far { seconds } => self.now += Duration::from_secs(seconds.into()),
            Event::Noise { from, mut datagram, marked } => {
                if marked {
                    datagram.splice(..0, *MARK);
                }
                // What it says may be believed, as of any stranger.
                let from = SocketAddrV4::new(address(from), 5000);
                if let Some(beacon) = cable_car::discovery::Beacon::read(&datagram) {
                    match beacon {
                        cable_car::discovery::Beacon::Legacy => {
                            self.heard_legacy.insert(*from.ip());
                        }
                        cable_car::discovery::Beacon::Extended(said) => {
                            self.heard.insert(SocketAddrV4::new(*from.ip(), said.tcp_port));
                        }
                    }
                }
                this.heard(now, from, &datagram);
            }
            Event::Legacy { from } => {
                self.heard_legacy.insert(address(from));
                this.heard(now, SocketAddrV4::new(address(from), 5000), MARK);
            }
            Event::Beacon { from, instance: who, port, other_service, goodbye, answer } => {
                let said = Announcement {
                    instance: instance(who),
                    tcp_port: port,
                    service: service(other_service),
                    goodbye,
                    answer,
                };
                let from = SocketAddrV4::new(address(from), 6000);
                if !other_service && !goodbye {
                    self.heard.insert(SocketAddrV4::new(*from.ip(), port));
                }
                this.heard(now, from, said.write(&mut [0; LONGEST]));
            }
            Event::Hello { from, instance: who, to, other_service, welcome } => {
                let hello = Hello {
                    welcome,
                    from: instance(who),
                    to: instance(to),
                    service: service(other_service),
                };
                let verdict = this.came(now, address(from), &hello);
                let _ = this.welcome(&hello);
                self.judge(verdict, address(from));
            }
            Event::NoHello { from } => {
                assert!(this.hello_until(now, address(from)) >= now);
                let verdict = this.came_without_hello(now, address(from));
                self.judge(verdict, address(from));
            }
            Event::Reached { dial } => {
                if let Some(dial) = pick(&self.dials, dial) {
                    match this.reached(now, dial) {
                        Reached::Link(link) => self.link(dial, link),
                        Reached::Greet(hello) => assert!(!hello.welcome),
                        Reached::NotWanted => {}
                    }
                }
            }
            Event::Welcomed { dial, instance: who, welcome } => {
                if let Some(dial) = pick(&self.dials, dial) {
                    let hello = Hello {
                        welcome,
                        from: instance(who),
                        to: this.config().instance,
                        service: service(false),
                    };
                    if let Some(link) = this.welcomed(now, dial, &hello) {
                        assert!(welcome);
                        self.link(dial, link);
                    }
                }
            }
            Event::DialFailed { dial } => {
                if let Some(dial) = pick(&self.dials, dial) {
                    this.dial_failed(now, dial);
                }
            }
            Event::Unlinked { link } => {
                if let Some(link) = pick(&self.links, link) {
                    let stood = self.standing.remove(&link);
                    let departed = this.unlinked(now, link).is_some();
                    assert!(stood || !departed, "a link that was over is over once more");
                }
            }
            Event::Port { port } => this.set_tcp_port(port),
            Event::Stop => this.stop(),
        }
        let wanted = |dial: &DialId| self.discovery.wants(*dial);
        let stopped = self.discovery.is_stopped();
        self.under_way.retain(|dial, _| stopped || wanted(dial));
    }

    fn judge(&mut self, verdict: Verdict, from: Ipv4Addr) {
        if let Verdict::Link { link, replaces } = verdict {
            if let Some(replaced) = replaces {
                assert!(self.standing.remove(&replaced), "replaces what does not stand");
            }
            // A peer that came may be dialled again where it came from, at the usual port.
            self.heard.insert(SocketAddrV4::new(from, self.discovery.config().tcp_port));
            self.stand(link);
        }
    }

    fn link(&mut self, dial: DialId, link: LinkId) {
        assert!(self.dials.contains(&dial));
        self.under_way.remove(&dial);
        self.stand(link);
    }

    fn stand(&mut self, link: LinkId) {
        assert!(!self.links.contains(&link), "a link of this number was there before");
        self.links.push(link);
        self.standing.insert(link);
        let _ = self.discovery.who(link);
        let stand = self.discovery.linked().count();
        assert!(stand <= PEERS);
    }

    /// Polls until there is nothing to do, as every driver does.
    fn poll(&mut self) {
        for _ in 0..MOST_ACTIONS {
            let Some(action) = self.discovery.poll(self.now) else {
                self.rest();
                return;
            };
            match action {
                Action::Dial(dial, to) => {
                    let legacy = self.discovery.config().tcp_port == to.port()
                        && self.heard_legacy.contains(to.ip());
                    assert!(self.heard.contains(&to) || legacy, "dials {to}, never heard");
                    assert!(!self.dials.contains(&dial));
                    self.dials.push(dial);
                    self.under_way.insert(dial, to);
                    assert!(self.under_way.len() <= MOST_DIALS);
                    self.dialled.push(self.now);
                }
                Action::GiveUp(dial) => assert!(self.under_way.remove(&dial).is_some()),
                Action::Answer(_) => self.answered.push(self.now),
                _ => {}
            }
        }
        panic!("no end of work at one moment");
    }

    /// There is nothing to do now.
    fn rest(&self) {
        assert!(
            self.discovery.poll_at().is_none_or(|at| at > self.now),
            "wants to be polled at once"
        );
        for times in [&self.dialled, &self.answered] {
            let since = |at: &&Instant| self.now - **at < Duration::from_secs(1);
            let recent = times.iter().rev().take_while(since).count();
            assert!(recent <= 32 + 20 + 1, "{recent} in one second");
        }
    }
}

fn pick<T: Copy>(from: &[T], number: u8) -> Option<T> {
    // The latest are the most interesting.
    from.iter().rev().nth(usize::from(number) % from.len().max(1)).copied()
}
