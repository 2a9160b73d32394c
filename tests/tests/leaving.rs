//! Peers that leave, die, are cut off or only pause, and networks that let one side through alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    iter,
    net::{TcpListener, UdpSocket},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use cable_car::discovery::{Announcement, LONGEST, MOST_DIALS, Service};
use cable_car_std::{
    DialError, DirectClient, DirectServer, Event, Instance, Join, LinkError, Messenger, RecvError,
    Who,
};
use cable_car_tests::{
    messages::Monitor,
    netns::{Host, Lan},
    ours::{
        INTERVAL, Set, event, eventually, no_more, one_link, options, peer, start, start_and_tell,
        talk,
    },
    pair,
    process::{PATIENCE, Process},
    program::program,
    random::Random,
    require::{Need, require, require_all},
};

/// Longer than a peer is silent before it is doubted, and than a doubted one has to acknowledge.
const PAUSE: Duration = Duration::from_secs(5);

fn who(event: &Event) -> Who {
    match event {
        Event::Joined { who, .. } | Event::Left { who, .. } | Event::Lost { who, .. } => *who,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_says_goodbye_has_left_and_is_met_again() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let (one, events) = start_and_tell(lan.host(0), options());
    let mut known = BTreeSet::new();
    // The goodbye and the end of the link come at once, and often enough in the same turn.
    for _ in 0..30 {
        let mut two = start(lan.host(1), options());
        let mut link = peer(&one);
        let joined = who(&event(&events, |event| matches!(event, Event::Joined { .. })));
        assert!(known.insert(joined.to_string()), "a program that is started again is another one");
        two.stop();
        drop(two);
        assert_eq!(pair::end(&mut link), LinkError::ClosedByPeer);
        let left = event(&events, |event| !matches!(event, Event::Joined { .. }));
        assert!(matches!(left, Event::Left { .. }), "{left}");
        assert_eq!(who(&left), joined);
    }
}

/// Programs of one machine share its address: events say whose link it was that ended.
#[test]
fn events_name_the_link_that_they_are_about() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let (one, events) = start_and_tell(lan.host(0), options());
    let mut others: Vec<_> = (0..3)
        .map(|_| {
            let other = start(lan.host(1), options());
            // With the link that it is at the other end of.
            let link = peer(&one);
            let joined = event(&events, |event| matches!(event, Event::Joined { .. }));
            assert_eq!(link.who(), Some(who(&joined)));
            (other, link)
        })
        .collect();
    for gone in [1, 0, 0] {
        let (mut other, mut link) = others.remove(gone);
        other.stop();
        drop(other);
        assert_eq!(pair::end(&mut link), LinkError::ClosedByPeer);
        let left = event(&events, |event| !matches!(event, Event::Joined { .. }));
        assert_eq!(link.who(), Some(who(&left)), "{left}");
        assert!(others.iter().all(|(_, link)| link.who() != Some(who(&left))), "{left}");
    }
}

/// A program that dies says no goodbye.
#[test]
fn who_is_killed_is_lost_and_its_successor_is_another() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let ports = options().udp_port(8226).tcp_port(8227);
    let (one, events) = start_and_tell(lan.host(0), ports);
    let mut known = BTreeSet::new();
    for _ in 0..3 {
        let mut command = lan.host(1).command(program("cpu_mon"));
        command.arg("--plain");
        let mut monitor = Process::spawn(command);
        let mut link: Messenger<Monitor> = one.next_peer(PATIENCE).unwrap();
        let joined = who(&event(&events, |event| matches!(event, Event::Joined { .. })));
        assert!(known.insert(joined.to_string()));
        monitor.signal("KILL");
        monitor.wait(PATIENCE).unwrap();
        while !matches!(link.recv(Some(PATIENCE)), Err(RecvError::Ended(_))) {}
        let lost = event(&events, |event| !matches!(event, Event::Joined { .. }));
        assert!(matches!(lost, Event::Lost { .. }), "{lost}");
        assert_eq!(who(&lost), joined);
    }
}

