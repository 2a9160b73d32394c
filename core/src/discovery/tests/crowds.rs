//! More peers than there is room for, many of them at one address.

use super::*;

/// Whoever invents instances.
const CROWD: u8 = 66;

/// So many beacons of instances that nobody has heard of, all from one address.
fn hear_inventions(five: &mut Discovery<4>, now: Instant, first: u64, count: u64) {
    for instance in first..first + count {
        five.heard(now, address(CROWD), &beacon(instance));
    }
}

fn dials(discovery: &mut Discovery<4>, now: Instant) -> List<(DialId, u8)> {
    let dial = |action| match action {
        Action::Dial(dial, to) => Some((dial, to.ip().octets()[3])),
        _ => None,
    };
    actions(discovery, now).into_iter().filter_map(dial).collect()
}

fn knows(discovery: &mut Discovery<4>, instance: u64) -> bool {
    discovery.peers.find(Who::Instance(Instance::new(instance))).is_some()
}

#[test]
fn many_instances_of_one_host_are_all_dialled_where_there_is_room() {
    let mut five = started(5);
    hear_inventions(&mut five, at(1), 100, 4);
    assert_eq!(dials(&mut five, at(1)).len(), 4);
}

#[test]
fn a_crowd_at_one_address_pushes_nobody_out_who_is_alone_at_another() {
    let mut nine = started(9);
    hear_inventions(&mut nine, at(10), 1000, 100);
    // Lower ones are waited for, so that they may be pushed out meanwhile.
    nine.heard(at(20), address(7), &beacon(7));
    nine.heard(at(20), address(8), &beacon(8));
    for millis in 20..300 {
        hear_inventions(&mut nine, at(millis), 1000 * millis, 10);
    }
    assert!(knows(&mut nine, 7) && knows(&mut nine, 8));
}

#[test]
fn who_is_alone_is_dialled_before_a_crowd_and_who_is_due_longest_before_others() {
    let mut five = started(5);
    five.heard(at(1), address(3), &beacon(3));
    hear_inventions(&mut five, at(2), 1000, 2);
    five.heard(at(3), address(7), &beacon(7));
    let order: List<_> = dials(&mut five, at(400)).into_iter().map(|(_, host)| host).collect();
    // The first of a crowd was alone when it came; the lower one is waited for.
    assert_eq!(order, [CROWD, 7, 3, CROWD]);
}

#[test]
fn of_a_crowd_the_one_not_heard_for_longest_makes_room() {
    let mut nine = started(9);
    for instance in 1..=4 {
        nine.heard(at(instance), address(CROWD), &beacon(instance));
    }
    nine.heard(at(500), address(CROWD), &beacon(2));
    nine.heard(at(501), address(7), &beacon(7));
    assert!(!knows(&mut nine, 3));
    // And where nobody is one of a crowd, it is as among all.
    let mut nine = started(9);
    for host in [1, 2, 3, 4, 7] {
        nine.heard(at(host.into()), address(host), &beacon(host.into()));
    }
    assert!(!knows(&mut nine, 1) && knows(&mut nine, 2) && knows(&mut nine, 7));
}

#[test]
fn who_has_had_its_link_makes_room_first() {
    let mut nine = started(9);
    let links = [1, 2, 3]
        .map(|instance| link_of(nine.came(at(1), *address(CROWD).ip(), &hello(instance, 9))));
    nine.heard(at(500), address(7), &beacon(7));
    for link in links {
        nine.unlinked(at(600), link);
    }
    for instance in 1..=3 {
        nine.heard(at(700), address(CROWD), &beacon(instance));
    }
    hear_inventions(&mut nine, at(750), 1000, 10);
    assert!(knows(&mut nine, 7), "not heard for longest, and alone");
}

#[test]
fn who_has_links_at_its_address_is_no_crowd() {
    let mut nine = started(9);
    link_of(nine.came(at(1), *address(8).ip(), &hello(8, 9)));
    nine.heard(at(2), address(8), &beacon(7));
    hear_inventions(&mut nine, at(3), 1000, 100);
    assert!(knows(&mut nine, 7));
}
