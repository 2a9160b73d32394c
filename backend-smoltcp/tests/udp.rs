//! What a UDP socket promises, and broadcasts above all.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use core::net::{Ipv4Addr, SocketAddr};

use cable_car::Instant;
use cable_car_smoltcp::smoltcp::phy::Device;
use cable_car_smoltcp::{Error, Stack, Storage, UDP_TX_PACKETS, UdpSocket};
use common::*;
use embedded_nal::{UdpClientStack, UdpFullStack};
use nb::Error::{Other, WouldBlock};

const BEACON: u16 = 8222;

fn bound<D: Device>(stack: &mut Stack<'_, D>, port: u16) -> UdpSocket {
    let mut socket = UdpClientStack::socket(stack).unwrap();
    stack.bind(&mut socket, port).unwrap();
    socket
}

fn everybody() -> SocketAddr {
    at(Ipv4Addr::BROADCAST, BEACON)
}

#[test]
fn broadcasts_to_all_and_to_the_subnet_go_out_and_come_in() {
    let mut pair = Pair::new();
    let mut left = bound(&mut pair.left, BEACON);
    let mut right = bound(&mut pair.right, BEACON);
    let subnet = at(pair.left.broadcast_address().unwrap(), BEACON);
    for target in [everybody(), subnet] {
        let mut buffer = [0; 64];
        assert_eq!(pair.right.receive(&mut right, &mut buffer), Err(WouldBlock));
        pair.left.send_to(&mut left, target, b"BROADCAST").unwrap();
        pair.run(ms(1));
        let received = pair.right.receive(&mut right, &mut buffer).unwrap();
        assert_eq!(received, (9, at(LEFT, BEACON)), "{target}");
        assert_eq!(&buffer[..9], b"BROADCAST");
    }
    assert_eq!(pair.left.receive(&mut left, &mut [0; 9]), Err(WouldBlock), "not its own");
}

#[test]
fn a_beacon_is_answered_by_one_datagram_to_its_sender() {
    let mut pair = Pair::new();
    let mut left = bound(&mut pair.left, 0);
    let mut right = bound(&mut pair.right, BEACON);
    pair.left.send_to(&mut left, everybody(), b"who?").unwrap();
    pair.run(ms(1));
    let (_, from) = pair.right.receive(&mut right, &mut [0; 64]).unwrap();
    assert_eq!(Some(from), pair.left.udp_local_addr(&left));
    pair.right.send_to(&mut right, from, b"me").unwrap();
    pair.run(ms(1));
    let mut buffer = [0; 64];
    let received = pair.left.receive(&mut left, &mut buffer).unwrap();
    assert_eq!(received, (2, at(RIGHT, BEACON)));
}

#[test]
fn without_an_address_broadcasts_come_in_and_go_out_if_asked_to() {
    let mut asked = config(1);
    asked.broadcast_without_address = true;
    for (config, outcome) in [(config(1), Err(Other(Error::NoAddress))), (asked, Ok(()))] {
        let mut pair =
            Pair::with(|n| if n == 1 { config.clone() } else { common::config(n) }, |e| e);
        pair.left.clear_address();
        let mut left = bound(&mut pair.left, BEACON);
        let mut right = bound(&mut pair.right, BEACON);
        pair.right.send_to(&mut right, everybody(), b"hear me").unwrap();
        assert_eq!(pair.left.send_to(&mut left, everybody(), b"and me"), outcome);
        let to_one = pair.left.send_to(&mut left, at(RIGHT, BEACON), b"you");
        assert_eq!(to_one, Err(Other(Error::NoAddress)));
        pair.run(ms(1));
        let mut buffer = [0; 64];
        assert_eq!(pair.left.receive(&mut left, &mut buffer), Ok((7, at(RIGHT, BEACON))));
        let heard = pair.right.receive(&mut right, &mut buffer);
        match outcome {
            Ok(()) => assert_eq!(heard, Ok((6, at(Ipv4Addr::UNSPECIFIED, BEACON)))),
            Err(_) => assert_eq!(heard, Err(WouldBlock)),
        }
    }
}

