//! Linked peers that fall silent.

use super::*;

/// Beacons of instance 7 at these times, with one for each of two ways that it comes by.
fn hear_seven(five: &mut Discovery<4>, times: impl IntoIterator<Item = u64>) {
    for time in times {
        five.heard(at(time), address(7), &beacon(7));
        five.heard(at(time), address(7), &beacon(7));
    }
}

/// What is done about doubts; the beacons of five itself are let go.
fn doubts(five: &mut Discovery<4>, now: u64) -> List<Action> {
    actions(five, at(now)).into_iter().filter(|action| *action != Action::Broadcast).collect()
}

#[test]
fn a_linked_peer_that_falls_silent_is_doubted_until_it_is_heard() {
    let (mut five, link) = linked(at(10));
    hear_seven(&mut five, [1010, 2010]);
    assert_eq!(doubts(&mut five, 4259), []);
    assert_eq!(five.poll_at(), Some(at(4260)), "two and a quarter intervals after the last");
    assert_eq!(doubts(&mut five, 4260), [Action::Doubt(link)]);
    assert_eq!(doubts(&mut five, 60_000), [], "it is told once");
    assert_eq!(five.poll_at(), Some(at(61_000)), "and wakes nobody but for the next beacon");
    hear_seven(&mut five, [60_010]);
    assert!(five.poll_at().unwrap() <= at(60_010));
    assert_eq!(doubts(&mut five, 60_010), [Action::Trust(link)]);
    assert_eq!(doubts(&mut five, 60_010), []);
    assert_eq!(five.linked().count(), 1, "a doubt ends no link");
}

#[test]
fn a_peer_is_not_doubted_whose_silence_says_nothing() {
    // Heard once, so that nobody knows whether its beacons come here at all.
    let (mut five, _) = linked(at(10));
    assert_eq!(doubts(&mut five, 60_000), []);

    // It said goodbye: it looks for nobody any more.
    let (mut five, _) = linked(at(10));
    hear_seven(&mut five, [1010, 2010]);
    five.heard(at(2500), address(7), &announcement(7, |said| said.goodbye = true));
    assert_eq!(doubts(&mut five, 60_000), []);

    // It has a longer interval.
    let (mut five, link) = linked(at(10));
    hear_seven(&mut five, [3010]);
    assert_eq!(doubts(&mut five, 9759), []);
    assert_eq!(doubts(&mut five, 9760), [Action::Doubt(link)]);
    // One with a shorter interval may miss as many as come in ours.
    let (mut five, link) = linked(at(10));
    hear_seven(&mut five, (110..=2010).step_by(100));
    assert_eq!(doubts(&mut five, 4059), []);
    assert_eq!(doubts(&mut five, 4260), [Action::Doubt(link)]);

    // A legacy peer sends beacons or does not.
    let mut five = started(5);
    for time in [10, 1010, 2010] {
        five.heard(at(time), SocketAddrV4::new(LEGACY, 40_000), b"BROADCAST");
    }
    link_of(five.came_without_hello(at(2020), LEGACY));
    assert_eq!(doubts(&mut five, 60_000), []);
}

/// The one after it may still be late.
#[test]
fn one_lost_beacon_is_no_reason_to_doubt() {
    let (mut five, link) = linked(at(10));
    hear_seven(&mut five, [1010, 2010]);
    assert_eq!(doubts(&mut five, 4209), []);
    hear_seven(&mut five, [4210]);
    // What was last silent for so long may be so again.
    hear_seven(&mut five, [6400]);
    assert_eq!(doubts(&mut five, 6400), []);
    hear_seven(&mut five, [7400]);
    assert_eq!(doubts(&mut five, 9649), []);
    assert_eq!(doubts(&mut five, 9650), [Action::Doubt(link)]);
}

#[test]
fn a_doubt_ends_with_a_goodbye_and_with_the_link() {
    let (mut five, link) = linked(at(10));
    hear_seven(&mut five, [1010, 2010]);
    assert_eq!(doubts(&mut five, 5000), [Action::Doubt(link)]);
    five.heard(at(5010), address(7), &announcement(7, |said| said.goodbye = true));
    assert_eq!(doubts(&mut five, 5010), [Action::Trust(link)]);

    let (mut five, link) = linked(at(10));
    hear_seven(&mut five, [1010, 2010]);
    assert_eq!(doubts(&mut five, 5000), [Action::Doubt(link)]);
    five.unlinked(at(5010), link);
    hear_seven(&mut five, [5400]);
    let dial = dialled(&mut five, at(5400));
    five.reached(at(5401), dial);
    five.welcomed(at(5402), dial, &Hello { welcome: true, ..hello(7, 5) });
    assert_eq!(doubts(&mut five, 5402), [], "the next link begins without it");
}
