//! What is measured, one function a row.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use cable_car_tests::netns::Lan;
use cable_car_tests::process::PATIENCE;
use cable_car_tests::random::Random;

use crate::figure::{Figure, Times, show};
use crate::program::{Kind, Linked, Program};

type Measure = fn(Kind, bool) -> Figure;

/// All rows, by name.
pub(crate) const ALL: [(&str, Measure); 9] = [
    ("linked after the second start", after_the_second_start),
    ("two start at once: pairs with one working link, the same at both ends", at_once),
    ("ten hosts start at once", ten_hosts),
    ("goodbye to `Left`", goodbye),
    ("killed to `Lost`", killed),
    ("cable cut to `Lost`, idle link", cut_idle),
    ("cable cut to `Lost`, data in flight", cut_busy),
    ("beacons of a host, with all headers", beacons),
    ("processor time in 5 s at rest, linked", at_rest),
];

/// Headers of Ethernet, IPv4 and UDP.
const HEADERS: usize = 14 + 20 + 8;

/// How often programs start.
fn starts(kind: Kind, quick: bool) -> usize {
    match (kind, quick) {
        (Kind::Ours, false) => 200,
        (Kind::Ours, true) | (Kind::Python, false) => 20,
        (Kind::Python, true) => 3,
    }
}

/// How often a link ends.
fn ends(kind: Kind, quick: bool) -> usize {
    match (kind, quick) {
        (Kind::Ours, false) => 20,
        // To see nothing takes its whole time.
        (Kind::Ours, true) | (Kind::Python, false) => 3,
        (Kind::Python, true) => 1,
    }
}

/// One program runs, for how long is chance; then another one starts.
fn after_the_second_start(kind: Kind, quick: bool) -> Figure {
    let lan = Lan::new(2);
    let mut random = Random::from_seed_or(1);
    let mut times = Times::default();
    for _ in 0..starts(kind, quick) {
        let mut first = Program::load(kind, lan.host(0));
        first.start();
        thread::sleep(Duration::from_micros(random.time(1_000_000)));
        let mut second = Program::load(kind, lan.host(1));
        second.start();
        let ready = Instant::now();
        let linked = second.linked(PATIENCE);
        times.note(linked.map(|linked| linked.after.unwrap_or_else(|| ready.elapsed())));
    }
    times.figure(&format!("no link in {} s", PATIENCE.as_secs()))
}

/// Two programs start within 20 ms of each other.
fn at_once(kind: Kind, quick: bool) -> Figure {
    let lan = Lan::new(2);
    let mut random = Random::from_seed_or(2);
    let count = starts(kind, quick);
    let (mut good, mut times) = (0, Times::default());
    for _ in 0..count {
        let mut pair = [0, 1].map(|host| Program::load(kind, lan.host(host)));
        let first = random.below(2);
        pair[first].begin();
        thread::sleep(Duration::from_micros(random.time(20_000)));
        pair[1 - first].begin();
        for program in &mut pair {
            program.ready();
        }
        let [one, two] = &mut pair;
        // What is told at the second one has been told when the first one has settled.
        let links = [all_links(one, kind.settled()), all_links(two, Duration::from_millis(50))];
        if let Some(after) = links.iter().flatten().filter_map(|link| link.after).min() {
            times.note(Some(after));
        }
        good += usize::from(is_one_link(&links) && works(&mut pair));
    }
    let mut text = format!("{good} of {count}");
    if !times.is_empty() {
        text += &format!("; {} after the later start", times.figure("").text);
    }
    Figure { text, good: good == count }
}

fn all_links(program: &mut Program, settled: Duration) -> Vec<Linked> {
    let first = program.linked(PATIENCE);
    let more = std::iter::from_fn(|| program.linked(settled));
    first.into_iter().chain(more).collect()
}

fn is_one_link([one, two]: &[Vec<Linked>; 2]) -> bool {
    match (&one[..], &two[..]) {
        ([one], [two]) => one.local == two.remote && one.remote == two.local,
        _ => false,
    }
}

fn works(pair: &mut [Program; 2]) -> bool {
    words(pair, 1) == [1, 1]
}

/// Each says a word over every link: how many each of them hears, which ought to be so many.
fn words(programs: &mut [Program], expected: usize) -> Vec<usize> {
    programs.iter_mut().for_each(Program::say);
    let deadline = Instant::now() + PATIENCE / 4;
    programs.iter_mut().map(|program| program.heard(expected, deadline)).collect()
}

