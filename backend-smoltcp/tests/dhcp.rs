//! An address from a server that the test plays.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use core::net::{Ipv4Addr, SocketAddr};

use cable_car_smoltcp::smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr};
use cable_car_smoltcp::{Config, Error, Stack, Storage, UdpSocket, storage, wire::Wire};
use common::{Cable, End, LEFT, NOBODY, Pair, RIGHT, at, config, listen, ms, settled};
use embedded_nal::{TcpClientStack, UdpFullStack};

/// What the server says.
#[derive(Clone, Copy)]
struct Offer {
    address: Ipv4Addr,
    mask: Ipv4Addr,
    router: Option<Ipv4Addr>,
    seconds: u32,
}

const OFFER: Offer = Offer {
    address: LEFT,
    mask: Ipv4Addr::new(255, 255, 255, 0),
    router: Some(RIGHT),
    seconds: 600,
};

struct Server {
    socket: UdpSocket,
    requests: usize,
}

type Wide = storage!(peers: 2, udp_rx_bytes: 2048, udp_tx_bytes: 1024);

fn pair() -> (Pair, Server) {
    let mut pair = Pair::new();
    let memory: &'static mut Wide = Box::leak(Box::new(Storage::new()));
    pair.right = Stack::new(pair.wire.ends().1, memory, &config(2), pair.now).unwrap();
    pair.right.set_address(RIGHT, 24, None).unwrap();
    let mut socket = embedded_nal::UdpClientStack::socket(&mut pair.right).unwrap();
    UdpFullStack::bind(&mut pair.right, &mut socket, 67).unwrap();
    pair.left.start_dhcp().unwrap();
    (pair, Server { socket, requests: 0 })
}

impl Server {
    fn answer(&mut self, stack: &mut Stack<'_, End>, offer: Offer) {
        let mut buffer = [0; 1024];
        let Ok((count, _)) =
            embedded_nal::UdpClientStack::receive(stack, &mut self.socket, &mut buffer)
        else {
            return;
        };
        self.requests += 1;
        let packet = DhcpPacket::new_checked(&buffer[..count]).unwrap();
        let asked = DhcpRepr::parse(&packet).unwrap();
        let answer = DhcpRepr {
            message_type: match asked.message_type {
                DhcpMessageType::Discover => DhcpMessageType::Offer,
                _ => DhcpMessageType::Ack,
            },
            your_ip: offer.address,
            server_ip: RIGHT,
            router: offer.router,
            subnet_mask: Some(offer.mask),
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(RIGHT),
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: Some(offer.seconds),
            additional_options: &[],
            ..asked
        };
        let mut bytes = vec![0; answer.buffer_len()];
        answer.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).unwrap();
        let everybody: SocketAddr = at(Ipv4Addr::BROADCAST, 68);
        stack.send_to(&mut self.socket, everybody, &bytes).unwrap();
    }
}

fn run(pair: &mut Pair, server: &mut Server, offer: Option<Offer>, millis: u64) {
    pair.run_until(ms(millis), |pair| {
        if let Some(offer) = offer {
            server.answer(&mut pair.right, offer);
        }
        false
    });
}

#[test]
fn an_address_is_asked_for_until_there_is_one() {
    let (mut pair, mut server) = pair();
    assert_eq!(pair.left.address(), None, "the one set by hand is given up");
    run(&mut pair, &mut server, None, 5000);
    assert_eq!(pair.left.address(), None);
    run(&mut pair, &mut server, Some(OFFER), 3000);
    assert_eq!(pair.left.address(), Some((LEFT, 24)));
    assert_eq!(pair.left.gateway(), Some(RIGHT));
    assert_eq!(pair.left.broadcast_address(), Some([10, 77, 0, 255].into()));
}

#[test]
fn a_lease_is_renewed_and_lost_when_the_server_is_gone() {
    let (mut pair, mut server) = pair();
    let short = Offer { seconds: 200, ..OFFER };
    run(&mut pair, &mut server, Some(short), 1000);
    let requests = server.requests;
    run(&mut pair, &mut server, Some(short), 1_000_000);
    assert_eq!(pair.left.address(), Some((LEFT, 24)));
    assert!(server.requests > requests + 5, "{} requests", server.requests);
    run(&mut pair, &mut server, None, 210_000);
    assert_eq!(pair.left.address(), None);
}

