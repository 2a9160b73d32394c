//! A real network that loses, damages, swaps and repeats packets, a machine that sleeps, a program that is killed: every message
//! arrives once and in order, or the link ends and says why. (Cables and addresses: `connector.rs`.)
#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::{Duration, Instant};

use cable_car_std::{BroadcastConnector, LinkError, Messenger};
use cable_car_tests::hostile::Scene;
use cable_car_tests::messages::{Client, Numbered};
use cable_car_tests::netns::{BadCable, Host, Lan};
use cable_car_tests::process::PATIENCE;
use cable_car_tests::random::Random;
use cable_car_tests::require::{Need, require, require_all};
use cable_car_tests::wired::Faults;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hostile");
const MESSAGES: u32 = 2000;

fn connector(host: &Host) -> BroadcastConnector {
    let options = BroadcastConnector::builder().interval(Duration::from_millis(200));
    host.enter(|| options.start()).expect("a machine as any")
}

/// Passes numbered messages there and back, until all are or the link has ended; which end it was.
///
/// Whatever is lost below: what comes is what was sent, once, and in order.
fn exchange(one: &BroadcastConnector, two: &BroadcastConnector) -> Option<LinkError> {
    let mut here: Messenger<Client> = one.next_peer(PATIENCE).expect("found");
    let mut there: Messenger<Client> = two.next_peer(PATIENCE).expect("found");
    let (mut sent, mut came, mut back) = (0, 0, 0);
    let deadline = Instant::now() + 3 * PATIENCE;
    while back < MESSAGES {
        assert!(Instant::now() < deadline, "{came} there, {back} back, and no end is told");
        // One message a transfer and so one a packet, with many under way.
        if sent < MESSAGES && sent < back + 50 && here.send(&Numbered(sent)).is_ok() {
            sent += 1;
        }
        if let Err(end) = here.xfer().and_then(|()| there.xfer()) {
            assert!(matches!(end, LinkError::Broken | LinkError::ClosedByPeer), "{end}");
            return Some(end);
        }
        while let Some(message) = there.get() {
            let Ok(Client::Numbered(message)) = message else { panic!("{message:?}") };
            assert_eq!(message, Numbered(came));
            came += 1;
            there.send(&message).expect("room");
        }
        while let Some(message) = here.get() {
            let message = message.expect("a message that was sent");
            assert!(matches!(message, Client::Numbered(Numbered(number)) if number == back));
            back += 1;
        }
        if sent == MESSAGES || sent == back + 50 {
            here.wait(Some(Duration::from_millis(1))).expect("readiness");
            there.wait(Some(Duration::from_millis(1))).expect("readiness");
        }
    }
    None
}

#[test]
fn over_a_network_that_loses_packets_every_message_arrives_once() {
    if !require_all(&[Need::Namespaces, Need::Nft]) {
        return;
    }
    for percent in [1, 5, 15] {
        let lan = Lan::new(2);
        lan.hosts().iter().for_each(|host| host.lose(percent));
        let end = exchange(&connector(lan.host(0)), &connector(lan.host(1)));
        println!("{percent} % are lost: {end:?}");
        assert!(percent > 5 || end.is_none(), "TCP makes up for as much as this");
    }
}

/// What the kernel can not do to itself: bits that flip, packets that overtake each other or come twice.
#[test]
fn over_a_cable_that_damages_swaps_and_repeats_every_message_arrives_once() {
    if !require_all(&[Need::Namespaces, Need::Tap]) {
        return;
    }
    let none = Faults::default();
    for percent in [1, 5, 15] {
        let every = 100 / u32::from(percent);
        for faults in [
            Faults { corrupt: percent, ..none },
            Faults { swap_every: every, ..none },
            Faults { repeat_every: every, ..none },
            Faults {
                drop: percent / 2,
                corrupt: percent / 2,
                swap_every: every,
                repeat_every: every,
                ..none
            },
        ] {
            let lan = Lan::without_default_route(2);
            let cable =
                BadCable::between([lan.host(0), lan.host(1)], faults, Random::from_seed_or_time());
            let end = exchange(&connector(lan.host(0)), &connector(lan.host(1)));
            let suffered = cable.remove();
            println!("{faults:?}: {suffered} frames, {end:?}");
            assert!(suffered > 0);
            assert!(percent > 5 || end.is_none(), "TCP makes up for as much as this");
        }
    }
}

/// A link with the victim.
fn linked(scene: &Scene) -> (BroadcastConnector, Messenger<Client>) {
    let connector = connector(scene.attacker());
    let peer = connector.next_peer(PATIENCE).expect("the victim is found");
    (connector, peer)
}

fn echo(peer: &mut Messenger<Client>) {
    peer.send(&Numbered(5)).expect("room");
    let got = peer.recv(Some(PATIENCE));
    assert!(matches!(got, Ok(Client::Numbered(Numbered(5)))), "{got:?}");
}

#[test]
fn a_machine_that_sleeps_for_a_moment_goes_on_where_it_was() {
    if !require(Need::Namespaces) {
        return;
    }
    let mut scene = Scene::new(Path::new(PROGRAM));
    let (_connector, mut peer) = linked(&scene);
    // Some beacons, so that their silence is noticed.
    std::thread::sleep(Duration::from_secs(1));
    echo(&mut peer);
    scene.victim().signal("STOP");
    for number in 0..100 {
        peer.send(&Numbered(number)).expect("room");
    }
    peer.xfer().expect("it is only asleep");
    std::thread::sleep(Duration::from_secs(4));
    scene.victim().signal("CONT");
    for number in 0..100 {
        let got = peer.recv(Some(PATIENCE));
        assert!(matches!(got, Ok(Client::Numbered(Numbered(n))) if n == number), "{got:?}");
    }
}

#[test]
fn a_peer_that_is_killed_is_told_and_its_successor_linked() {
    if !require(Need::Namespaces) {
        return;
    }
    let mut scene = Scene::new(Path::new(PROGRAM));
    let (connector, mut peer) = linked(&scene);
    echo(&mut peer);
    scene.victim().signal("KILL");
    let deadline = Instant::now() + PATIENCE;
    let end = loop {
        assert!(Instant::now() < deadline, "nobody notices");
        peer.wait(Some(Duration::from_millis(100))).expect("readiness");
        if let Err(end) = peer.xfer() {
            break end;
        }
    };
    assert!(matches!(end, LinkError::ClosedByPeer | LinkError::Broken), "{end}");
    scene.restart(Path::new(PROGRAM));
    let mut peer: Messenger<Client> = connector.next_peer(PATIENCE).expect("the next one");
    echo(&mut peer);
}
