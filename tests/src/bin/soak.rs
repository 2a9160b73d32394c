//! Ten programs of one machine that all talk to each other while one after the other is stopped and
//! started again, for a bounded time; prints what was passed, and by how much memory, descriptors and
//! threads have grown. Fails where a message came twice, out of order or not at all on a link that
//! stood, or where anything has grown that is not given back.
//!
//!     cargo run --release --package cable-car-tests --bin soak -- --for 600

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cable_car_std::{BroadcastConnector, BufferSize, LinkError, Messenger, Watch};
use cable_car_tests::hostile::Usage;
use cable_car_tests::messages::{Client, Numbered};
use cable_car_tests::process::{PATIENCE, unused_tcp_port, unused_udp_port};
use peak_alloc::PeakAlloc;

/// Counts what is allocated: what a process has of the system says little within a minute, since the
/// allocator keeps what was given back, apart for each thread that comes and goes.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const PEERS: usize = 10;

/// How long a program runs at the least; one of them is started again each time that so long is over.
const CHURN: Duration = Duration::from_millis(200);

const BUFFERS: BufferSize = BufferSize { initial: 1 << 14, limit: 1 << 16 };

/// By how much what is allocated may differ between two moments, in bytes: with how full the buffers
/// of the links are.
const WAVERING: u64 = 16 << 10;

/// What the programs have at a moment.
struct Sample {
    allocated: u64,
    usage: Usage,
}

/// What all programs together have done.
#[derive(Default)]
struct Totals {
    received: AtomicU64,
    /// Messages that were not the next one.
    wrong: AtomicU64,
    links: AtomicU64,
    standing: AtomicU64,
    ends: Mutex<BTreeMap<String, u64>>,
}

/// One end of a link.
struct End {
    messenger: Messenger<Client>,
    next_sent: u32,
    next_received: u32,
}

struct Program {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

fn main() -> ExitCode {
    let Some((time, messages)) = options() else {
        eprintln!("usage: soak [--for SECONDS] [--messages N]");
        return ExitCode::FAILURE;
    };
    let ports = (unused_udp_port(), unused_tcp_port());
    let totals = Arc::new(Totals::default());
    let mut programs: Vec<_> = (0..PEERS).map(|_| Program::start(ports, &totals)).collect();
    // All at once: they are no part of what grows.
    let mut samples = Vec::with_capacity((time.as_millis() / CHURN.as_millis()) as usize + 1);
    let started = Instant::now();
    let mut restarts = 0;
    while started.elapsed() < time && totals.received.load(Ordering::Relaxed) < messages {
        thread::sleep(CHURN);
        if !all_linked(&totals) {
            eprintln!("{} of {} ends of links stand", standing(&totals), PEERS * (PEERS - 1));
            return ExitCode::FAILURE;
        }
        samples
            .push(Sample { allocated: ALLOCATED.current_usage() as u64, usage: Usage::of("self") });
        let at = restarts % PEERS;
        restarts += 1;
        programs.remove(at).stop();
        programs.insert(at, Program::start(ports, &totals));
    }
    let took = started.elapsed();
    all_linked(&totals);
    programs.into_iter().for_each(Program::stop);
    report(&totals, &samples, took, restarts)
}

fn options() -> Option<(Duration, u64)> {
    let (mut time, mut messages) = (Duration::from_secs(600), u64::MAX);
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next()?.parse().ok()?;
        match &word[..] {
            "--for" => time = Duration::from_secs(value),
            "--messages" => messages = value,
            _ => return None,
        }
    }
    Some((time, messages))
}

fn standing(totals: &Totals) -> u64 {
    totals.standing.load(Ordering::Relaxed)
}

/// Waits until every program has a link with every other one.
fn all_linked(totals: &Totals) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while standing(totals) != (PEERS * (PEERS - 1)) as u64 {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

impl Program {
    fn start(ports: (u16, u16), totals: &Arc<Totals>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, totals) = (Arc::clone(&stop), Arc::clone(totals));
        let thread = thread::spawn(move || talk(ports, &stopped, &totals));
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a program does not panic");
    }
}

