//! Listening without a backlog of smoltcp's.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::collections::HashSet;

use cable_car::Instant;
use cable_car_smoltcp::{Error, MAX_LISTENERS, Stack, Storage, TcpSocket};
use common::*;
use embedded_nal::{TcpClientStack, TcpFullStack};
use nb::Error::WouldBlock;

fn dial_all(pair: &mut Pair, count: usize) -> Vec<TcpSocket> {
    (0..count)
        .map(|_| {
            let (client, outcome) = pair.dial(ms(100));
            assert_eq!(outcome, Some(Ok(())));
            client
        })
        .collect()
}

#[test]
fn nobody_there_is_not_an_error() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    assert_eq!(pair.right.accept(&mut listener), Err(WouldBlock));
    assert_eq!(pair.right.local_addr(&listener), Some(at(RIGHT, PORT)));
}

#[test]
fn connections_are_handed_out_in_the_order_they_came() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    let clients = dial_all(&mut pair, 2);
    for client in &clients {
        let (socket, remote) = pair.right.accept(&mut listener).unwrap();
        assert_eq!(Some(remote), pair.left.local_addr(client));
        assert_eq!(pair.right.remote_addr(&socket), Some(remote));
    }
    assert_eq!(pair.right.accept(&mut listener), Err(WouldBlock));
}

#[test]
fn a_full_backlog_refuses_until_somebody_is_accepted() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    let mut clients = dial_all(&mut pair, 2);
    let (refused, outcome) = pair.dial(ms(1000));
    assert_eq!(outcome, Some(Err(Error::Refused)));
    pair.left.close(refused).unwrap();

    let _accepted = pair.right.accept(&mut listener).unwrap();
    clients.extend(dial_all(&mut pair, 1));
}

#[test]
fn when_every_socket_is_taken_the_client_is_refused_and_a_close_makes_room() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    let mut accepted = Vec::new();
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.extend(dial_all(&mut pair, 1));
        accepted.push(pair.right.accept(&mut listener).unwrap().0);
    }
    pair.left.close(clients.pop().unwrap()).unwrap();
    pair.run(ms(1));
    let (client, outcome) = pair.dial(ms(1000));
    assert_eq!(outcome, Some(Err(Error::Refused)), "the server still holds all five");
    pair.left.close(client).unwrap();

    pair.right.close(accepted.pop().unwrap()).unwrap();
    pair.run(ms(50));
    dial_all(&mut pair, 1);
}

#[test]
fn what_was_said_and_closed_before_accept_is_still_handed_out() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    let mut client = dial_all(&mut pair, 1).pop().unwrap();
    pair.left.send(&mut client, b"and goodbye").unwrap();
    pair.left.close(client).unwrap();
    pair.run(ms(1000));

    let (mut socket, _) = pair.right.accept(&mut listener).unwrap();
    let mut buffer = [0; 64];
    assert_eq!(pair.right.receive(&mut socket, &mut buffer), Ok(11));
    assert_eq!(&buffer[..11], b"and goodbye");
    assert_eq!(pair.right.receive(&mut socket, &mut buffer), Ok(0));
}

#[test]
fn a_half_open_connection_gives_way() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    // Two clients whose first segment is all that is ever heard of them fill the backlog. The
    // hardware addresses are known already: only the segments are lost.
    let client = dial_all(&mut pair, 1).pop().unwrap();
    pair.left.close(client).unwrap();
    let (socket, _) = pair.right.accept(&mut listener).unwrap();
    pair.right.close(socket).unwrap();
    pair.run(ms(100));
    for _ in 0..2 {
        let mut lost = TcpClientStack::socket(&mut pair.left).unwrap();
        assert_eq!(pair.left.connect(&mut lost, at(RIGHT, PORT)), Err(WouldBlock));
    }
    pair.left.poll(pair.now);
    pair.right.poll(pair.now);
    pair.wire.clear();
    pair.left = stack(pair.wire.ends().0, &config(3), [10, 77, 0, 3].into(), pair.now);

    let (client, outcome) = pair.dial(ms(1000));
    assert_eq!(outcome, Some(Err(Error::Refused)));
    pair.left.close(client).unwrap();
    pair.run(ms(2000));
    dial_all(&mut pair, 2);
    assert!(pair.right.accept(&mut listener).is_ok());
}