fn ten_hosts(kind: Kind, _: bool) -> Figure {
    let lan = Lan::new(10);
    let mut programs: Vec<_> = lan.hosts().iter().map(|host| Program::load(kind, host)).collect();
    programs.iter_mut().for_each(Program::begin);
    programs.iter_mut().for_each(Program::ready);
    let (mut ends, mut last) = (Vec::new(), None);
    for program in &mut programs {
        for _ in 0..9 {
            let Some(linked) = program.linked(PATIENCE) else { break };
            last = last.max(linked.after);
            ends.push(linked);
        }
        ends.extend(std::iter::from_fn(|| program.linked(Duration::from_millis(300))));
    }
    let both = |one: &Linked| {
        ends.iter().filter(|two| one.local == two.remote && one.remote == two.local).count() == 1
    };
    let links = ends.iter().filter(|end| both(end)).count() / 2;
    let heard = words(&mut programs, 9);
    let words: usize = heard.iter().sum();
    let mut text = format!("{links} links for 45 pairs, {} ends, {words} words", ends.len());
    if let Some(last) = last {
        text += &format!("; the last link {} after its own start", show(last));
    }
    Figure { text, good: (links, ends.len()) == (45, 90) && heard == [9; 10] }
}

/// Two that are linked, for long enough to know each other's rhythm.
fn linked_pair(kind: Kind, lan: &Lan) -> Option<[Program; 2]> {
    let mut pair = [0, 1].map(|host| Program::load(kind, lan.host(host)));
    for program in &mut pair {
        program.start();
    }
    pair.iter_mut().all(|program| program.linked(PATIENCE).is_some()).then_some(pair)
}

/// A way in which a link ends.
struct End {
    /// What ours tells of it.
    told: &'static str,
    /// For how long the two know each other before.
    known: Duration,
    /// For how long the Python package is given to tell anything: longer than ours takes.
    wait: Duration,
}

const GOODBYE: End = End { told: "left", known: Duration::ZERO, wait: Duration::from_secs(5) };
const DEATH: End = End { told: "lost", ..GOODBYE };
const CUT: End =
    End { told: "lost", known: Duration::from_millis(2500), wait: Duration::from_secs(15) };

/// How long it takes from something until the first program is told of the end of its link.
fn until(
    end: &End,
    kind: Kind,
    quick: bool,
    happen: impl Fn(&Lan, &mut [Program; 2]) -> Instant,
) -> Figure {
    let wait = match kind {
        Kind::Ours => PATIENCE,
        Kind::Python => end.wait,
    };
    let mut random = Random::from_seed_or(3);
    let mut times = Times::default();
    for _ in 0..ends(kind, quick) {
        let lan = Lan::new(2);
        let Some(mut pair) = linked_pair(kind, &lan) else {
            times.note(None);
            continue;
        };
        thread::sleep(end.known + Duration::from_micros(random.time(1_000_000)));
        pair[0].forget();
        let happened = happen(&lan, &mut pair);
        times.note(pair[0].ended(end.told, wait).map(|told| told - happened));
    }
    times.figure(&format!("nothing told in {} s", wait.as_secs()))
}

fn goodbye(kind: Kind, quick: bool) -> Figure {
    until(&GOODBYE, kind, quick, |_, pair| {
        let now = Instant::now();
        pair[1].stop();
        now
    })
}

fn killed(kind: Kind, quick: bool) -> Figure {
    until(&DEATH, kind, quick, |_, pair| {
        let now = Instant::now();
        pair[1].process().signal("KILL");
        now
    })
}

fn cut_idle(kind: Kind, quick: bool) -> Figure {
    until(&CUT, kind, quick, |lan, _| cut(lan))
}

fn cut_busy(kind: Kind, quick: bool) -> Figure {
    until(&CUT, kind, quick, |lan, pair| {
        let now = cut(lan);
        pair[0].say();
        now
    })
}

/// Pulls the cable out, which takes a command; when that was done.
fn cut(lan: &Lan) -> Instant {
    lan.host(1).set_cable(false);
    Instant::now()
}

/// What another host hears of one that is alone.
fn beacons(kind: Kind, _: bool) -> Figure {
    const SPAN: Duration = Duration::from_secs(5);
    let lan = Lan::new(2);
    let ear = lan.host(1).enter(|| UdpSocket::bind("0.0.0.0:8222")).expect("a port");
    let mut program = Program::load(kind, lan.host(0));
    program.start();
    let mut bytes = 0;
    let end = Instant::now() + SPAN;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let rate = bytes / SPAN.as_secs() as usize;
            return Figure { text: format!("{rate} bytes/s"), good: rate > 0 };
        }
        ear.set_read_timeout(Some(left)).expect("a time that is not zero");
        if let Ok(len) = ear.recv(&mut [0; 2000]) {
            bytes += len + HEADERS;
        }
    }
}

fn at_rest(kind: Kind, _: bool) -> Figure {
    const SPAN: Duration = Duration::from_secs(5);
    let lan = Lan::new(2);
    let Some([mut one, _two]) = linked_pair(kind, &lan) else {
        return Figure { text: "no link".into(), good: false };
    };
    thread::sleep(Duration::from_secs(1));
    let (ticks, used) = (one.process().cpu_time(), one.cpu_time());
    thread::sleep(SPAN);
    let ticks =
        one.process().cpu_time().zip(ticks).map_or(0, |(now, then)| (now - then).as_millis() / 10);
    let used = show(one.cpu_time() - used);
    Figure { text: format!("{used} ({ticks} ticks of 10 ms)"), good: true }
}
