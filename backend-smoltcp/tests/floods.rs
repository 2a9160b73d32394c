//! More of everything than there is room for, by sources that there are not. A link that stands works on,
//! and when it is over whoever comes is served as ever.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use core::net::Ipv4Addr;
use core::time::Duration;

use cable_car::discovery::{self, Announcement, Instance, LONGEST, MARK, Service};
use cable_car::nal::{BroadcastConnector, Event};
use cable_car_smoltcp::smoltcp::phy::{ChecksumCapabilities, Device, TxToken};
use cable_car_smoltcp::smoltcp::time::Instant;
use cable_car_smoltcp::smoltcp::wire::*;
use cable_car_smoltcp::{Stack, TcpSocket};
use common::*;
use embedded_nal::{TcpClientStack, TcpFullStack};

/// For how long, and how many frames in each millisecond of it: nearly as many as the wire takes.
const TIME: Duration = ms(2000);
const BURST: u32 = 40;

const RIGHT_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 2]);

/// Puts a frame on the wire that comes from the left, whoever it says it is from.
fn inject(pair: &mut Pair, to: EthernetAddress, kind: EthernetProtocol, content: &[u8]) {
    // Where the wire is full it is lost, as any frame.
    let Some(token) = pair.left.device_mut().transmit(Instant::ZERO) else { return };
    token.consume(14 + content.len(), |bytes| {
        let mut frame = EthernetFrame::new_unchecked(bytes);
        frame.set_dst_addr(to);
        frame.set_src_addr(EthernetAddress([2, 0, 0, 0, 0, 66]));
        frame.set_ethertype(kind);
        frame.payload_mut().copy_from_slice(content);
    });
}

/// The same of an IPv4 packet to the right.
fn inject_ip(pair: &mut Pair, from: Ipv4Addr, protocol: IpProtocol, content: &[u8]) {
    let repr = Ipv4Repr {
        src_addr: from,
        dst_addr: RIGHT,
        next_header: protocol,
        payload_len: content.len(),
        hop_limit: 64,
    };
    let mut packet = [0; 200];
    let length = repr.buffer_len() + content.len();
    let mut ip = Ipv4Packet::new_unchecked(&mut packet[..length]);
    repr.emit(&mut ip, &ChecksumCapabilities::default());
    ip.payload_mut().copy_from_slice(content);
    inject(pair, RIGHT_MAC, EthernetProtocol::Ipv4, &packet[..length]);
}

/// Sources of the subnet and of elsewhere, all different.
fn forged(number: u32) -> Ipv4Addr {
    match number % 2 {
        0 => Ipv4Addr::new(10, 77, 0, 10 + (number / 2 % 240) as u8),
        _ => Ipv4Addr::from_bits(0xac10_0000 + number),
    }
}

/// Two ends that pass a counter there and back, one byte a millisecond.
struct Link {
    client: TcpSocket,
    server: TcpSocket,
    sent: u8,
    back: u8,
    passed: u32,
}

impl Link {
    fn poll(&mut self, pair: &mut Pair) {
        let mut byte = [0];
        if let Some(came) = settled(pair.right.receive(&mut self.server, &mut byte)) {
            assert_eq!(came, Ok(1), "it stands");
            assert_eq!(pair.right.send(&mut self.server, &byte), Ok(1));
        }
        if let Some(came) = settled(pair.left.receive(&mut self.client, &mut byte)) {
            assert_eq!((came, byte[0]), (Ok(1), self.back), "in order, and each once");
            self.back = self.back.wrapping_add(1);
            self.passed += 1;
        }
        // The next one when the last one is back.
        if self.sent == self.back {
            assert_eq!(pair.left.send(&mut self.client, &[self.sent]), Ok(1));
            self.sent = self.sent.wrapping_add(1);
        }
    }
}

/// Throws at a stack with a link what `throw` makes of each number; how much was passed meanwhile.
fn flood(pair: &mut Pair, link: &mut Link, mut throw: impl FnMut(&mut Pair, u32)) -> u32 {
    let before = link.passed;
    let end = pair.now + TIME;
    let mut number = 0;
    while pair.now < end {
        for _ in 0..BURST {
            number += 1;
            throw(pair, number);
        }
        pair.run(ms(1));
        link.poll(pair);
    }
    println!("{number} thrown, {} passed", link.passed - before);
    link.passed - before
}

/// A pair with a link, and the listener of the right.
fn linked() -> (Pair, Link, TcpSocket) {
    let mut pair = Pair::new();
    let (listener, client, server) = pair.connected();
    (pair, Link { client, server, sent: 0, back: 0, passed: 0 }, listener)
}

/// Afterwards somebody dials, and is served.
fn another_is_served(pair: &mut Pair, listener: &mut TcpSocket) {
    // As long as half-open connections are waited for.
    pair.run(ms(2100));
    let (_client, outcome) = pair.dial(ms(1000));
    assert_eq!(outcome, Some(Ok(())));
    assert!(pair.right.accept(listener).is_ok());
}

