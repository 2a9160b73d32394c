//! Floods, crowds and exhaustion on a real network: links that stood go on, what is taken is bounded,
//! and a program that comes later is linked. `cargo run --bin hostile` throws more.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::Duration;

use cable_car_tests::hostile::{Outcome, Scene, Usage, attacks};
use cable_car_tests::ours::eventually;
use cable_car_tests::process::PATIENCE;
use cable_car_tests::require::{Need, require};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hostile");
const TIME: Duration = Duration::from_secs(2);

/// What holds after every attack. Memory: no more than the buffers of all that is linked.
fn check(attack: impl FnOnce(&Scene) -> u64) -> Option<Outcome> {
    if !require(Need::Namespaces) {
        return None;
    }
    let outcome = Scene::new(Path::new(PROGRAM)).run(attack);
    println!("{outcome:?}");
    assert!(outcome.thrown > 0 && outcome.sent > 1);
    assert_eq!(outcome.lost, 0, "messages of a link that stood");
    assert!(outcome.grown < 32 << 10, "{} KiB", outcome.grown);
    Some(outcome)
}

#[test]
fn connections_that_close_at_once() {
    check(|scene| attacks::connects(scene, 10_000, TIME));
}

#[test]
fn connections_that_never_speak() {
    if let Some(outcome) = check(|scene| attacks::silence(scene, 400, TIME)) {
        // One link for each address that is taken for a legacy peer, and the callers of a moment.
        assert!(outcome.descriptors < 800, "{}", outcome.descriptors);
    }
}

#[test]
fn connections_that_bring_noise() {
    if let Some(outcome) = check(|scene| attacks::noise(scene, 500)) {
        assert!(outcome.descriptors < 800, "{}", outcome.descriptors);
    }
}

#[test]
fn more_instances_than_there_can_be_peers() {
    if let Some(outcome) = check(|scene| attacks::crowd(scene, 600)) {
        // A connector knows 512 peers, and the witness is one of them.
        assert!((400..512).contains(&outcome.thrown), "{} are linked", outcome.thrown);
        assert!(outcome.descriptors < 600, "{}", outcome.descriptors);
    }
}

/// Links that are half open: nobody is at the other end, and nobody has said so.
#[test]
fn as_many_peers_as_there_can_be_whose_machine_is_gone() {
    if !require(Need::Namespaces) {
        return;
    }
    let mut scene = Scene::new(Path::new(PROGRAM));
    let outcome = scene.run(|scene| attacks::vanishing(scene, 1000));
    println!("{outcome:?}");
    assert!((400..512).contains(&outcome.thrown), "{} were linked", outcome.thrown);
    assert_eq!(outcome.lost, 0, "messages of a link that stood");
    let victim = scene.victim().id().to_string();
    eventually("all of them are given back", || Usage::of(&victim).descriptors < 40);
}

#[test]
fn beacons_from_sources_that_there_are_not() {
    check(|scene| attacks::beacons(scene, TIME));
}

#[test]
fn connections_that_are_never_completed() {
    check(|scene| attacks::half_open(scene, TIME));
}

#[test]
fn a_peer_that_does_not_read() {
    check(|scene| attacks::deafness(scene, TIME));
}

#[test]
fn one_byte_a_second() {
    check(attacks::slowness);
}

#[test]
fn when_descriptors_are_used_up_it_says_so_and_recovers_by_itself() {
    if !require(Need::Namespaces) {
        return;
    }
    let mut scene = Scene::with_descriptors(Path::new(PROGRAM), 40);
    let outcome = scene.run(|scene| attacks::silence(scene, 300, 2 * TIME));
    println!("{outcome:?}");
    assert_eq!(outcome.lost, 0, "messages of a link that stood");
    assert!(outcome.descriptors < 50, "{}", outcome.descriptors);
    // It pauses rather than to ask again and again. (Ten times what it needs.)
    assert!(outcome.busy < 50, "{} % of a processor", outcome.busy);
    scene.victim().expect_line(PATIENCE, |line| line.contains("Too many open files"));
}
