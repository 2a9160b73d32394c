//! Peers that can not be dialled, or are lost as soon as they are linked.

use super::*;

const LONGEST: Duration = Duration::from_micros(LONGEST_REST_MICROS as u64);

/// How long instance 7 is left alone from now on, though it is heard all the time; its next dial is
/// under way then.
fn rest(five: &mut Discovery<4>, now: &mut Instant) -> (Duration, DialId) {
    let since = *now;
    loop {
        *now += Duration::from_millis(10);
        five.heard(*now, address(7), &beacon(7));
        let dial = actions(five, *now).into_iter().find_map(|action| match action {
            Action::Dial(dial, _) => Some(dial),
            _ => None,
        });
        if let Some(dial) = dial {
            return (*now - since, dial);
        }
    }
}

fn link(five: &mut Discovery<4>, now: Instant, dial: DialId) -> LinkId {
    assert_eq!(five.reached(now, dial), Reached::Greet(hello(5, 7)));
    five.welcomed(now, dial, &Hello { welcome: true, ..hello(7, 5) }).expect("its welcome")
}

/// Each rest about twice the one before, until it is as long as any may be.
fn assert_growing(rests: &[Duration]) {
    assert!(rests[0] < Duration::from_millis(350), "{rests:?}");
    assert!(rests[3] > rests[0] * 4, "{rests:?}");
    let last = *rests.last().expect("some rests");
    let longest = LONGEST * 3 / 4..=LONGEST * 5 / 4 + Duration::from_millis(10);
    assert!(longest.contains(&last), "{rests:?}");
}

#[test]
fn a_peer_that_can_not_be_dialled_rests_longer_each_time() {
    let (mut five, mut now) = (started(5), at(0));
    let (_, mut dial) = rest(&mut five, &mut now);
    let rests: List<_> = (0..12)
        .map(|_| {
            five.dial_failed(now, dial);
            let (rested, next) = rest(&mut five, &mut now);
            dial = next;
            rested
        })
        .collect();
    assert_growing(&rests);
}

#[test]
fn a_peer_that_hangs_up_as_soon_as_it_is_linked_rests_longer_each_time() {
    let (mut five, mut now) = (started(5), at(0));
    let (_, mut dial) = rest(&mut five, &mut now);
    let mut hung_up = |five: &mut Discovery<4>, now: &mut Instant, lasted: Duration| {
        let link = link(five, *now, dial);
        *now += lasted;
        five.unlinked(*now, link).expect("the link stood");
        let (rested, next) = rest(five, now);
        dial = next;
        rested
    };
    let soon = Duration::from_millis(500);
    let rests: List<_> = (0..12).map(|_| hung_up(&mut five, &mut now, soon)).collect();
    assert_growing(&rests);

    // A link that lasts makes good for all of them.
    let lasting = Duration::from_micros(LASTING_LINK_MICROS);
    let rested = hung_up(&mut five, &mut now, lasting);
    assert!(rested < Duration::from_millis(170), "{rested:?}");
    let rested = hung_up(&mut five, &mut now, soon);
    assert!(rested < Duration::from_millis(350), "{rested:?}");
}

/// The new link of a peer that opens one after another counts by itself.
#[test]
fn a_link_that_is_replaced_is_no_failure_and_counts_if_it_has_lasted() {
    let (mut five, mut now) = (started(5), at(0));
    let (_, dial) = rest(&mut five, &mut now);
    let first = link(&mut five, now, dial);
    five.unlinked(now, first).expect("the link stood");
    let (_, dial) = rest(&mut five, &mut now);
    let second = link(&mut five, now, dial);
    // The lower one lets its link go for a hello of the higher one once it has lasted.
    now += Duration::from_secs(5);
    let third = five.came(now, *address(7).ip(), &hello(7, 5));
    assert!(matches!(third, Verdict::Link { replaces, .. } if replaces == Some(second)));
    five.unlinked(now, link_of(third)).expect("the link stood");
    let (rested, _) = rest(&mut five, &mut now);
    assert!(rested < Duration::from_millis(350), "the first failure in a row: {rested:?}");
}