#[test]
fn a_waiting_connection_that_is_reset_or_dies_makes_room() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    let _clients = dial_all(&mut pair, 2);
    pair.left = stack(pair.wire.ends().0, &restarted(1), LEFT, pair.now);
    // The restarted client answers the probes with resets.
    pair.run(ms(2500));
    assert_eq!(pair.right.accept(&mut listener), Err(WouldBlock));

    let _clients = dial_all(&mut pair, 2);
    pair.wire.set_plugged(false);
    pair.run(ms(3000));
    assert_eq!(pair.right.accept(&mut listener), Err(WouldBlock));
    pair.wire.set_plugged(true);
    pair.left = stack(pair.wire.ends().0, &config(4), LEFT, pair.now);
    dial_all(&mut pair, 2);
}

#[test]
fn a_closed_listener_refuses_and_resets_who_waits() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    let mut waiting = dial_all(&mut pair, 2);
    let (mut accepted, _) = pair.right.accept(&mut listener).unwrap();
    pair.right.close(listener).unwrap();
    pair.run(ms(100));

    let reset = pair.left.receive(&mut waiting[1], &mut [0; 1]);
    assert_eq!(settled(reset), Some(Err(Error::Reset)));
    assert_eq!(pair.right.send(&mut accepted, b"lives on"), Ok(8));
    let (_, outcome) = pair.dial(ms(1000));
    assert_eq!(outcome, Some(Err(Error::Refused)));
    // The port is free again.
    let _listener = listen(&mut pair.right, PORT);
    dial_all(&mut pair, 1);
}

#[test]
fn ports_are_chosen_and_listeners_counted() {
    type Wide = cable_car_smoltcp::storage!(peers: 1, listeners: 4, backlog: 1);
    let memory: &mut Wide = Box::leak(Box::new(Storage::new()));
    let wire = Box::leak(Box::new(Cable::new()));
    let mut stack = Stack::new(wire.ends().0, memory, &config(1), Instant::default()).unwrap();
    let ports: HashSet<u16> = (0..MAX_LISTENERS)
        .map(|_| {
            let listener = listen(&mut stack, 0);
            stack.local_addr(&listener).unwrap().port()
        })
        .collect();
    assert_eq!(ports.len(), MAX_LISTENERS);
    assert!(ports.iter().all(|port| *port >= 49_152), "{ports:?}");

    let mut one_more = TcpClientStack::socket(&mut stack).unwrap();
    stack.bind(&mut one_more, PORT).unwrap();
    assert_eq!(stack.listen(&mut one_more), Err(Error::NoFreeListener));
}

#[test]
fn a_segment_to_everybody_does_not_cost_the_listener() {
    // smoltcp takes a first segment that is sent to the broadcast address, and then drops the
    // socket. It must listen again.
    use cable_car_smoltcp::smoltcp::phy::{ChecksumCapabilities, Device, TxToken};
    use cable_car_smoltcp::smoltcp::time::Instant;
    use cable_car_smoltcp::smoltcp::wire::*;

    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    let to_all = std::net::Ipv4Addr::new(10, 77, 0, 255);
    let tcp = TcpRepr {
        src_port: 50_000,
        dst_port: PORT,
        control: TcpControl::Syn,
        seq_number: TcpSeqNumber(1),
        ack_number: None,
        window_len: 1000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let ip = Ipv4Repr {
        src_addr: NOBODY,
        dst_addr: to_all,
        next_header: IpProtocol::Tcp,
        payload_len: tcp.buffer_len(),
        hop_limit: 64,
    };
    for _ in 0..2 {
        let length = 14 + ip.buffer_len() + tcp.buffer_len();
        let token = pair.left.device_mut().transmit(Instant::ZERO).unwrap();
        token.consume(length, |bytes| {
            let checksums = ChecksumCapabilities::default();
            let mut frame = EthernetFrame::new_unchecked(bytes);
            frame.set_dst_addr(EthernetAddress::BROADCAST);
            frame.set_src_addr(EthernetAddress([2, 0, 0, 0, 0, 99]));
            frame.set_ethertype(EthernetProtocol::Ipv4);
            let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
            ip.emit(&mut packet, &checksums);
            let mut segment = TcpPacket::new_unchecked(packet.payload_mut());
            tcp.emit(&mut segment, &NOBODY.into(), &to_all.into(), &checksums);
        });
    }
    pair.run(ms(10));
    dial_all(&mut pair, 2);
    assert!(pair.right.accept(&mut listener).is_ok());
}
