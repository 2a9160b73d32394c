mod crowds;
mod doubts;
mod rests;

use core::net::SocketAddrV4;
use std::vec::Vec as List;

use super::*;

const LEGACY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn address(host: u8) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, host), 50_000)
}

fn beacon(instance: u64) -> List<u8> {
    announcement(instance, |_| {})
}

fn announcement(instance: u64, change: impl Fn(&mut Announcement)) -> List<u8> {
    let mut said = Announcement {
        instance: Instance::new(instance),
        tcp_port: TCP_PORT,
        service: Service::NONE,
        goodbye: false,
        answer: false,
    };
    change(&mut said);
    said.write(&mut [0; LONGEST]).to_vec()
}

fn hello(from: u64, to: u64) -> Hello {
    let service = Service::NONE;
    Hello { welcome: false, from: Instance::new(from), to: Instance::new(to), service }
}

fn started(instance: u64) -> Discovery<4> {
    with(Config::new(Instance::new(instance)))
}

fn with(config: Config) -> Discovery<4> {
    let mut discovery = Discovery::new(config, at(0));
    assert_eq!(discovery.poll(at(0)), Some(Action::Broadcast));
    assert_eq!(discovery.poll(at(0)), None);
    discovery
}

fn actions(discovery: &mut Discovery<4>, now: Instant) -> List<Action> {
    core::iter::from_fn(|| discovery.poll(now)).collect()
}

/// Instance 5 hears instance 7, dials and is welcomed.
fn linked(now: Instant) -> (Discovery<4>, LinkId) {
    let mut five = started(5);
    five.heard(now, address(7), &beacon(7));
    let dial = dialled(&mut five, now);
    assert_eq!(five.reached(now, dial), Reached::Greet(hello(5, 7)));
    let link = five.welcomed(now, dial, &Hello { welcome: true, ..hello(7, 5) }).unwrap();
    (five, link)
}

fn dialled(discovery: &mut Discovery<4>, now: Instant) -> DialId {
    let dial = actions(discovery, now).into_iter().find_map(|action| match action {
        Action::Dial(dial, _) => Some(dial),
        _ => None,
    });
    dial.expect("a dial")
}

fn link_of(verdict: Verdict) -> LinkId {
    match verdict {
        Verdict::Link { link, .. } => link,
        Verdict::Refuse => panic!("refused"),
    }
}

#[test]
fn beacons_keep_the_interval() {
    let mut discovery = started(5);
    assert_eq!(discovery.poll_at(), Some(at(1000)));
    assert_eq!(discovery.poll(at(999)), None);
    assert_eq!(discovery.poll(at(1000)), Some(Action::Broadcast));
}

#[test]
fn the_lower_instance_dials_at_once_and_the_higher_one_later() {
    let mut five = started(5);
    five.heard(at(10), address(7), &beacon(7));
    let at_port = SocketAddrV4::new(*address(7).ip(), TCP_PORT);
    let actions_of_five = actions(&mut five, at(10));
    assert_eq!(actions_of_five[0], Action::Answer(address(7)));
    assert!(matches!(actions_of_five[1..], [Action::Dial(_, to)] if to == at_port));

    let mut seven = started(7);
    seven.heard(at(10), address(5), &beacon(5));
    assert_eq!(actions(&mut seven, at(10)), [Action::Answer(address(5))]);
    assert_eq!(seven.poll_at(), Some(at(310)));
    assert!(matches!(actions(&mut seven, at(310))[..], [Action::Dial(..)]));
}

#[test]
fn an_answer_is_not_answered_and_a_known_peer_neither() {
    let mut seven = started(7);
    seven.heard(at(10), address(5), &announcement(5, |said| said.answer = true));
    seven.heard(at(20), address(5), &beacon(5));
    assert_eq!(actions(&mut seven, at(20)), []);
}

#[test]
fn another_service_oneself_and_odd_ports_are_not_dialled() {
    let mut five = started(5);
    five.heard(at(1), address(7), &announcement(7, |s| s.service = Service::new("chat").unwrap()));
    five.heard(at(1), address(5), &beacon(5));
    five.heard(at(1), address(7), &announcement(7, |said| said.tcp_port = 22));
    five.heard(at(1), address(7), b"something else");
    assert_eq!(actions(&mut five, at(500)), []);
}

#[test]
fn oneself_is_a_peer_where_loopback_is_allowed() {
    let mut five = with(Config { allow_loopback: true, ..Config::new(Instance::new(5)) });
    five.heard(at(1), address(5), &beacon(5));
    let dial = dialled(&mut five, at(1));
    assert_eq!(five.reached(at(1), dial), Reached::Greet(hello(5, 5)));
    let incoming = link_of(five.came(at(1), *address(5).ip(), &hello(5, 5)));
    let outgoing = five.welcomed(at(1), dial, &Hello { welcome: true, ..hello(5, 5) }).unwrap();
    assert_ne!(incoming, outgoing);
    assert_eq!(five.linked().count(), 1);
}