#[test]
fn a_host_that_is_gone_does_not_silence_the_others() {
    let mut pair = Pair::new();
    let mut left = bound(&mut pair.left, BEACON);
    let mut right = bound(&mut pair.right, BEACON);
    for _ in 0..UDP_TX_PACKETS {
        pair.left.send_to(&mut left, at(NOBODY, BEACON), b"hello?").unwrap();
    }
    let more = pair.left.send_to(&mut left, at(NOBODY, BEACON), b"hello?");
    assert_eq!(more, Err(WouldBlock));
    pair.run(ms(10));
    pair.left.send_to(&mut left, everybody(), b"still here").unwrap();
    pair.run(ms(1));
    let received = pair.right.receive(&mut right, &mut [0; 64]);
    assert_eq!(received, Ok((10, at(LEFT, BEACON))));

    // What was for the host that is gone gives way, and the lane works again.
    pair.run(ms(3000));
    pair.left.send_to(&mut left, at(RIGHT, BEACON), b"you").unwrap();
    pair.run(ms(1100));
    assert_eq!(pair.right.receive(&mut right, &mut [0; 64]), Ok((3, at(LEFT, BEACON))));

    // So does a datagram of no bytes.
    pair.left.send_to(&mut left, at(NOBODY, BEACON), b"").unwrap();
    pair.run(ms(3100));
    pair.left.send_to(&mut left, at(RIGHT, BEACON), b"").unwrap();
    pair.run(ms(1100));
    assert_eq!(pair.right.receive(&mut right, &mut [0; 64]), Ok((0, at(LEFT, BEACON))));
}

#[test]
fn a_burst_waits_in_the_device_for_a_program_that_reads_after_each_poll() {
    let mut pair = Pair::new();
    let mut right = bound(&mut pair.right, BEACON);
    let mut left = bound(&mut pair.left, BEACON);
    for number in 0..40 {
        pair.left.send_to(&mut left, everybody(), &[number]).unwrap();
        pair.left.poll(pair.now);
    }
    let mut heard = Vec::new();
    let mut polls = 0;
    while heard.len() < 40 {
        assert_eq!(pair.right.poll_at(pair.now), Some(pair.now), "more waits");
        pair.right.poll(pair.now);
        polls += 1;
        let mut buffer = [0; 1];
        while pair.right.receive(&mut right, &mut buffer).is_ok() {
            heard.push(buffer[0]);
        }
    }
    assert_eq!(heard, (0..40).collect::<Vec<u8>>());
    assert_eq!(polls, 10, "four datagrams a poll");
}

#[test]
fn a_datagram_is_cut_to_the_buffer_and_a_long_one_is_not_sent() {
    let mut pair = Pair::new();
    let mut right = bound(&mut pair.right, BEACON);
    let mut left = bound(&mut pair.left, BEACON);
    pair.left.send_to(&mut left, everybody(), b"0123456789").unwrap();
    pair.left.send_to(&mut left, everybody(), b"next").unwrap();
    let long = pair.left.send_to(&mut left, everybody(), &[0; 257]);
    assert_eq!(long, Err(Other(Error::DatagramTooLong)));
    pair.run(ms(1));
    let mut buffer = [0; 4];
    assert_eq!(pair.right.receive(&mut right, &mut buffer), Ok((4, at(LEFT, BEACON))));
    assert_eq!(&buffer, b"0123");
    assert_eq!(pair.right.receive(&mut right, &mut buffer), Ok((4, at(LEFT, BEACON))));
    assert_eq!(&buffer, b"next");
}

#[test]
fn a_connected_socket_hears_its_peer_alone() {
    let mut pair = Pair::new();
    let mut left = UdpClientStack::socket(&mut pair.left).unwrap();
    assert_eq!(pair.left.send(&mut left, b"x"), Err(Other(Error::NotConnected)));
    pair.left.connect(&mut left, at(RIGHT, BEACON)).unwrap();
    let mut right = bound(&mut pair.right, BEACON);
    let mut other = bound(&mut pair.right, 9);
    pair.left.send(&mut left, b"ping").unwrap();
    pair.run(ms(5));
    let (count, from) = pair.right.receive(&mut right, &mut [0; 64]).unwrap();
    assert_eq!(count, 4);
    pair.right.send_to(&mut other, from, b"not for you").unwrap();
    pair.right.send_to(&mut right, from, b"pong").unwrap();
    pair.run(ms(5));
    assert_eq!(pair.left.receive(&mut left, &mut [0; 64]), Ok((4, at(RIGHT, BEACON))));
    assert_eq!(pair.left.receive(&mut left, &mut [0; 64]), Err(WouldBlock));
}

