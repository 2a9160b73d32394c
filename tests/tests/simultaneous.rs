//! Programs that start at the same moment, on real networks: every pair has one link, the same at
//! both ends.
//!
//! `CABLE_CAR_RUNS=200` repeats it as often.
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
    let rounds = std::env::var("CABLE_CAR_RUNS").ok().and_then(|text| text.parse().ok());
    let mut random = Random::from_seed_or_time();
    let lan = Lan::new(2);
    let mut times = Vec::new();
    for round in 0..rounds.unwrap_or(20) {
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
            threads.map(|thread| thread.join().unwrap_or_else(|_| panic!("round {round}")))
        });
        times.push(one.2.min(two.2));
        assert_eq!(one.1.local_address(), two.1.remote_address(), "round {round}: not one link");
        assert_eq!(one.1.remote_address(), two.1.local_address(), "round {round}: not one link");
        assert_eq!(one.0.next_connection(SETTLED).err(), Some(NoPeer::TimedOut), "round {round}");
        assert_eq!(two.0.next_connection(Duration::ZERO).err(), Some(NoPeer::TimedOut));
        let mut here: Messenger<AnyByte> = one.1.into();
        let mut there: Messenger<AnyByte> = two.1.into();
        here.send(&Join).unwrap_or_else(|error| panic!("{error}"));
        here.xfer().unwrap_or_else(|error| panic!("{error}"));
        assert!(there.recv(Some(PATIENCE)).is_ok(), "round {round}: the link is dead");
    }
    times.sort_unstable();
    println!("linked after the later start: median {:?}", times[times.len() / 2]);
}