#[test]
fn when_dials_cross_both_keep_that_of_the_lower() {
    let mut five = started(5);
    five.heard(at(1), address(7), &beacon(7));
    let dial = dialled(&mut five, at(1));
    five.reached(at(2), dial);
    assert_eq!(five.came(at(3), *address(7).ip(), &hello(7, 5)), Verdict::Refuse);

    let mut seven = started(7);
    seven.heard(at(1), address(5), &beacon(5));
    let dial = dialled(&mut seven, at(301));
    seven.reached(at(302), dial);
    let link = link_of(seven.came(at(303), *address(5).ip(), &hello(5, 7)));
    assert!(!seven.wants(dial));
    assert_eq!(seven.who(link), Who::Instance(Instance::new(5)));
}

#[test]
fn where_only_the_higher_can_dial_its_link_stands() {
    let mut five = started(5);
    five.heard(at(1), address(7), &beacon(7));
    let dial = dialled(&mut five, at(1));
    link_of(five.came(at(310), *address(7).ip(), &hello(7, 5)));
    assert!(!five.wants(dial), "its own dial did not get through, and is given up");
}

#[test]
fn a_fresh_link_is_not_given_up_for_a_late_dial_of_the_higher_and_an_old_one_is() {
    let (mut five, link) = linked(at(10));
    assert_eq!(five.came(at(400), *address(7).ip(), &hello(7, 5)), Verdict::Refuse);
    let replaces = Some(link);
    assert!(matches!(
        five.came(at(5000), *address(7).ip(), &hello(7, 5)),
        Verdict::Link { replaces: old, .. } if old == replaces
    ));
}

#[test]
fn a_hello_that_is_not_for_us_is_refused() {
    let mut five = started(5);
    let from = *address(7).ip();
    assert_eq!(five.came(at(1), from, &hello(7, 6)), Verdict::Refuse, "a former instance");
    let other = Hello { service: Service::new("chat").unwrap(), ..hello(7, 5) };
    assert_eq!(five.came(at(1), from, &other), Verdict::Refuse);
    assert_eq!(five.came(at(1), from, &Hello { welcome: true, ..hello(7, 5) }), Verdict::Refuse);
    assert_eq!(five.came(at(1), from, &hello(5, 5)), Verdict::Refuse);
}

#[test]
fn a_welcome_from_somebody_else_is_none() {
    let mut five = started(5);
    five.heard(at(1), address(7), &beacon(7));
    let dial = dialled(&mut five, at(1));
    five.reached(at(2), dial);
    assert_eq!(five.welcomed(at(3), dial, &Hello { welcome: true, ..hello(8, 5) }), None);
    assert!(!five.wants(dial));
}

#[test]
fn a_legacy_peer_is_made_to_dial_and_dialled_if_it_does_not() {
    let mut five = started(5);
    let from = SocketAddrV4::new(LEGACY, 40_000);
    five.heard(at(10), from, b"BROADCAST");
    let answer = Action::Answer(SocketAddrV4::new(LEGACY, UDP_PORT));
    assert_eq!(actions(&mut five, at(10)), [answer]);
    assert_eq!(five.hello_until(at(10), LEGACY), at(10), "it will not say hello");
    five.heard(at(1005), from, b"BROADCAST");
    assert_eq!(actions(&mut five, at(1010)), [Action::Broadcast, answer]);
    let dial = dialled(&mut five, at(2010));
    let Reached::Link(link) = five.reached(at(2011), dial) else { panic!("no hello for it") };
    assert_eq!(five.who(link), Who::Legacy(LEGACY));
    assert_eq!(five.came_without_hello(at(2012), LEGACY), Verdict::Refuse, "it has a link");
}

#[test]
fn another_port_of_ones_own_is_told_and_changes_nothing_for_others() {
    let mut five = started(5);
    five.set_tcp_port(40_404);
    assert_eq!(five.announcement().tcp_port, 40_404);
    five.heard(at(10), SocketAddrV4::new(LEGACY, 40_000), b"BROADCAST");
    let legacy = SocketAddrV4::new(LEGACY, TCP_PORT);
    assert!(
        actions(&mut five, at(2010))
            .iter()
            .any(|a| matches!(a, Action::Dial(_, to) if *to == legacy))
    );
}

