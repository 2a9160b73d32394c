//! The socket contract on a stack that is not ours, std-embedded-nal, as far as it can meet it.
//!
//! It dials, and a stack of ours listens. What it can not do, and why a stack of its own serves
//! desktops here:
//!
//! - `accept` gives sockets that block: a messenger's `xfer` would wait for the peer. It can not be
//!   the side that listens in any rule.
//! - `connect` blocks, with no limit of time, so that "would block" is never seen.
//! - UDP may not broadcast (`a_broadcast_is_refused` below), so no `BroadcastConnector` runs on it.
//! - It binds to all of IPv6 alone: peers look like `::ffff:a.b.c.d` (`a_peer_is_known_by_a_mapped_
//!   address`), and a UDP port can not be shared (`a_beacon_port_can_not_be_shared`).
//! - It does not tell local addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use cable_car::Instant;
use cable_car_std::StdStack;
use cable_car_tests::contract::Network;
use cable_car_tests::process::unused_tcp_port;
use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack, nb};
use std_embedded_nal::Stack;

struct Mixed {
    left: Stack,
    right: StdStack,
    start: std::time::Instant,
}

fn mixed() -> Mixed {
    Mixed { left: Stack, right: StdStack::new(), start: std::time::Instant::now() }
}

impl Network for Mixed {
    type Left = Stack;
    type Right = StdStack;

    fn left(&mut self) -> &mut Stack {
        &mut self.left
    }

    fn right(&mut self) -> &mut StdStack {
        &mut self.right
    }

    fn left_address(&self) -> Ipv4Addr {
        Ipv4Addr::LOCALHOST
    }

    fn right_address(&self) -> Ipv4Addr {
        Ipv4Addr::LOCALHOST
    }

    fn port(&mut self) -> u16 {
        unused_tcp_port()
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.start.elapsed().as_micros() as u64)
    }

    fn settle(&mut self) {
        sleep(Duration::from_millis(1));
    }
}

cable_car_tests::contract_tests! {
    mixed:
    tcp::connect_tells_its_progress_and_then_its_success,
    tcp::a_refused_connect_is_an_error_and_can_be_tried_again,
    tcp::accepted_connections_come_with_their_remote_address,
    tcp::data_goes_both_ways_and_nothing_is_not_the_end,
    tcp::the_end_comes_after_all_data_and_stays,
    tcp::what_a_peer_does_not_read_is_not_taken_and_not_lost,
    tcp::close_delivers_what_was_sent,
    tcp::to_send_to_an_end_that_is_gone_is_an_error,
    tcp::connections_do_not_mix,
    udp::nothing_received_would_block,
    udp::a_socket_that_is_not_bound_says_so,
    messages::byte_messengers_exchange_many_messages_through_small_buffers,
    messages::json_messengers_exchange_many_messages_through_small_buffers,
    messages::a_direct_client_finds_a_direct_server,
    messages::a_direct_client_is_refused_and_dials_anew,
    messages::a_direct_server_takes_several_and_times_out,
    messages::shutdown_sends_all_and_the_peer_reads_all_before_the_end,
    messages::shutdown_gives_up_at_its_deadline,
}

/// A listener of the foreign stack; `None` on a machine without IPv6, where it has none.
fn foreign_listener(stack: &mut Stack, port: u16) -> Option<<Stack as TcpClientStack>::TcpSocket> {
    let mut listener = TcpClientStack::socket(stack).expect("a socket");
    TcpFullStack::bind(stack, &mut listener, port).ok()?;
    stack.listen(&mut listener).expect("listen");
    Some(listener)
}

#[test]
fn a_peer_is_known_by_a_mapped_address() {
    let (mut stack, port) = (Stack, unused_tcp_port());
    let Some(mut listener) = foreign_listener(&mut stack, port) else { return };
    assert!(matches!(stack.accept(&mut listener), Err(nb::Error::WouldBlock)));
    let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connect");
    let (_, remote) = loop {
        match stack.accept(&mut listener) {
            Ok(accepted) => break accepted,
            Err(error) => assert!(matches!(error, nb::Error::WouldBlock)),
        }
        sleep(Duration::from_millis(1));
    };
    assert_eq!(remote.ip(), IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped()));
    assert_eq!(remote.port(), client.local_addr().expect("connected").port());
}

#[test]
fn a_port_in_use_is_an_error_there_too() {
    let (mut stack, port) = (Stack, unused_tcp_port());
    let Some(_listener) = foreign_listener(&mut stack, port) else { return };
    assert!(foreign_listener(&mut stack, port).is_none());
}

#[test]
fn a_broadcast_is_refused() {
    let mut stack = Stack;
    let mut socket = UdpClientStack::socket(&mut stack).expect("a socket");
    if UdpFullStack::bind(&mut stack, &mut socket, 0).is_err() {
        return;
    }
    let everybody = SocketAddr::from((Ipv4Addr::BROADCAST, 8222));
    let refused = stack.send_to(&mut socket, everybody, b"BROADCAST");
    assert!(matches!(refused, Err(nb::Error::Other(_))));
}

#[test]
fn a_beacon_port_can_not_be_shared() {
    let (mut stack, port) = (Stack, unused_tcp_port());
    let mut one = UdpClientStack::socket(&mut stack).expect("a socket");
    if UdpFullStack::bind(&mut stack, &mut one, port).is_err() {
        return;
    }
    let mut other = UdpClientStack::socket(&mut stack).expect("a socket");
    assert!(UdpFullStack::bind(&mut stack, &mut other, port).is_err());
}
