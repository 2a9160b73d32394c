//! One link for each pair, in thousands of simulated networks.
//!
//! `CABLE_CAR_ALL_SEEDS=1` runs all of them, over ten thousand, which wants `--profile checked`; without
//! it a sixtieth of them runs. `CABLE_CAR_SEED=n` runs one network alone, `CABLE_CAR_RUNS=n` as many as
//! wanted. How many there were is printed on standard error.

use std::io::Write;
use std::time::Duration;

use cable_car_tests::random::Random;
use cable_car_tests::simulator::{Faults, MachineId, Outcome, Peers, ProgramId};

/// How many networks each test has where all are asked for.
const STARTS: u64 = 3000;
const FAULTY: u64 = 7000;
const MOVES: u64 = 300;
const GONE: u64 = 200;
const FLOODS: u64 = 20;
const FIFTIES: u64 = 20;

/// Other documents say so.
const _: () = assert!(STARTS + FAULTY + MOVES + GONE + FLOODS + FIFTIES > 10_000);

/// Simulates one network for each seed: so many, or as many as the environment says.
fn simulate(what: &str, all: u64, mut one: impl FnMut(u64)) {
    let number = |name| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
    };
    let asked = number("CABLE_CAR_ALL_SEEDS").is_some_and(|asked| asked != 0);
    let seeds = match (number("CABLE_CAR_SEED"), number("CABLE_CAR_RUNS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(runs)) => 0..runs,
        (None, None) if asked => 0..all,
        (None, None) => 0..all.div_ceil(60),
    };
    let mut networks = 0_u64;
    for seed in seeds {
        one(seed);
        networks += 1;
    }
    // Past what tests have taken from them unless they fail.
    let said = writeln!(std::io::stderr(), "{what}: {networks} of {all} networks simulated");
    said.expect("standard error can be written to");
    assert!(!asked || networks == all, "all were asked for");
}

