//! Programs that start at the same moment, on real networks: every pair has one link, the same at
//! both ends.
//!
//! 200 times, or as often as `CABLE_CAR_RUNS` says.
#![cfg(target_os = "linux")]

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use cable_car_std::{AnyByte, BroadcastConnector, Connection, Join, Messenger, NoPeer};
use cable_car_tests::{
    netns::{Host, Lan},
    process::PATIENCE,
    random::Random,
    require::{Need, require},
};

/// How many networks there are at a time.
const LANS: usize = 8;
/// Longer than the higher of two instances waits before it dials as well.
const SETTLED: Duration = Duration::from_millis(400);

/// Starts a program after this time, and gives it with its first connection and how long that took.
fn start(host: &Host, pause: Duration) -> (BroadcastConnector, Connection, Duration) {
    thread::sleep(pause);
    let started = Instant::now();
    let connector = host.enter(|| BroadcastConnector::builder().start());
    let connector = connector.unwrap_or_else(|error| panic!("start: {error}"));
    let connection = connector.next_connection(PATIENCE);
    let connection = connection.unwrap_or_else(|error| panic!("{error}"));
    (connector, connection, started.elapsed())
}

#[test]
fn two_that_start_together_have_one_link() {
    if !require(Need::Namespaces) {
        return;
    }
    let runs = std::env::var("CABLE_CAR_RUNS").ok().and_then(|text| text.parse().ok());
    let runs: usize = runs.unwrap_or(200);
    let mut random = Random::from_seed_or_time();
    let seeds = [(); LANS].map(|()| random.number());
    // Most of a round is waiting for what must not happen: networks that know nothing of each other
    // wait together.
    let mut times: Vec<_> = thread::scope(|scope| {
        let lans = seeds.map(|seed| {
            scope.spawn(move || {
                let (lan, mut random) = (Lan::new(2), Random::new(seed));
                let times = (0..runs.div_ceil(LANS)).map(|_| one_link(&lan, &mut random));
                times.collect::<Vec<_>>()
            })
        });
        lans.into_iter().flat_map(|lan| lan.join().expect("one link a pair")).collect()
    });
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!("{} starts, linked after the later one: median {median:?}", times.len());
}

/// Starts two programs at the same moment, which must have one link that works, the same at both
/// ends. How long that took from the later start.
fn one_link(lan: &Lan, random: &mut Random) -> Duration {
    let pauses = [0, 1].map(|_| Duration::from_micros(random.time(20_000)));
    let together = Barrier::new(2);
    let [one, two] = thread::scope(|scope| {
        let threads = [0, 1].map(|index| {
            let (host, together) = (lan.host(index), &together);
            scope.spawn(move || {
                together.wait();
                start(host, pauses[index])
            })
        });
        threads.map(|thread| thread.join().unwrap_or_else(|_| panic!("pauses {pauses:?}")))
    });
    let after = one.2.min(two.2);
    assert_eq!(one.1.local_address(), two.1.remote_address(), "{pauses:?}: not one link");
    assert_eq!(one.1.remote_address(), two.1.local_address(), "{pauses:?}: not one link");
    assert_eq!(one.0.next_connection(SETTLED).err(), Some(NoPeer::TimedOut), "{pauses:?}");
    assert_eq!(two.0.next_connection(Duration::ZERO).err(), Some(NoPeer::TimedOut), "{pauses:?}");
    let mut here: Messenger<AnyByte> = one.1.into();
    let mut there: Messenger<AnyByte> = two.1.into();
    for end in [&mut here, &mut there] {
        end.send(&Join).unwrap_or_else(|error| panic!("{pauses:?}: {error}"));
        end.xfer().unwrap_or_else(|error| panic!("{pauses:?}: {error}"));
    }
    for end in [&mut here, &mut there] {
        assert!(end.recv(Some(PATIENCE)).is_ok(), "{pauses:?}: the link is dead");
    }
    after
}