#[test]
fn a_legacy_peer_that_dials_is_linked() {
    let mut five = started(5);
    five.heard(at(10), SocketAddrV4::new(LEGACY, 40_000), b"BROADCAST");
    let link = link_of(five.came_without_hello(at(20), LEGACY));
    assert_eq!(actions(&mut five, at(999)), [], "no answer, no dial");
    assert_eq!(five.unlinked(at(999), link).unwrap().who, Who::Legacy(LEGACY));
}

#[test]
fn a_dial_that_takes_too_long_is_given_up() {
    let mut five = started(5);
    five.heard(at(0), address(7), &beacon(7));
    let dial = dialled(&mut five, at(0));
    assert_eq!(actions(&mut five, at(2000)), [Action::Broadcast, Action::GiveUp(dial)]);
    assert!(!five.wants(dial));
}

#[test]
fn a_peer_that_is_lost_is_linked_again_when_heard_and_one_that_left_is_forgotten() {
    let (mut five, link) = linked(at(10));
    let who = Who::Instance(Instance::new(7));
    assert_eq!(five.unlinked(at(20), link), Some(Departure { who, goodbye: false }));
    assert_eq!(five.unlinked(at(20), link), None);
    five.heard(at(500), address(7), &beacon(7));
    dialled(&mut five, at(500));

    let (mut five, link) = linked(at(10));
    let goodbye = announcement(7, |said| said.goodbye = true);
    five.heard(at(15), address(8), &goodbye);
    five.heard(at(15), address(7), &goodbye);
    assert_eq!(five.linked().count(), 1, "a goodbye can be forged, and ends no link");
    assert_eq!(five.unlinked(at(20), link), Some(Departure { who, goodbye: true }));
}

#[test]
fn a_flood_of_forged_beacons_is_answered_and_dialled_at_a_bounded_rate() {
    let (mut five, link) = linked(at(0));
    let mut sent = 0;
    for millis in 1..=2000_u64 {
        for n in 0..10 {
            let forged = 1000 + millis * 10 + n;
            five.heard(at(millis), address((forged % 250) as u8), &beacon(forged));
        }
        for action in actions(&mut five, at(millis)) {
            sent += 1;
            if let Action::Dial(dial, _) = action {
                five.dial_failed(at(millis), dial);
            }
        }
    }
    let bound = 2 * (u64::from(BURST) + 2_000_000 / PERIOD_MICROS) + 2;
    assert!(sent <= bound, "{sent} datagrams and dials for 20,000 beacons");
    assert_eq!(five.linked().count(), 1);
    assert!(five.unlinked(at(2000), link).is_some(), "the linked peer kept its place");
}

#[test]
fn dials_under_way_are_bounded() {
    let mut discovery: Discovery<64> = Discovery::new(Config::new(Instance::new(5)), at(0));
    for other in 0..40 {
        discovery.heard(at(1), address(other), &beacon(100 + u64::from(other)));
    }
    let all: List<_> = core::iter::from_fn(|| discovery.poll(at(1))).collect();
    let dials = all.iter().filter(|action| matches!(action, Action::Dial(..))).count();
    assert_eq!(dials, MOST_DIALS);
}

#[test]
fn it_ends_at_its_time_or_with_the_one_link_wanted() {
    let timeout = Some(Duration::from_millis(500));
    let mut five = with(Config { timeout, ..Config::new(Instance::new(5)) });
    assert_eq!(five.poll_at(), Some(at(500)));
    assert_eq!(actions(&mut five, at(500)), [Action::TimedOut]);
    assert!(five.is_stopped() && five.announcement().goodbye);
    assert_eq!(five.poll_at(), None);

    let mut five = with(Config { once: true, ..Config::new(Instance::new(5)) });
    link_of(five.came(at(1), *address(7).ip(), &hello(7, 5)));
    assert!(five.is_stopped());
    assert_eq!(five.came(at(2), *address(8).ip(), &hello(8, 5)), Verdict::Refuse);
    assert_eq!(five.came_without_hello(at(2), LEGACY), Verdict::Refuse);
}

#[test]
fn with_no_interval_at_all_there_is_an_end_of_beacons() {
    let config = Config { interval: Duration::ZERO, ..Config::new(Instance::new(5)) };
    let mut discovery: Discovery<4> = Discovery::new(config, at(0));
    assert_eq!(discovery.poll(at(0)), Some(Action::Broadcast));
    assert_eq!(discovery.poll(at(0)), None);
    assert_eq!(discovery.poll_at(), Some(at(0) + SHORTEST_INTERVAL));
}

#[test]
fn dials_go_on_when_all_numbers_were_used() {
    let mut five = started(5);
    five.serial = u32::MAX;
    five.heard(at(1), address(7), &beacon(7));
    assert!(matches!(actions(&mut five, at(1))[..], [Action::Answer(_), Action::Dial(..)]));
}