#[track_caller]
fn assert_right(seed: u64, outcome: &Outcome) {
    let faults = outcome.faults.join("\n");
    assert!(outcome.faults.is_empty(), "CABLE_CAR_SEED={seed}\n{faults}");
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// A moment within so much time.
fn within(chance: &mut Random, time: Duration) -> Duration {
    micros(chance.time(time.as_micros() as u64))
}

/// Nothing goes wrong, but everything takes a moment.
fn good() -> Faults {
    Faults { delay: micros(500), ..Faults::default() }
}

/// Where nothing goes wrong, each end of each pair is told of one link and never of another, and nobody
/// is doubted.
#[test]
fn starts_at_any_moment_end_with_one_link_a_pair() {
    simulate("starts", STARTS, |seed| {
        let mut chance = Random::new(!seed);
        let count = 2 + chance.time(9);
        let spread = micros([1, 1000, 20_000, 2_000_000][chance.below(4)]);
        // Where everything takes its time, dials cross; but a hello comes before its time is over.
        let delay = micros([500, 120_000][chance.below(2)]);
        let mut peers = Peers::new(seed, Faults { delay, ..good() });
        // Programs of one machine, and machines of one network.
        let crowded = chance.percent(30);
        let mut machines = Vec::new();
        for _ in 0..count {
            if machines.is_empty() || !crowded || chance.percent(50) {
                machines.push(peers.network.machine(&[0]));
            }
            let machine = *chance.pick(&machines);
            peers.start(machine, within(&mut chance, spread), "");
        }
        peers.network.run_until(spread + seconds(8));
        let outcome = peers.check();
        assert_right(seed, &outcome);
        let ends = count * (count - 1);
        assert_eq!(outcome.joined, ends, "CABLE_CAR_SEED={seed}: a link was told and taken back");
        assert_eq!(outcome.doubted, 0, "CABLE_CAR_SEED={seed}");
    });
}

/// A machine, what runs on it, and when it ends if it is known to.
struct Place {
    machine: MachineId,
    legacy: bool,
    program: Option<ProgramId>,
}

/// Whatever was lost, late, doubled or restarted: once the network is calm, all is as it should be.
#[test]
fn every_pair_has_one_link_when_the_network_is_calm_again() {
    simulate("faults", FAULTY, |seed| {
        let mut chance = Random::new(!seed);
        let legacy_share = [0, 0, 30][chance.below(3)];
        // Ways to a legacy peer stay open: it decides alone whom it dials and hears.
        let one_way = if legacy_share > 0 { 0 } else { [0, 0, 30, 100][chance.below(4)] };
        let deaf = if legacy_share + one_way > 0 { 0 } else { [0, 50][chance.below(2)] };
        let several = chance.percent(30);
        // A stranger has a quarter of a second to say hello: one whose beacons are not heard, or who
        // was heard from another of its addresses.
        let slowest = if deaf > 0 || several { 2 } else { 3 };
        let faults = Faults {
            loss: chance.time(60),
            twice: chance.time(30),
            delay: micros([500, 20_000, 400_000][chance.below(slowest)]),
            one_way,
            filtered: chance.percent(50),
            deaf,
        };
        let mut peers = Peers::new(seed, faults);
        // Crowds are rare, since they take long.
        let most = if chance.once_in(200) { 50 } else { 8 };
        let mut places: Vec<Place> = (0..2 + chance.time(most - 1))
            .map(|_| {
                let legacy = chance.percent(legacy_share);
                let shapes: [&[u8]; 4] = [&[0], &[1], &[0, 1], &[1, 0]];
                let subnets = if several { shapes[chance.below(4)] } else { &[0] };
                // A legacy peer is known by its address, and would be another one for each.
                let subnets = if legacy { &subnets[..1] } else { subnets };
                Place { machine: peers.network.machine(subnets), legacy, program: None }
            })
            .collect();
        for place in &mut places {
            let mut at = within(&mut chance, seconds(3));
            start(&mut peers, place, at);
            for _ in 0..chance.time(3) {
                at += within(&mut chance, seconds(4));
                match (chance.time(3), place.program) {
                    (0, _) => peers.network.power_off(place.machine, at),
                    (1, Some(program)) => peers.network.ask_to_end(program, at),
                    (_, Some(program)) => peers.network.stop(program, at),
                    (_, None) => {}
                }
                at += within(&mut chance, seconds(2));
                start(&mut peers, place, at);
            }
        }
        peers.network.run_until(seconds(15));
        peers.network.calm();
        peers.network.run_until(seconds(60));
        assert_right(seed, &peers.check());
    });
}

fn start(peers: &mut Peers, place: &mut Place, at: Duration) {
    place.program = Some(match place.legacy {
        true => peers.start_legacy(place.machine, at),
        false => peers.start(place.machine, at, ""),
    });
}

/// Machines whose addresses change, and services that share a network.
#[test]
fn who_moves_is_linked_again_and_services_stay_apart() {
    simulate("moves", MOVES, |seed| {
        let mut chance = Random::new(!seed);
        let mut peers = Peers::new(seed, good());
        let machines: Vec<_> =
            (0..2 + chance.time(4)).map(|_| peers.network.machine(&[0, 1])).collect();
        for &machine in &machines {
            peers.start(machine, within(&mut chance, seconds(1)), "pong");
            peers.start(machine, within(&mut chance, seconds(1)), "chat");
        }
        for host in 0..chance.time(4) {
            let to = [10, 0, [0, 2][chance.below(2)], 100 + host as u8].into();
            let at = seconds(2) + within(&mut chance, seconds(3));
            peers.network.readdress(*chance.pick(&machines), chance.below(2), to, at);
        }
        peers.network.run_until(seconds(30));
        assert_right(seed, &peers.check());
    });
}

/// A machine that is gone is doubted by all that are linked with it; the others doubt nobody.
#[test]
fn who_is_gone_is_doubted_by_everybody() {
    simulate("machines that are gone", GONE, |seed| {
        let mut chance = Random::new(!seed);
        let count = 2 + chance.time(6);
        let mut peers = Peers::new(seed, good());
        let machines: Vec<_> = (0..count).map(|_| peers.network.machine(&[0])).collect();
        for &machine in &machines {
            peers.start(machine, within(&mut chance, seconds(2)), "");
        }
        peers.network.power_off(machines[0], seconds(8) + within(&mut chance, seconds(2)));
        peers.network.run_until(seconds(20));
        let outcome = peers.check();
        assert_right(seed, &outcome);
        assert_eq!(outcome.doubted, count - 1, "CABLE_CAR_SEED={seed}");
    });
}

/// Thousands of beacons a second of instances that are not there: those who are linked stay linked by the
/// same link, and whoever comes meanwhile is linked as well, before it is over.
#[test]
fn a_flood_pushes_nobody_out() {
    simulate("floods", FLOODS, |seed| {
        let mut chance = Random::new(!seed);
        let count = 2 + chance.time(5);
        let mut peers = Peers::new(seed, good());
        for _ in 0..count {
            let machine = peers.network.machine(&[0]);
            peers.start(machine, within(&mut chance, seconds(1)), "");
        }
        peers.network.run_until(seconds(4));
        let ends = count * (count - 1);
        assert_eq!(peers.check().joined, ends, "CABLE_CAR_SEED={seed}");

        let machine = peers.network.machine(&[0]);
        peers.start_forger(machine, seconds(4), 1 + chance.time(20) as u32);
        peers.network.run_until(seconds(9));
        let outcome = peers.check();
        assert_right(seed, &outcome);
        assert_eq!((outcome.joined, outcome.doubted), (ends, 0), "CABLE_CAR_SEED={seed}");

        let late = peers.network.machine(&[0]);
        peers.start(late, seconds(9), "");
        peers.network.run_until(seconds(19));
        let outcome = peers.check();
        assert_right(seed, &outcome);
        assert_eq!(outcome.joined, ends + 2 * count, "CABLE_CAR_SEED={seed}");
    });
}

/// Fifty machines at once: every pair is linked, and nobody talks more than it must.
#[test]
fn fifty_machines_are_linked_and_quiet() {
    simulate("fifty machines", FIFTIES, |seed| {
        let mut chance = Random::new(!seed);
        let mut peers = Peers::new(seed, good());
        for _ in 0..50 {
            let machine = peers.network.machine(&[0]);
            peers.start(machine, within(&mut chance, seconds(1)), "");
        }
        peers.network.run_until(seconds(20));
        let outcome = peers.check();
        assert_right(seed, &outcome);
        // By the directed broadcast address and the other one.
        let beacons = 2 * 50 * 21;
        let answers = 50 * 49;
        assert!(outcome.datagrams <= beacons + answers, "{} datagrams", outcome.datagrams);
    });
}