#[test]
fn sockets_and_ports_are_counted_and_come_back() {
    let mut pair = Pair::new();
    let left = &mut pair.left;
    let mut first = bound(left, BEACON);
    assert_eq!(left.bind(&mut first, 1), Err(Error::WrongUse));
    let mut second = UdpClientStack::socket(left).unwrap();
    assert_eq!(left.udp_local_addr(&second), None);
    assert_eq!(left.receive(&mut second, &mut [0; 1]), Err(Other(Error::NotBound)));
    assert_eq!(left.bind(&mut second, BEACON), Err(Error::PortInUse));
    assert_eq!(UdpClientStack::socket(left), Err(Error::NoFreeUdpSocket));
    UdpClientStack::close(left, first).unwrap();
    assert_eq!(left.bind(&mut second, BEACON), Ok(()));
    let _third = bound(left, 0);
}

#[test]
fn a_reused_socket_keeps_nothing_of_its_past() {
    let mut pair = Pair::new();
    let mut right = bound(&mut pair.right, BEACON);
    let mut left = bound(&mut pair.left, BEACON);
    pair.left.send_to(&mut left, everybody(), b"old").unwrap();
    pair.run(ms(1));
    UdpClientStack::close(&mut pair.right, right).unwrap();
    right = bound(&mut pair.right, BEACON);
    assert_eq!(pair.right.receive(&mut right, &mut [0; 8]), Err(WouldBlock));
    assert_eq!(pair.right.send(&mut right, b"x"), Err(Other(Error::NotConnected)));
}

#[test]
fn remotes_that_can_not_be_are_refused() {
    let mut pair = Pair::new();
    let mut left = bound(&mut pair.left, BEACON);
    for (remote, error) in [
        ("0.0.0.0:1", Error::InvalidRemote),
        ("10.77.0.2:0", Error::InvalidRemote),
        ("[::1]:1", Error::Ipv6Unsupported),
        ("192.168.0.1:1", Error::Unreachable),
    ] {
        let sent = pair.left.send_to(&mut left, remote.parse().unwrap(), b"x");
        assert_eq!(sent, Err(Other(error)), "{remote}");
    }
    pair.left.set_address(LEFT, 24, Some(RIGHT)).unwrap();
    let sent = pair.left.send_to(&mut left, "192.168.0.1:1".parse().unwrap(), b"x");
    assert_eq!(sent, Ok(()), "by way of the gateway");
    pair.run(ms(10));
}

#[test]
fn set_up_that_can_not_work_is_refused_by_name() {
    use cable_car_smoltcp::ConfigError as E;
    let wire: &'static Cable = Box::leak(Box::new(Cable::new()));
    let mut multicast = config(1);
    multicast.mac[0] = 1;
    let memory: &'static mut Memory = Box::leak(Box::new(Storage::new()));
    let outcome = Stack::new(wire.ends().0, memory, &multicast, Instant::default());
    assert_eq!(outcome.err(), Some(E::HardwareAddress));

    let mut pair = Pair::new();
    let mut set = |ip: &str, prefix, gateway: Option<&str>| {
        let gateway = gateway.map(|gateway| gateway.parse().unwrap());
        pair.left.set_address(ip.parse().unwrap(), prefix, gateway)
    };
    for (ip, prefix) in [
        ("0.0.0.0", 24),
        ("10.0.0.0", 24),
        ("10.0.0.255", 24),
        ("224.0.0.1", 24),
        ("10.0.0.1", 0),
        ("10.0.0.1", 33),
    ] {
        assert_eq!(set(ip, prefix, None), Err(E::Address), "{ip}/{prefix}");
    }
    for gateway in ["10.0.0.255", "10.0.0.1", "10.0.1.1", "255.255.255.255"] {
        assert_eq!(set("10.0.0.1", 24, Some(gateway)), Err(E::Gateway), "{gateway}");
    }
    assert_eq!(set("10.0.0.1", 24, Some("10.0.0.254")), Ok(()));
    assert_eq!(pair.left.address(), Some(([10, 0, 0, 1].into(), 24)));
    assert_eq!(pair.left.gateway(), Some([10, 0, 0, 254].into()));
}
