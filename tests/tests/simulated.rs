//! One link for each pair, in thousands of simulated networks.
//!
//! `CABLE_CAR_SEED=n` runs one network alone, `CABLE_CAR_RUNS=n` as many as wanted. With `--release`
//! there are over ten thousand.

use cable_car_tests::random::Random;
use cable_car_tests::simulator::{Faults, Network, Outcome};

const SECOND: u64 = 1_000_000;

/// Fewer where nothing is optimised, so that it does not take minutes.
fn seeds(runs: u64) -> Box<dyn Iterator<Item = u64>> {
    let runs = if cfg!(debug_assertions) { runs.div_ceil(100) } else { runs };
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("CABLE_CAR_SEED") {
        Some(seed) => Box::new(std::iter::once(seed)),
        None => Box::new(0..number("CABLE_CAR_RUNS").unwrap_or(runs)),
    }
}

#[track_caller]
fn assert_right(seed: u64, outcome: &Outcome) {
    let faults = outcome.faults.join("\n");
    assert!(outcome.faults.is_empty(), "CABLE_CAR_SEED={seed}\n{faults}");
}

const GOOD: Faults = Faults { loss: 0, twice: 0, delay: 500, one_way: 0, filtered: false };

/// Where nothing goes wrong, each end of each pair is told of one link and never of another.
#[test]
fn starts_at_any_moment_end_with_one_link_a_pair() {
    for seed in seeds(3000) {
        let mut chance = Random::new(!seed);
        let machines = 2 + chance.time(9) as u8;
        let spread = [1, 1000, 20_000, 2 * SECOND][chance.time(4) as usize];
        // Where everything takes its time, dials cross; but a hello comes before its time is over.
        let delay = [500, 120_000][chance.time(2) as usize];
        let mut network = Network::new(seed, machines, Faults { delay, ..GOOD });
        for machine in 0..machines.into() {
            network.start(machine, chance.time(spread), false);
        }
        network.run_until(spread + 10 * SECOND);
        let outcome = network.check();
        assert_right(seed, &outcome);
        let ends = u64::from(machines) * u64::from(machines - 1);
        assert_eq!(outcome.joined, ends, "CABLE_CAR_SEED={seed}: a link was told and taken back");
    }
}

/// Whatever was lost, late, doubled or restarted: once the network is calm, all is as it should be.
#[test]
fn every_pair_has_one_link_when_the_network_is_calm_again() {
    for seed in seeds(7000) {
        let mut chance = Random::new(!seed);
        let machines = 2 + chance.time(7) as u8;
        let faults = Faults {
            loss: chance.time(60),
            twice: chance.time(30),
            delay: [500, 20_000, 400_000][chance.time(3) as usize],
            one_way: [0, 0, 30, 100][chance.time(4) as usize],
            filtered: chance.percent(50),
        };
        let legacy_share = [0, 0, 30][chance.time(3) as usize];
        // Ways to a legacy peer stay open: it decides alone whom it dials.
        let legacy: Vec<bool> = (0..machines).map(|_| chance.percent(legacy_share)).collect();
        let faults = match legacy.contains(&true) {
            true => Faults { one_way: 0, ..faults },
            false => faults,
        };
        let mut network = Network::new(seed, machines, faults);
        for (machine, &legacy) in legacy.iter().enumerate() {
            let mut at = chance.time(3 * SECOND);
            network.start(machine, at, legacy);
            for _ in 0..chance.time(3) {
                at += chance.time(4 * SECOND);
                if chance.percent(50) {
                    network.stop(machine, at);
                    at += chance.time(2 * SECOND);
                }
                network.start(machine, at, legacy);
            }
        }
        network.run_until(15 * SECOND);
        network.calm();
        network.run_until(60 * SECOND);
        assert_right(seed, &network.check());
    }
}

/// Fifty machines at once: every pair is linked, and nobody talks more than it must.
#[test]
fn fifty_machines_are_linked_and_quiet() {
    for seed in seeds(20) {
        let mut chance = Random::new(!seed);
        let mut network = Network::new(seed, 50, GOOD);
        for machine in 0..50 {
            network.start(machine, chance.time(SECOND), false);
        }
        network.run_until(20 * SECOND);
        let outcome = network.check();
        assert_right(seed, &outcome);
        let beacons = 50 * 21;
        let answers = 50 * 49;
        assert!(outcome.datagrams <= beacons + answers, "{} datagrams", outcome.datagrams);
    }
}