/// A machine that is gone without a word ends its links sooner than the connections that only TCP
/// watches, whether they are idle or have something under way.
#[test]
fn a_machine_that_is_gone_is_noticed_by_its_silence() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    for idle in [true, false] {
        let (one, two) = (start(lan.host(0), options()), start(lan.host(1), options()));
        let mut found = peer(&one);
        let _other_end = peer(&two);
        let mut server = lan.host(1).enter(|| DirectServer::bind("0.0.0.0:9000")).unwrap();
        let dial = || DirectClient::new((lan.host(1).ip(), 9000)).connect();
        let mut direct: Messenger<Set> = lan.host(0).enter(dial).unwrap().into();
        let _accepted = server.accept(Some(PATIENCE)).unwrap();
        // Some beacons, by which its rhythm is known.
        no_more(&one);

        lan.host(1).set_cable(false);
        if !idle {
            for link in [&mut found, &mut direct] {
                link.send(&Join).unwrap();
                link.xfer().unwrap();
            }
        }
        assert_eq!(pair::end(&mut found), LinkError::Broken);
        assert_eq!(direct.xfer(), Ok(()), "idle: {idle}: TCP alone has not noticed it yet");
        lan.host(1).set_cable(true);
    }
}

/// A program that is busy for a while, with its window closed and more to come, and whose beacons go on.
#[test]
fn a_peer_that_pauses_keeps_its_link() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let (one, two) = (start(lan.host(0), options()), start(lan.host(1), options()));
    let (mut here, mut there) = (peer(&one), peer(&two));
    let mut sent = 0;
    let (started, mut closed) = (Instant::now(), Instant::now());
    while closed.elapsed() < PAUSE {
        assert!(started.elapsed() < 3 * PATIENCE, "all is taken though nothing is read");
        if here.queued() < 1000 {
            (0..100).for_each(|_| here.send(&Join).unwrap());
            sent += 100;
        } else {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(here.xfer(), Ok(()), "after {:?}", started.elapsed());
        if here.queued() == 0 {
            // The window is open still.
            closed = Instant::now();
        }
    }
    let mut received = 0;
    while received < sent {
        here.xfer().unwrap();
        assert_eq!(pair::next(&mut there), Set::Join(Join));
        received += 1;
        while there.get().is_some() {
            received += 1;
        }
    }
}

/// Only its beacons are lost: a doubt alone ends nothing.
#[test]
fn a_peer_that_is_doubted_and_there_keeps_its_link() {
    if !require_all(&[Need::Namespaces, Need::Nft]) {
        return;
    }
    let lan = Lan::new(2);
    let (one, two) = (start(lan.host(0), options()), start(lan.host(1), options()));
    let (mut here, mut there) = (peer(&one), peer(&two));
    no_more(&one);
    lan.host(0).filter("udp dport 8222 drop");
    let silent = Instant::now();
    while silent.elapsed() < PAUSE {
        thread::sleep(INTERVAL);
        talk(&mut here, &mut there);
    }
    thread::sleep(PAUSE);
    talk(&mut here, &mut there);
    lan.host(0).clear_faults();
    no_more(&one);
    talk(&mut here, &mut there);
}

/// A firewall that lets no connection in, on either host in turn: the other one dials.
#[test]
fn one_direction_is_enough() {
    if !require_all(&[Need::Namespaces, Need::Nft]) {
        return;
    }
    let lan = Lan::new(2);
    for walled in [0, 1, 0, 1] {
        lan.host(walled).filter("tcp flags & (syn | ack) == syn drop");
        let (one, two) = (start(lan.host(0), options()), start(lan.host(1), options()));
        let _link = one_link(&one, &two);
        lan.host(walled).clear_faults();
    }
}

/// One that can not be dialled and hangs, for as long as a dial may take; the others do not wait for it.
#[test]
fn a_filtered_peer_does_not_delay_others() {
    if !require_all(&[Need::Namespaces, Need::Nft]) {
        return;
    }
    let lan = Lan::new(6);
    let (filtered, others) = lan.hosts()[1..].split_first().unwrap();
    filtered.filter("tcp flags & (syn | ack) == syn drop");
    // Nobody can dial this one either, so that it has to dial the others.
    lan.host(0).filter("tcp flags & (syn | ack) == syn drop");
    let _silent = start(filtered, options());
    let patient = options().connect_timeout(2 * PATIENCE);
    let (one, events) = start_and_tell(lan.host(0), patient);
    thread::sleep(2 * INTERVAL);
    let programs: Vec<_> = others.iter().map(|host| start(host, options())).collect();
    for _ in &programs {
        peer(&one);
    }
    let told: Vec<_> = events.try_iter().collect();
    let hung = told.iter().any(|event| matches!(event, Event::Unreachable { .. }));
    assert!(!hung, "its dial is under way still: {told:?}");
}

