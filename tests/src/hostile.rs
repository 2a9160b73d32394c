//! What strangers throw at a program on real networks, and what that costs it.
//!
//! A [`Scene`] is a LAN with a program that is attacked (`src/bin/hostile/victim.rs`), another one that has a
//! link with it and counts what comes back over it all the while, and a machine for the attacker.
//! After each attack, a program that is new must be linked as if nothing had been.

pub mod attacks;
pub mod stranger;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cable_car_std::{BroadcastConnector, Messenger};

use crate::messages::{Client, Numbered};
use crate::netns::{Host, Lan};
use crate::process::{PATIENCE, Process};

/// What the program `hostile` is told to be attacked rather than to attack.
pub const VICTIM: &str = "victim";

/// The machines of a scene.
const TARGET: usize = 0;
const WITNESS: usize = 1;
const ATTACKER: usize = 2;
const LATECOMER: usize = 3;

/// A program that is attacked, and one that sees how it does.
pub struct Scene {
    /// Behind a lock, so that the threads of an attack can share the scene.
    victim: Mutex<Process>,
    lan: Lan,
    /// Messages that have come back over the link that stands.
    echoes: Arc<AtomicU64>,
}

/// What an attack came to.
#[derive(Debug)]
pub struct Outcome {
    /// How many of whatever it was.
    pub thrown: u64,
    /// For how long.
    pub took: Duration,
    /// Messages sent over the link that stood, while it went on.
    pub sent: u64,
    /// How many of them did not come back.
    pub lost: u64,
    /// By how many KiB the victim's memory has grown.
    pub grown: u64,
    /// The most descriptors that the victim had.
    pub descriptors: usize,
    /// What share of a processor the victim used, in percent.
    pub busy: u64,
    /// How soon a program that was started afterwards had an answer from the victim.
    pub linked_after: Duration,
}

/// What a program has of the system.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Its memory in KiB.
    pub memory: u64,
    /// How many descriptors.
    pub descriptors: usize,
    /// How many threads.
    pub threads: usize,
}

impl Usage {
    /// That of a process; of this one, by the id `self`.
    ///
    /// # Panics
    ///
    /// Where it has ended.
    #[must_use]
    pub fn of(process: &str) -> Self {
        let here = Path::new("/proc").join(process);
        let count = |name: &str| fs::read_dir(here.join(name)).map_or(0, Iterator::count);
        let status = fs::read_to_string(here.join("status")).expect("it runs");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|memory| memory.split_whitespace().next()?.parse().ok());
        Self { memory: memory.expect("a size"), descriptors: count("fd"), threads: count("task") }
    }
}

impl Scene {
    /// Starts the victim: the program `hostile`, which Cargo has built, is at this path.
    ///
    /// # Panics
    ///
    /// Where it does not start; ask for `Need::Namespaces` first.
    #[must_use]
    pub fn new(program: &Path) -> Self {
        Self::with_command(|host| host.command(program))
    }

    /// Starts the victim with so few descriptors.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[must_use]
    pub fn with_descriptors(program: &Path, count: usize) -> Self {
        Self::with_command(|host| {
            let mut command = host.command("prlimit");
            command.arg(format!("--nofile={count}")).arg(program);
            command
        })
    }

    fn with_command(command: impl Fn(&Host) -> Command) -> Self {
        allow_many_descriptors();
        let lan = Lan::new(4);
        let victim = start(command(lan.host(TARGET)));
        Self { victim: Mutex::new(victim), lan, echoes: Arc::default() }
    }

    /// The machine of the attacker.
    #[must_use]
    pub fn attacker(&self) -> &Host {
        self.lan.host(ATTACKER)
    }

    /// The machine that is attacked.
    #[must_use]
    pub fn target(&self) -> &Host {
        self.lan.host(TARGET)
    }

