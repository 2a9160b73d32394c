//! A program that has nothing to do does nothing: this process is measured, and has one test alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{fs, sync::mpsc, thread, time::Duration};

use cable_car_std::{BroadcastConnector, Join, Messenger, Quit, RecvError, message_set};
use cable_car_tests::{
    netns::Lan,
    pair,
    process::PATIENCE,
    python::Peer,
    require::{Need, require_all},
};
use serde_json::json;

message_set! { #[derive(Debug, PartialEq)] enum Set: Byte { Join, Quit } }

/// How long the process is watched.
const SPAN: Duration = Duration::from_secs(3);
/// The system's ticks, by which it accounts for processor time, are this long or shorter.
const TICK: Duration = Duration::from_millis(10);

/// What all threads of this process have used.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// Processor time in ticks.
    ticks: u64,
    /// Processor time in nanoseconds, where the system tells it.
    nanos: u64,
    /// How often they went to sleep: every time something woke them before.
    sleeps: u64,
}

impl Used {
    fn now() -> Self {
        let mut used = Self { ticks: 0, nanos: 0, sleeps: 0 };
        for task in fs::read_dir("/proc/self/task").unwrap() {
            let path = task.unwrap().path();
            let read = |name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
            let number = |text: Option<&str>| text.and_then(|t| t.parse().ok()).unwrap_or(0_u64);

            let stat = read("stat");
            // The name in parentheses may hold anything: count fields after it. utime and stime.
            let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
            used.ticks +=
                fields.split_whitespace().skip(11).take(2).map(|f| number(Some(f))).sum::<u64>();
            used.nanos += number(read("schedstat").split_whitespace().next());
            let status = read("status");
            let line = status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
            used.sleeps += number(line.map(str::trim));
        }
        used
    }

    fn over(span: Duration) -> Self {
        let before = Self::now();
        thread::sleep(span);
        let after = Self::now();
        Self {
            ticks: after.ticks - before.ticks,
            nanos: after.nanos - before.nanos,
            sleeps: after.sleeps - before.sleeps,
        }
    }
}

/// At most two ticks, and a few wake-ups for each beacon that is sent or heard: counts of work, not
/// of time, so that a busy machine changes nothing.
fn is_idle(what: &str, beacons: u64) {
    let used = Used::over(SPAN);
    println!(
        "{what}: in {SPAN:?} {} ticks ({:?}), {} wake-ups",
        used.ticks,
        Duration::from_nanos(used.nanos),
        used.sleeps
    );
    assert!(used.ticks <= 2, "{what}: {used:?}");
    assert!(used.nanos < 2 * TICK.as_nanos() as u64, "{what}: {used:?}");
    // For each beacon of ours: the deadline, and the beacon itself, which comes back by each of
    // the two broadcast addresses. This thread wakes once.
    assert!(used.sleeps <= 1 + beacons * 3 + 3, "{what}: {used:?}");
}

#[test]
fn a_program_that_waits_uses_no_processor_time() {
    if !require_all(&[Need::Peer, Need::Namespaces]) {
        return;
    }
    // Beacons within the span, the first and the last one counted in full.
    let beacons = SPAN.as_secs() + 1;
    let lan = Lan::new(2);
    let connector = lan.host(0).enter(|| BroadcastConnector::builder().start()).unwrap();
    is_idle("looking for peers", beacons);

    // A link with a Python program, and threads that wait for a message and for more peers.
    let mut python = Peer::spawn_on(lan.host(1), &["broadcast", "--transport", "byte"]);
    let mut messenger: Messenger<Set> = connector.next_peer(PATIENCE).unwrap();
    python.expect("connected");
    messenger.send(&Join).unwrap();
    messenger.xfer().unwrap();
    python.expect("message");
    let (sender, received) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let message = messenger.recv(None).map_err(|error: RecvError| error.to_string());
        sender.send(format!("{message:?}")).unwrap();
        messenger
    });
    // Half a frame is nothing to wake up for either.
    let (mut half, mut socket) = pair::raw::<Set>();
    pair::write(&mut socket, &[9]);
    let connector = thread::scope(|scope| {
        scope.spawn(|| assert!(!half.wait(Some(SPAN * 2)).unwrap()));
        scope.spawn(|| connector.next_connection(SPAN * 2).unwrap_err());
        // Python sends as many beacons as we do.
        is_idle("linked, and waiting for messages and peers", 2 * beacons);
        &connector
    });
    assert_eq!(connector.addresses(), [lan.host(1).ip()]);

    // Asleep, but not dead.
    python.send_name("MsgQuit", json!({}));
    assert_eq!(received.recv_timeout(PATIENCE).unwrap(), "Ok(Quit(Quit))");
    let mut messenger = waiting.join().unwrap();
    python.send_name("MsgJoin", json!({}));
    assert_eq!(pair::next(&mut messenger), Set::Join(Join));

    // The peer has gone and the program does not care for it: the end is not told over and over.
    python.process().signal("KILL");
    python.process().wait(PATIENCE).unwrap();
    assert!(messenger.wait(Some(PATIENCE)).unwrap());
    is_idle("with a link that has ended", beacons);
}