/// Refused, filtered, and answered by what is no peer: told apart without a look at the words.
#[test]
fn why_a_peer_can_not_be_dialled_is_told() {
    if !require_all(&[Need::Namespaces, Need::Nft]) {
        return;
    }
    let lan = Lan::new(2);
    let (far, forge) = (lan.host(1), forger(lan.host(1)));
    let dialled = |number| {
        let quick = options().connect_timeout(INTERVAL);
        let (_one, events) = start_and_tell(lan.host(0), quick);
        let mut reason = None;
        eventually("it is dialled in vain", || {
            forge(number);
            reason = events.try_iter().find_map(|event| match event {
                Event::Unreachable { address, reason } => {
                    assert_eq!((address.ip(), address.port()), (&far.ip(), 4000));
                    Some(reason)
                }
                _ => None,
            });
            reason.is_some()
        });
        reason.unwrap()
    };
    assert_eq!(dialled(1), DialError::Refused);
    far.filter("tcp dport 4000 drop");
    assert_eq!(dialled(2), DialError::TimedOut);
    far.clear_faults();
    let listener = far.enter(|| TcpListener::bind("0.0.0.0:4000")).unwrap();
    thread::spawn(move || listener.incoming().for_each(drop));
    assert_eq!(dialled(3), DialError::Declined);
}

/// Beacons of thousands of instances that are not there, by one machine that is, which lets whoever dials
/// it wait: it is dialled at a bounded rate, no link is lost, and who comes in the middle of it is linked.
#[test]
fn a_flood_of_forged_beacons_is_bounded_and_keeps_nobody_out() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(4);
    let (one, ones) = start_and_tell(lan.host(0), options());
    let two = start(lan.host(1), options());
    let (mut here, mut there) = (peer(&one), peer(&two));

    let forge = forger(lan.host(2));
    let listener = lan.host(2).enter(|| TcpListener::bind("0.0.0.0:4000")).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (sent, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let flood = || {
        let mut random = Random::from_seed_or_time();
        let (started, mut dials) = (Instant::now(), Vec::new());
        while !stop.load(Ordering::Relaxed) && started.elapsed() < 2 * PATIENCE {
            for _ in 0..50 {
                forge(random.number());
                sent.fetch_add(1, Ordering::Relaxed);
            }
            dials.extend(iter::from_fn(|| listener.accept().ok()));
            thread::sleep(Duration::from_millis(5));
        }
        (dials.len() as u64, started.elapsed().as_secs())
    };
    let (dials, seconds) = thread::scope(|scope| {
        let flood = scope.spawn(flood);
        // Several times as many as a connector knows.
        eventually("the flood is there", || sent.load(Ordering::Relaxed) > 3000);
        let three = start(lan.host(3), options());
        eventually("who comes in the middle of it is linked", || three.addresses().len() == 2);
        stop.store(true, Ordering::Relaxed);
        flood.join().unwrap()
    });
    // Three of ours hear it; each has so many dials under way, which last for 2 s with nobody there.
    let most = 3 * MOST_DIALS as u64 * (seconds / 2 + 2);
    assert!((1..=most).contains(&dials), "{dials} dials, at most {most}");
    talk(&mut here, &mut there);
    // Neither is the link lost, nor is its peer forgotten.
    let mut lost = ones.try_iter().filter(|event| matches!(event, Event::Lost { .. }));
    assert!(lost.next().is_none());

    // When it is over, those who come are met as ever.
    drop(listener);
    let _four = start(lan.host(2), options());
    eventually("the next one is linked", || one.addresses().contains(&lan.host(2).ip()));
    assert!(one.addresses().contains(&lan.host(1).ip()), "{:?}", one.addresses());
    talk(&mut here, &mut there);
}

/// What sends one forged beacon.
fn forger(host: &Host) -> impl Fn(u64) + use<> {
    let socket = host.enter(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
    socket.set_broadcast(true).unwrap();
    move |number| {
        let forged = Announcement {
            instance: Instance::new(number),
            tcp_port: 4000,
            service: Service::NONE,
            goodbye: false,
            answer: false,
        };
        // A full queue loses it.
        let _ = socket.send_to(forged.write(&mut [0; LONGEST]), "255.255.255.255:8222");
    }
}
