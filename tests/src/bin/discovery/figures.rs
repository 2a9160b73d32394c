//! What is measured, one function a row.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use cable_car_tests::netns::Lan;
use cable_car_tests::process::PATIENCE;
use cable_car_tests::random::Random;

use crate::program::{Kind, Linked, Program};

type Measure = fn(Kind, bool) -> String;

/// All rows, by name.
pub(crate) const ALL: [(&str, Measure); 9] = [
    ("linked after the second start: median, p99, max", after_the_second_start),
    ("two start at once: pairs with one working link, the same at both ends", at_once),
    ("ten hosts start at once: links of 45, all there after", ten_hosts),
    ("goodbye to Left", goodbye),
    ("killed to Lost", killed),
    ("cable cut to Lost, idle link", cut_idle),
    ("cable cut to Lost, data in flight", cut_busy),
    ("beacons of a host, bytes a second on the wire", beacons),
    ("processor time in 5 s at rest, linked", at_rest),
];

/// Other than these nobody is told anything, which is how the Python package takes it.
const NEVER: &str = "never told";
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

/// How often a link of ours ends.
fn ends(quick: bool) -> usize {
    if quick { 3 } else { 20 }
}

/// One program runs, for how long is chance; then another one starts.
fn after_the_second_start(kind: Kind, quick: bool) -> String {
    let lan = Lan::new(2);
    let mut random = Random::from_seed_or(1);
    let mut times = Vec::new();
    for _ in 0..starts(kind, quick) {
        let mut first = Program::load(kind, lan.host(0));
        first.start();
        thread::sleep(Duration::from_micros(random.time(1_000_000)));
        let mut second = Program::load(kind, lan.host(1));
        second.start();
        let ready = Instant::now();
        let linked = second.linked(PATIENCE).expect("a link");
        times.push(linked.after.unwrap_or_else(|| ready.elapsed()));
    }
    spread(&mut times)
}

/// Two programs start within 20 ms of each other.
fn at_once(kind: Kind, quick: bool) -> String {
    let lan = Lan::new(2);
    let mut random = Random::from_seed_or(2);
    let count = starts(kind, quick);
    let (mut good, mut times) = (0, Vec::new());
    for _ in 0..count {
        let mut pair = [0, 1].map(|host| Program::load(kind, lan.host(host)));
        if kind == Kind::Ours {
            // Loaded, as good as Python's interpreter is by itself.
            thread::sleep(Duration::from_millis(50));
        }
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
        times.extend(links.iter().flatten().filter_map(|link| link.after).min());
        good += usize::from(is_one_link(&links) && works(&mut pair));
    }
    match times.is_empty() {
        true => format!("{good} of {count}"),
        false => format!("{good} of {count}; after the later start {}", spread(&mut times)),
    }
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
    let [one, two] = pair;
    one.say();
    two.say();
    (one.heard(), two.heard()) == (1, 1)
}

fn ten_hosts(kind: Kind, _: bool) -> String {
    let lan = Lan::new(10);
    let mut programs: Vec<_> = lan.hosts().iter().map(|host| Program::load(kind, host)).collect();
    if kind == Kind::Ours {
        thread::sleep(Duration::from_millis(500));
    }
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
    match last {
        Some(last) => format!("{links}, {last:.1?} after its own start the last"),
        None => format!("{links}, with {} ends told", ends.len()),
    }
}

/// Two that are linked, for long enough to know each other's rhythm.
fn linked_pair(kind: Kind, lan: &Lan) -> [Program; 2] {
    let mut pair = [0, 1].map(|host| Program::load(kind, lan.host(host)));
    for program in &mut pair {
        program.start();
    }
    for program in &mut pair {
        program.linked(PATIENCE).expect("a link");
    }
    pair
}

/// How long it takes from something until the first program tells of the end of its link.
fn until(
    kind: Kind,
    quick: bool,
    how: &str,
    settle: u64,
    happen: impl Fn(&Lan, &mut [Program; 2]) -> Instant,
) -> String {
    if kind == Kind::Python {
        return NEVER.into();
    }
    let mut random = Random::from_seed_or(3);
    let mut times = Vec::new();
    for _ in 0..ends(quick) {
        let lan = Lan::new(2);
        let mut pair = linked_pair(kind, &lan);
        thread::sleep(
            Duration::from_millis(settle) + Duration::from_micros(random.time(1_000_000)),
        );
        let happened = happen(&lan, &mut pair);
        times.push(pair[0].ended(how).expect("the end is told") - happened);
    }
    spread(&mut times)
}

fn goodbye(kind: Kind, quick: bool) -> String {
    until(kind, quick, "left", 0, |_, pair| {
        let now = Instant::now();
        pair[1].stop();
        now
    })
}

fn killed(kind: Kind, quick: bool) -> String {
    until(kind, quick, "lost", 0, |_, pair| {
        let now = Instant::now();
        pair[1].process().signal("KILL");
        now
    })
}

fn cut_idle(kind: Kind, quick: bool) -> String {
    until(kind, quick, "lost", 2500, |lan, _| cut(lan))
}

fn cut_busy(kind: Kind, quick: bool) -> String {
    until(kind, quick, "lost", 2500, |lan, pair| {
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
fn beacons(kind: Kind, _: bool) -> String {
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
            return format!("{}", bytes / SPAN.as_secs() as usize);
        }
        ear.set_read_timeout(Some(left)).expect("a time that is not zero");
        if let Ok(len) = ear.recv(&mut [0; 2000]) {
            bytes += len + HEADERS;
        }
    }
}

fn at_rest(kind: Kind, _: bool) -> String {
    const SPAN: Duration = Duration::from_secs(5);
    let lan = Lan::new(2);
    let mut pair = linked_pair(kind, &lan);
    thread::sleep(Duration::from_secs(1));
    let [one, _] = &mut pair;
    let (ticks, used) = (one.process().cpu_time(), one.cpu_time());
    thread::sleep(SPAN);
    let ticks =
        one.process().cpu_time().zip(ticks).map_or(0, |(now, then)| (now - then).as_millis() / 10);
    format!("{:.1?} ({ticks} ticks of 10 ms)", one.cpu_time() - used)
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    format!("{:.1?}, {:.1?}, {:.1?}", at(50), at(99), at(100))
}
