//! One link for each pair, on networks of every shape: many hosts, several interfaces, those that come,
//! go and change.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    io::Read,
    net::{IpAddr, Ipv4Addr, TcpStream},
};

use cable_car_std::{BroadcastConnector, Event, Join, Messenger};
use cable_car_tests::{
    firmware::{BEACON_PORT, Firmware, STATS_PORT},
    messages::{Monitor, MsgStats},
    netns::Lan,
    ours::{Set, event, eventually, no_more, one_link, options, peer, start, start_and_tell, talk},
    pair,
    process::PATIENCE,
    python::Peer,
    require::{Need, require, require_all},
};

/// All links of a program, by the address of the peer.
type Links = BTreeMap<IpAddr, Messenger<Set>>;

fn links(connector: &BroadcastConnector, count: usize) -> Links {
    let links: Links = (0..count)
        .map(|_| peer(connector))
        .map(|peer| (peer.remote_address().ip(), peer))
        .collect();
    assert_eq!(links.len(), count, "two links with one host");
    links
}

/// Messages over the link of each pair.
fn all_talk(hosts: &mut [(Ipv4Addr, Links)]) {
    for one in 0..hosts.len() {
        let (before, [host, ..]) = hosts.split_at_mut(one) else { unreachable!() };
        for (address, there) in before {
            let here = host.1.get_mut(&IpAddr::from(*address)).expect("a link with each other");
            talk(here, there.get_mut(&IpAddr::from(host.0)).expect("a link with each other"));
        }
    }
}

#[test]
fn three_hosts_and_ten_have_one_link_a_pair_and_are_told_once() {
    if !require(Need::Namespaces) {
        return;
    }
    for count in [3, 10] {
        let lan = Lan::new(count);
        let programs: Vec<_> =
            lan.hosts().iter().map(|host| start_and_tell(host, options())).collect();
        let mut hosts: Vec<_> = lan
            .hosts()
            .iter()
            .zip(&programs)
            .map(|(host, (connector, _))| (host.ip(), links(connector, count - 1)))
            .collect();
        all_talk(&mut hosts);
        for (connector, events) in &programs {
            no_more(connector);
            let told: Vec<_> = events.try_iter().collect();
            assert!(told.iter().all(|event| matches!(event, Event::Joined { .. })), "{told:?}");
            assert_eq!(told.len(), count - 1);
        }
        all_talk(&mut hosts);
    }
}

/// What a person has: desktops of ours, Python programs and a board. Everybody hears from everybody.
#[test]
fn desktops_python_programs_and_a_board_share_a_network() {
    if !require_all(&[Need::Namespaces, Need::Peer, Need::Tap, Need::Firmware]) {
        return;
    }
    let lan = Lan::new(5);
    let board = lan.tap("tap0");
    let _board = Firmware::on_tap(&lan, "tap0", board, &["--name", "board"]);
    let ports = || options().udp_port(BEACON_PORT).tcp_port(STATS_PORT);
    let (udp, tcp) = (BEACON_PORT.to_string(), STATS_PORT.to_string());
    let python = ["broadcast", "--transport", "json", "--udp-port", &udp, "--tcp-port", &tcp];
    let (mut programs, mut pythons) = (Vec::new(), Vec::new());
    for (index, host) in lan.hosts().iter().enumerate() {
        match index {
            1 | 3 => pythons.push(Peer::spawn_on(host, &python)),
            _ => programs.push(start(host, ports())),
        }
    }
    let everybody = ["board", "desk 0", "desk 1", "desk 2", "python 0", "python 1"];

    let mut links: Vec<Vec<Messenger<Monitor>>> = Vec::new();
    for (index, program) in programs.iter().enumerate() {
        let peers = (1..everybody.len()).map(|_| program.next_peer(PATIENCE).unwrap());
        links.push(peers.collect());
        for peer in links.last_mut().unwrap() {
            peer.send(&MsgStats::idle(&format!("desk {index}"))).unwrap();
            peer.xfer().unwrap();
        }
    }
    for (index, python) in pythons.iter_mut().enumerate() {
        for _ in 1..everybody.len() {
            python.expect("connected");
        }
        let figures = MsgStats::idle(&format!("python {index}"));
        python.send_name("MsgStats", serde_json::to_value(figures).unwrap());
    }
    for (index, links) in links.iter_mut().enumerate() {
        let mut heard = vec![format!("desk {index}")];
        for link in links {
            match pair::next(link) {
                Monitor::MsgStats(figures) => heard.push(figures.host),
                other => panic!("{other:?}"),
            }
        }
        heard.sort_unstable();
        assert_eq!(heard, everybody, "desk {index}");
        no_more(&programs[index]);
    }
}

/// Both subnets are used, and yet there is one link.
#[test]
fn two_hosts_that_share_two_networks_have_one_link() {
    if !require(Need::Namespaces) {
        return;
    }
    let (one, two) = (Lan::new(2), Lan::new(1));
    two.join(one.host(0));
    two.join(one.host(1));
    let [first, second] = [0, 1].map(|host| start(one.host(host), options()));
    let _link = one_link(&first, &second);
    // The second network is not idle for it.
    let third = start(two.host(0), options());
    let mut links = links(&third, 2);
    for connector in [&first, &second] {
        let mut here = peer(connector);
        let there = links.get_mut(&here.local_address().ip()).unwrap();
        talk(&mut here, there);
    }
}