    /// Starts another victim where the first one was.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn restart(&mut self, program: &Path) {
        self.victim = Mutex::new(start(self.target().command(program)));
    }

    /// The victim, to see what it says.
    pub fn victim(&mut self) -> &mut Process {
        self.victim.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the link that stands has carried more messages, as it must while an attack goes on.
    ///
    /// # Panics
    ///
    /// Where it does not.
    pub fn others_are_served(&self) {
        let wanted = self.echoes.load(Ordering::Relaxed) + 20;
        let deadline = Instant::now() + PATIENCE;
        while self.echoes.load(Ordering::Relaxed) < wanted {
            assert!(Instant::now() < deadline, "the link that stood is not served meanwhile");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the victim has said that its link with this address has ended.
    #[must_use]
    pub fn has_ended(&self, link: SocketAddr) -> bool {
        let victim = self.victim.lock().unwrap_or_else(PoisonError::into_inner);
        victim.transcript().contains(&format!("ended {link}:"))
    }

    /// Starts a program that is new, which the victim must link with.
    ///
    /// # Panics
    ///
    /// Where it does not.
    pub fn newcomer(&self) {
        let (_connector, mut peer) = linked(self.lan.host(LATECOMER), self.target());
        echoed(&mut peer, 1).expect("the link works");
    }

    /// Runs an attack on the attacker's machine; it says how many of whatever it threw.
    ///
    /// # Panics
    ///
    /// Where the victim ends, or a program that is new finds nobody.
    pub fn run(&mut self, attack: impl FnOnce(&Self) -> u64) -> Outcome {
        let witness = Witness::start(&self.lan, Arc::clone(&self.echoes));
        let before = self.usage();
        let worked = self.victim().cpu_time().unwrap_or_default();
        let started = Instant::now();
        let peak = Peak::start(self.victim().id());
        let thrown = attack(self);
        let took = started.elapsed();
        let worked = self.victim().cpu_time().unwrap_or_default() - worked;
        let descriptors = peak.stop();
        let after = self.usage();
        let (sent, lost) = witness.stop();
        let started = Instant::now();
        let status = self.victim().wait(Duration::ZERO);
        assert!(status.is_none(), "{status:?} {}", self.victim().transcript());
        self.newcomer();
        Outcome {
            thrown,
            took,
            sent,
            lost,
            grown: after.memory.saturating_sub(before.memory),
            descriptors,
            busy: (worked.as_micros() * 100 / took.as_micros().max(1)) as u64,
            linked_after: started.elapsed(),
        }
    }

    fn usage(&mut self) -> Usage {
        Usage::of(&self.victim().id().to_string())
    }
}

fn start(mut command: Command) -> Process {
    command.arg(VICTIM);
    let mut victim = Process::spawn(command);
    victim.expect_line(PATIENCE, |line| line == "started");
    victim
}

/// The attacker has a socket for each of the victim's.
fn allow_many_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit { current: maximum, maximum };
    setrlimit(Resource::Nofile, limit).expect("as many as the system allows");
}

/// A link with the victim, found on the network.
fn linked(host: &Host, victim: &Host) -> (BroadcastConnector, Messenger<Client>) {
    host.enter(|| {
        let options = BroadcastConnector::builder().interval(Duration::from_millis(200));
        let connector = options.start().expect("a machine as any");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let peer: Messenger<Client> = connector.next_peer(left).expect("the victim is found");
            if peer.remote_address().ip() == victim.ip() {
                return (connector, peer);
            }
        }
    })
}

/// Sends one message, and waits for it to come back.
fn echoed(peer: &mut Messenger<Client>, number: u32) -> Result<(), String> {
    peer.send(&Numbered(number)).map_err(|error| error.to_string())?;
    match peer.recv(Some(PATIENCE)) {
        Ok(Client::Numbered(Numbered(echo))) if echo == number => Ok(()),
        Ok(other) => Err(format!("{other:?} instead of number {number}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Sends a message over one link again and again, and counts those that come back.
struct Witness {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u64)>,
}

impl Witness {
    fn start(lan: &Lan, echoes: Arc<AtomicU64>) -> Self {
        let (connector, mut peer) = linked(lan.host(WITNESS), lan.host(TARGET));
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let _connector = connector;
            let mut sent = 0;
            while !stopped.load(Ordering::Relaxed) {
                sent += 1;
                if let Err(error) = echoed(&mut peer, sent as u32) {
                    println!("message {sent}: {error}");
                    return (sent, 1);
                }
                echoes.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
            (sent, 0)
        });
        Self { stop, thread }
    }

    fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it counts")
    }
}

/// The most descriptors that a process has, looked at again and again.
struct Peak {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Peak {
    fn start(process: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let fds: PathBuf = format!("/proc/{process}/fd").into();
        let thread = thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(fs::read_dir(&fds).map_or(0, Iterator::count));
                thread::sleep(Duration::from_millis(20));
            }
            most
        });
        Self { stop, thread }
    }

    fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it counts")
    }
}