#[test]
fn connections_that_are_never_completed() {
    let (mut pair, mut link, mut listener) = linked();
    let passed = flood(&mut pair, &mut link, |pair, number| {
        let from = forged(number);
        let repr = TcpRepr {
            src_port: 1024 + (number % 60_000) as u16,
            dst_port: PORT,
            control: TcpControl::Syn,
            seq_number: TcpSeqNumber(number as i32),
            ack_number: None,
            window_len: 1000,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &[],
        };
        let mut segment = [0; 20];
        let mut tcp = TcpPacket::new_unchecked(&mut segment);
        repr.emit(&mut tcp, &from.into(), &RIGHT.into(), &ChecksumCapabilities::default());
        inject_ip(pair, from, IpProtocol::Tcp, &segment);
    });
    assert!(passed > 500, "{passed} passed");
    another_is_served(&mut pair, &mut listener);
}

#[test]
fn neighbours_that_are_not_there() {
    let (mut pair, mut link, mut listener) = linked();
    let passed = flood(&mut pair, &mut link, |pair, number| {
        let repr = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: EthernetAddress([2, 0, 0, 0, 1, number as u8]),
            source_protocol_addr: forged(2 * number),
            target_hardware_addr: EthernetAddress([0; 6]),
            target_protocol_addr: RIGHT,
        };
        let mut packet = [0; 28];
        repr.emit(&mut ArpPacket::new_unchecked(&mut packet));
        inject(pair, EthernetAddress::BROADCAST, EthernetProtocol::Arp, &packet);
    });
    // Its neighbour is forgotten again and again, and asked for at most once a second.
    assert!(passed >= 1, "{passed} passed");
    another_is_served(&mut pair, &mut listener);
}

#[test]
fn datagrams_for_everybody_and_for_no_port() {
    let (mut pair, mut link, mut listener) = linked();
    let passed = flood(&mut pair, &mut link, |pair, number| {
        let (from, port) = (forged(number), if number % 2 == 0 { 8222 } else { number as u16 });
        beacon(pair, from, port, MARK);
    });
    assert!(passed > 500, "{passed} passed");
    another_is_served(&mut pair, &mut listener);
}

fn beacon(pair: &mut Pair, from: Ipv4Addr, port: u16, content: &[u8]) {
    let repr = UdpRepr { src_port: 5000, dst_port: port };
    let mut datagram = [0; 100];
    let length = 8 + content.len();
    let mut udp = UdpPacket::new_unchecked(&mut datagram[..length]);
    let (checksums, to) = (ChecksumCapabilities::default(), RIGHT.into());
    let write = |space: &mut [u8]| space.copy_from_slice(content);
    repr.emit(&mut udp, &from.into(), &to, content.len(), write, &checksums);
    inject_ip(pair, from, IpProtocol::Udp, &datagram[..length]);
}

type Connector = BroadcastConnector<Stack<'static, End>, 4>;

fn connector(pair: &Pair, instance: u64) -> Connector {
    let config = discovery::Config::new(Instance::new(instance));
    BroadcastConnector::new(config, pair.now).alone_on_host()
}

/// Polls both connectors once a millisecond; the connection that each has been told of, once both have.
fn meet(pair: &mut Pair, left: &mut Connector, right: &mut Connector) -> (TcpSocket, TcpSocket) {
    let (mut here, mut there) = (None, None);
    for _ in 0..20_000 {
        let now = pair.now;
        while let Ok(Some(event)) = left.poll(&mut pair.left, now) {
            if let Event::Joined { connection, .. } = event {
                here = Some(connection.socket);
            }
        }
        while let Ok(Some(event)) = right.poll(&mut pair.right, now) {
            if let Event::Joined { connection, .. } = event {
                there = Some(connection.socket);
            }
        }
        if here.is_some() && there.is_some() {
            break;
        }
        pair.run(ms(1));
    }
    (here.expect("found"), there.expect("found"))
}

/// A connector that is told of thousands of peers dials and answers few of them, and keeps its link.
#[test]
fn beacons_of_peers_that_are_not_there() {
    let mut pair = Pair::new();
    let (mut left, mut right) = (connector(&pair, 1), connector(&pair, 2));
    let (client, server) = meet(&mut pair, &mut left, &mut right);
    let mut link = Link { client, server, sent: 0, back: 0, passed: 0 };
    let (mut joined, mut unreachable) = (0, 0);
    let passed = flood(&mut pair, &mut link, |pair, number| {
        let said = Announcement {
            instance: Instance::new(1000 + u64::from(number)),
            tcp_port: 8223,
            service: Service::NONE,
            goodbye: false,
            answer: number.is_multiple_of(2),
        };
        beacon(pair, forged(number), 8222, said.write(&mut [0; LONGEST]));
        let now = pair.now;
        for _ in 0..4 {
            match right.poll(&mut pair.right, now) {
                Ok(Some(Event::Joined { .. })) => joined += 1,
                Ok(Some(Event::Unreachable { .. })) => unreachable += 1,
                _ => {}
            }
        }
    });
    assert!(passed > 500, "{passed} passed");
    println!("{unreachable} dials have failed");
    assert_eq!(joined, 0);
    // Dials begin at a bounded rate, whatever is heard.
    assert!((1..=32 + 20 * 2).contains(&unreachable), "{unreachable} dials have failed");

    // The left is started anew, and met as ever.
    left.stop(&mut pair.left);
    pair.left.close(link.client).unwrap();
    pair.right.close(link.server).unwrap();
    let mut left = connector(&pair, 3);
    let _links = meet(&mut pair, &mut left, &mut right);
}