/// It is known by its addresses alone, so that it is met by each; both links work.
#[test]
fn a_python_program_that_shares_two_networks_is_met_in_each() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let (one, two) = (Lan::new(2), Lan::new(0));
    let addresses = [one.host(1).ip(), two.join(one.host(1))].map(IpAddr::from);
    two.join(one.host(0));
    let program = start(one.host(0), options());
    let mut python = Peer::spawn_on(one.host(1), &["broadcast", "--transport", "byte", "--echo"]);
    let mut links = links(&program, 2);
    assert_eq!(links.keys().copied().collect::<Vec<_>>(), addresses);
    for link in links.values_mut() {
        python.expect("connected");
        link.send(&Join).unwrap();
        assert_eq!(pair::next(link), Set::Join(Join), "an echo");
    }
    no_more(&program);
}

#[test]
fn programs_of_different_services_do_not_link() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(3);
    let services = [(0, "pong"), (0, "chat"), (1, "pong"), (2, "chat")];
    let programs = services.map(|(host, name)| start(lan.host(host), options().service(name)));
    let _pong = one_link(&programs[0], &programs[2]);
    let _chat = one_link(&programs[1], &programs[3]);
}

#[test]
fn an_interface_that_goes_down_and_comes_up_is_followed() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let (one, ones) = start_and_tell(lan.host(0), options());
    let (two, twos) = start_and_tell(lan.host(1), options());
    let links = [peer(&one), peer(&two)];
    lan.host(1).set_link(false);
    for (mut link, events) in links.into_iter().zip([&ones, &twos]) {
        pair::end(&mut link);
        event(events, |event| matches!(event, Event::Lost { .. }));
    }
    eventually("it is told", || two.trouble().is_some_and(|it| it.contains("no network is up")));
    lan.host(1).set_link(true);
    let _link = one_link(&one, &two);
    eventually("it is over", || two.trouble().is_none());
}

#[test]
fn an_address_that_changes_is_followed() {
    if !require(Need::Namespaces) {
        return;
    }
    let mut lan = Lan::new(2);
    let (one, two) = (start(lan.host(0), options()), start(lan.host(1), options()));
    let links = [peer(&one), peer(&two)];
    let [a, b, c, _] = lan.host(1).ip().octets();
    let address = Ipv4Addr::new(a, b, c, 77);
    lan.host_mut(1).set_address(address);
    for mut link in links {
        pair::end(&mut link);
    }
    let [here, _there] = one_link(&one, &two);
    assert_eq!(here.remote_address().ip(), address);
    assert_eq!(one.addresses(), [address]);
}

#[test]
fn an_interface_is_chosen_by_name_or_address() {
    if !require(Need::Namespaces) {
        return;
    }
    let (one, two) = (Lan::new(2), Lan::new(1));
    let (first, second) = (one.host(0).ip(), two.join(one.host(0)));
    let address = second.to_string();
    let everywhere = || [start(one.host(1), options()), start(two.host(0), options())];
    for (choice, found) in [("eth0", 0), ("eth1", 1), (&*address, 1)] {
        let everywhere = everywhere();
        let chosen = start(one.host(0), options().interfaces([choice]));
        // Neither does it dial the others, nor may they dial it.
        let _link = one_link(&chosen, &everywhere[found]);
        no_more(&everywhere[1 - found]);
        let (dialler, at) = [(two.host(0), second), (one.host(1), first)][found];
        let mut stranger = dialler.enter(|| TcpStream::connect((at, 8223))).unwrap();
        stranger.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(stranger.read(&mut [0]).unwrap(), 0, "{choice}: closed at once");
        no_more(&chosen);
        assert_eq!(chosen.trouble(), None, "{choice}");
    }
    let _everywhere = everywhere();
    let both = start(one.host(0), options().interfaces(["eth0", "eth1"]));
    assert_eq!(links(&both, 2).len(), 2);
}

#[test]
fn an_interface_that_is_not_there_is_named_and_used_once_it_is() {
    if !require(Need::Namespaces) {
        return;
    }
    let (one, two) = (Lan::new(1), Lan::new(1));
    let other = start(two.host(0), options());
    let chosen = start(one.host(0), options().interfaces(["eth1"]));
    eventually("the name is told", || {
        chosen.trouble().is_some_and(|it| it.contains("called eth1") && it.contains("lo, eth0"))
    });
    no_more(&chosen);
    two.join(one.host(0));
    let _link = one_link(&chosen, &other);
    eventually("it is over", || chosen.trouble().is_none());
}

/// Programs that want to be alone on their machine.
#[test]
fn loopback_can_be_chosen() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let outside = start(lan.host(1), options());
    let [one, two] = [0; 2].map(|host| start(lan.host(host), options().interfaces(["lo"])));
    let _link = one_link(&one, &two);
    no_more(&outside);
}