#[test]
fn a_connection_outlives_a_break_of_the_link_and_a_new_lease() {
    let (mut pair, mut server) = pair();
    run(&mut pair, &mut server, Some(OFFER), 1000);
    let (_listener, mut client, _accepted) = pair.connected();
    pair.left.set_link_up(false);
    run(&mut pair, &mut server, Some(OFFER), 1000);
    let requests = server.requests;
    pair.left.set_link_up(true);
    run(&mut pair, &mut server, Some(OFFER), 5000);
    assert_eq!(server.requests, requests + 2, "asked anew");
    assert_eq!(pair.left.address(), Some((LEFT, 24)));
    assert_eq!(settled(pair.left.receive(&mut client, &mut [0; 1])), None, "alive");

    // On another network the connection is over, by name.
    pair.left.set_link_up(false);
    pair.left.set_link_up(true);
    let elsewhere = Offer { address: [10, 77, 0, 7].into(), ..OFFER };
    run(&mut pair, &mut server, Some(elsewhere), 2000);
    assert_eq!(pair.left.address(), Some(([10, 77, 0, 7].into(), 24)));
    let received = settled(pair.left.receive(&mut client, &mut [0; 1]));
    assert_eq!(received, Some(Err(Error::AddressLost)));
}

#[test]
fn an_address_that_nobody_confirms_is_given_up_in_the_end() {
    let (mut pair, mut server) = pair();
    run(&mut pair, &mut server, Some(OFFER), 1000);
    pair.left.set_link_up(false);
    pair.left.set_link_up(true);
    run(&mut pair, &mut server, None, 29_000);
    assert_eq!(pair.left.address(), Some((LEFT, 24)));
    run(&mut pair, &mut server, None, 2000);
    assert_eq!(pair.left.address(), None);
    run(&mut pair, &mut server, Some(OFFER), 3000);
    assert_eq!(pair.left.address(), Some((LEFT, 24)));
}

#[test]
fn nonsense_from_a_server_does_no_harm() {
    for bad in [
        Offer { router: Some(Ipv4Addr::BROADCAST), ..OFFER },
        Offer { router: Some([10, 77, 0, 255].into()), ..OFFER },
        Offer { router: Some([1, 2, 3, 4].into()), ..OFFER },
    ] {
        let (mut pair, mut server) = pair();
        run(&mut pair, &mut server, Some(bad), 1000);
        assert_eq!(pair.left.address(), Some((LEFT, 24)));
        assert_eq!(pair.left.gateway(), None);
        let mut client = TcpClientStack::socket(&mut pair.left).unwrap();
        let _ = pair.left.connect(&mut client, at(NOBODY, 1));
        pair.run(ms(5000));
    }
    for bad in [
        Offer { address: [10, 77, 0, 255].into(), ..OFFER },
        Offer { mask: Ipv4Addr::UNSPECIFIED, ..OFFER },
        Offer { seconds: 0, ..OFFER },
    ] {
        let (mut pair, mut server) = pair();
        run(&mut pair, &mut server, Some(bad), 20_000);
        assert!(server.requests <= 30, "{} requests in 20 s", server.requests);
        run(&mut pair, &mut server, Some(OFFER), 10_000);
        assert_eq!(pair.left.address(), Some((LEFT, 24)), "a better offer is taken");
    }
}

#[test]
fn a_server_without_an_address_of_its_own_is_not_believed() {
    // smoltcp would renew with 0.0.0.0, and panic.
    let wire: &'static Cable = Box::leak(Box::new(Wire::new()));
    let mut anonymous: Config = config(2);
    anonymous.broadcast_without_address = true;
    let mut pair = Pair::new();
    pair.wire = wire;
    let memory: &'static mut Wide = Box::leak(Box::new(Storage::new()));
    pair.left = common::stack(wire.ends().0, &config(1), LEFT, pair.now);
    pair.right = Stack::new(wire.ends().1, memory, &anonymous, pair.now).unwrap();
    let mut socket = embedded_nal::UdpClientStack::socket(&mut pair.right).unwrap();
    UdpFullStack::bind(&mut pair.right, &mut socket, 67).unwrap();
    let mut server = Server { socket, requests: 0 };
    pair.left.start_dhcp().unwrap();
    run(&mut pair, &mut server, Some(Offer { seconds: 4, ..OFFER }), 30_000);
    assert!(server.requests > 3);
    assert_eq!(pair.left.address(), None);
}

#[test]
fn an_address_set_by_hand_ends_dhcp_and_listening_needs_none() {
    let (mut pair, mut server) = pair();
    let _listener = listen(&mut pair.left, 80);
    run(&mut pair, &mut server, Some(OFFER), 1000);
    pair.left.set_address([10, 77, 0, 5].into(), 24, None).unwrap();
    let requests = server.requests;
    run(&mut pair, &mut server, Some(OFFER), 1_000_000);
    assert_eq!(server.requests, requests);
    assert_eq!(pair.left.address(), Some(([10, 77, 0, 5].into(), 24)));
    pair.left.start_dhcp().unwrap();
    pair.left.start_dhcp().unwrap();
    run(&mut pair, &mut server, Some(OFFER), 1000);
    assert_eq!(pair.left.address(), Some((LEFT, 24)));
}