/// A program: talks to every peer until it is stopped.
fn talk((udp, tcp): (u16, u16), stop: &AtomicBool, totals: &Totals) {
    let mut watch = Watch::new().expect("a watch");
    let connector = BroadcastConnector::builder()
        .udp_port(udp)
        .tcp_port(tcp)
        .interval(Duration::from_millis(200))
        .wake(watch.waker())
        .start()
        .expect("a connector");
    let mut ends: BTreeMap<usize, End> = BTreeMap::new();
    let mut next_key = 0;
    while !stop.load(Ordering::Relaxed) {
        let ready: Vec<usize> = watch.wait(Some(CHURN)).expect("readiness").collect();
        while let Ok(connection) = connector.next_connection(Duration::ZERO) {
            let mut messenger = Messenger::with_buffers(connection, BUFFERS);
            watch.add(next_key, &mut messenger).expect("watched");
            ends.insert(next_key, End { messenger, next_sent: 0, next_received: 0 });
            totals.links.fetch_add(1, Ordering::Relaxed);
            totals.standing.fetch_add(1, Ordering::Relaxed);
            next_key += 1;
        }
        for key in ready {
            if let Some(end) = ends.get_mut(&key)
                && let Err(why) = end.exchange(totals)
            {
                ends.remove(&key);
                totals.ended(&why);
            }
        }
    }
    for _ in ends {
        totals.ended(&LinkError::Closed);
    }
}

impl End {
    /// Takes what has come, and sends as much as there is room for.
    fn exchange(&mut self, totals: &Totals) -> Result<(), LinkError> {
        self.messenger.xfer()?;
        let (mut received, mut wrong) = (0, 0);
        while let Some(message) = self.messenger.get() {
            received += 1;
            let expected = self.next_received;
            match message {
                Ok(Client::Numbered(Numbered(number))) if number == expected => {}
                _ => wrong += 1,
            }
            self.next_received = expected.wrapping_add(1);
        }
        totals.received.fetch_add(received, Ordering::Relaxed);
        totals.wrong.fetch_add(wrong, Ordering::Relaxed);
        while self.messenger.queued() < BUFFERS.initial / 2
            && self.messenger.send(&Numbered(self.next_sent)).is_ok()
        {
            self.next_sent = self.next_sent.wrapping_add(1);
        }
        self.messenger.xfer()
    }
}

impl Totals {
    fn ended(&self, why: &LinkError) {
        self.standing.fetch_sub(1, Ordering::Relaxed);
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        *ends.entry(why.to_string()).or_default() += 1;
    }
}

/// The middle one of the sizes in a part of the samples.
fn median(samples: &[Sample], size: fn(&Sample) -> u64) -> u64 {
    let mut sizes: Vec<u64> = samples.iter().map(size).collect();
    sizes.sort_unstable();
    sizes.get(sizes.len() / 2).copied().unwrap_or_default()
}

fn report(totals: &Totals, samples: &[Sample], took: Duration, restarts: usize) -> ExitCode {
    // Not the first: memory is taken when it is first used.
    let fifth = (samples.len() / 5).max(1);
    let early = samples.get(fifth..2 * fifth).unwrap_or_default();
    let late = samples.get(samples.len().saturating_sub(fifth)..).unwrap_or_default();
    let growth = |what: &str, size: fn(&Sample) -> u64| {
        let (before, after) = (median(early, size), median(late, size));
        println!("| {what} | {before} | {after} | {:+} |", after as i64 - before as i64);
        after.saturating_sub(before)
    };
    let wrong = totals.wrong.load(Ordering::Relaxed);
    println!("| {PEERS} programs, {:.0} s | |", took.as_secs_f32());
    println!("|---|---|");
    println!("| messages that came | {} |", totals.received.load(Ordering::Relaxed));
    println!("| lost, twice or out of order on a link that stood | {wrong} |");
    println!("| programs that were stopped and started | {restarts} |");
    println!("| ends of links that stood | {} |", totals.links.load(Ordering::Relaxed));
    for (why, count) in totals.ends.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        println!("| ended: {why} | {count} |");
    }
    println!("\n| all programs together | early | late | growth |");
    println!("|---|---|---|---|");
    let allocated = growth("allocated, bytes", |sample| sample.allocated);
    growth("memory of the process, KiB", |sample| sample.usage.memory);
    let descriptors = growth("descriptors", |sample| sample.usage.descriptors as u64);
    let threads = growth("threads", |sample| sample.usage.threads as u64);
    let bounded = allocated <= WAVERING && descriptors == 0 && threads == 0;
    match bounded && wrong == 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
