//! What a connection promises, call by call.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use cable_car_smoltcp::Error;
use common::*;
use embedded_nal::{TcpClientStack, TcpError, TcpErrorKind, TcpFullStack};
use nb::Error::{Other, WouldBlock};

#[test]
fn connect_reports_its_progress_and_then_its_success() {
    let mut pair = Pair::new();
    let _listener = listen(&mut pair.right, PORT);
    let mut client = TcpClientStack::socket(&mut pair.left).unwrap();

    assert_eq!(pair.left.connect(&mut client, at(RIGHT, PORT)), Err(WouldBlock));
    assert_eq!(pair.left.connect(&mut client, at(RIGHT, PORT)), Err(WouldBlock));
    assert_eq!(pair.left.connect(&mut client, at(RIGHT, 1)), Err(Other(Error::WrongUse)));
    assert_eq!(pair.left.send(&mut client, b"early"), Err(Other(Error::NotConnected)));

    let took = pair.run_until(ms(100), |pair| {
        settled(pair.left.connect(&mut client, at(RIGHT, PORT))) == Some(Ok(()))
    });
    assert!(took.unwrap() < ms(5), "ARP and a handshake: {took:?}");
    assert_eq!(pair.left.connect(&mut client, at(RIGHT, PORT)), Ok(()), "asked again");
    assert_eq!(pair.left.remote_addr(&client), Some(at(RIGHT, PORT)));
    let local = pair.left.local_addr(&client).unwrap();
    assert_eq!(local.ip(), LEFT);
    assert!(local.port() >= 49_152);
}

#[test]
fn a_refused_connect_fails_by_name_and_is_not_retried() {
    let mut pair = Pair::new();
    let (mut client, outcome) = pair.dial(ms(100));
    assert_eq!(outcome, Some(Err(Error::Refused)));

    let _listener = listen(&mut pair.right, PORT);
    pair.run(ms(3000));
    let again = pair.left.connect(&mut client, at(RIGHT, PORT));
    assert_eq!(again, Err(Other(Error::Refused)));
    assert_eq!(pair.left.send(&mut client, b"x"), Err(Other(Error::Refused)));
    assert_eq!(pair.left.receive(&mut client, &mut [0; 1]), Err(Other(Error::Refused)));
    pair.left.close(client).unwrap();
}

#[test]
fn a_host_that_is_not_there_times_out() {
    let mut pair = Pair::new();
    let mut client = TcpClientStack::socket(&mut pair.left).unwrap();
    let mut outcome = None;
    let took = pair.run_until(ms(10_000), |pair| {
        outcome = settled(pair.left.connect(&mut client, at(NOBODY, PORT)));
        outcome.is_some()
    });
    assert_eq!(outcome, Some(Err(Error::TimedOut)));
    assert_eq!(took, Some(ms(5000)));

    pair.left.close(client).unwrap();
}

#[test]
fn a_slot_is_not_held_up_by_the_host_that_did_not_answer() {
    let mut pair = Pair::new();
    let _listener = listen(&mut pair.right, PORT);
    let (client, _) = pair.dial(ms(100)); // the right side's hardware address is known from here on
    pair.left.close(client).unwrap();
    pair.run(ms(100));
    let start = pair.now;
    let mut gone: Vec<_> =
        (0..4).map(|_| TcpClientStack::socket(&mut pair.left).unwrap()).collect();
    for client in &mut gone {
        assert_eq!(pair.left.connect(client, at(NOBODY, PORT)), Err(WouldBlock));
    }
    pair.run(ms(1100));
    for client in gone {
        pair.left.close(client).unwrap();
    }
    pair.run(ms(1));
    let (_client, outcome) = pair.dial(ms(3000));
    assert_eq!(outcome, Some(Ok(())));
    assert!(pair.now - start < ms(1110), "{:?}", pair.now - start);
}

#[test]
fn addresses_that_can_not_be_dialled_are_refused_at_once() {
    let mut pair = Pair::new();
    let mut outcome = |remote: &str| {
        let mut client = TcpClientStack::socket(&mut pair.left).unwrap();
        let outcome = settled(pair.left.connect(&mut client, remote.parse().unwrap()));
        pair.left.close(client).unwrap();
        outcome
    };
    for remote in ["255.255.255.255:1", "10.77.0.255:1", "0.0.0.0:1", "224.0.0.1:1", "10.77.0.2:0"]
    {
        assert_eq!(outcome(remote), Some(Err(Error::InvalidRemote)), "{remote}");
    }
    for remote in ["10.77.0.1:1", "127.0.0.1:1", "192.168.0.1:1"] {
        assert_eq!(outcome(remote), Some(Err(Error::Unreachable)), "{remote}");
    }
    assert_eq!(outcome("[::1]:1"), Some(Err(Error::Ipv6Unsupported)));

    pair.left.clear_address();
    let mut client = TcpClientStack::socket(&mut pair.left).unwrap();
    let outcome = settled(pair.left.connect(&mut client, at(RIGHT, 1)));
    assert_eq!(outcome, Some(Err(Error::NoAddress)));
}

#[test]
fn every_socket_can_be_taken_and_no_more() {
    let mut pair = Pair::new();
    let mut sockets: Vec<_> =
        (0..5).map(|_| TcpClientStack::socket(&mut pair.left).unwrap()).collect();
    assert_eq!(TcpClientStack::socket(&mut pair.left), Err(Error::NoFreeTcpSocket));
    pair.left.close(sockets.pop().unwrap()).unwrap();
    assert!(TcpClientStack::socket(&mut pair.left).is_ok());
}

#[test]
fn data_goes_both_ways_and_nothing_is_not_the_end() {
    let mut pair = Pair::new();
    let (_listener, mut client, mut server) = pair.connected();
    let mut buffer = [0; 64];

    assert_eq!(pair.left.receive(&mut client, &mut buffer), Err(WouldBlock));
    assert_eq!(pair.left.send(&mut client, b""), Ok(0));
    assert_eq!(pair.left.send(&mut client, b"to the right"), Ok(12));
    assert_eq!(pair.right.send(&mut server, b"to the left"), Ok(11));
    pair.run(ms(1));
    assert_eq!(pair.right.receive(&mut server, &mut buffer[..6]), Ok(6));
    assert_eq!(&buffer[..6], b"to the");
    assert_eq!(pair.right.receive(&mut server, &mut buffer), Ok(6));
    assert_eq!(pair.right.receive(&mut server, &mut buffer), Err(WouldBlock));
    assert_eq!(pair.left.receive(&mut client, &mut buffer), Ok(11));
    assert_eq!(pair.left.receive(&mut client, &mut []), Ok(0));
}

#[test]
fn a_full_socket_takes_part_then_nothing_then_more() {
    let mut pair = Pair::new();
    let (_listener, mut client, mut server) = pair.connected();
    let data = [7; 5000];

    let mut sent = 0;
    while let Ok(count) = pair.left.send(&mut client, &data) {
        assert!(count > 0);
        sent += count;
        pair.run(ms(100));
    }
    assert_eq!(sent, 2048, "one send buffer and one receive buffer");
    assert_eq!(pair.left.send(&mut client, &data), Err(WouldBlock));

    let mut received = 0;
    pair.run_until(ms(5000), |pair| {
        received += pair.right.receive(&mut server, &mut [0; 512]).unwrap_or(0);
        received == sent
    })
    .expect("all of it");
    pair.run(ms(50));
    assert_eq!(pair.left.send(&mut client, &data), Ok(1024));
}

#[test]
fn the_end_comes_after_all_data_and_half_a_connection_still_carries() {
    let mut pair = Pair::new();
    let (_listener, mut client, server) = pair.connected();
    let mut server = server;
    pair.right.send(&mut server, b"last words").unwrap();
    pair.right.close(server).unwrap();
    pair.run(ms(10));

    let mut buffer = [0; 4];
    for part in [&b"last"[..], b" wor", b"ds"] {
        let count = pair.left.receive(&mut client, &mut buffer).unwrap();
        assert_eq!(&buffer[..count], part);
    }
    for _ in 0..3 {
        assert_eq!(pair.left.receive(&mut client, &mut buffer), Ok(0));
    }
    assert_eq!(pair.left.send(&mut client, b"late"), Ok(4), "this side is open");
    pair.left.close(client).unwrap();
}

#[test]
fn close_delivers_what_was_queued() {
    let mut pair = Pair::new();
    let (_listener, mut client, mut server) = pair.connected();
    let data: Vec<u8> = (0..2048).map(|i| i as u8).collect();
    let mut sent = pair.left.send(&mut client, &data).unwrap();
    pair.run(ms(50));
    sent += pair.left.send(&mut client, &data[sent..]).unwrap();
    assert_eq!(sent, 2048, "half of it has no room on the other side yet");
    pair.left.close(client).unwrap();
    pair.run(ms(100));

    let mut got = Vec::new();
    pair.run_until(ms(3000), |pair| {
        let mut buffer = [0; 300];
        match pair.right.receive(&mut server, &mut buffer) {
            Ok(0) => return true,
            Ok(count) => got.extend_from_slice(&buffer[..count]),
            Err(error) => assert_eq!(error, WouldBlock),
        }
        false
    })
    .expect("the end");
    assert_eq!(got, data);
}

#[test]
fn a_closed_socket_frees_its_slot_though_the_peer_stays() {
    let mut pair = Pair::new();
    let (_listener, client, mut server) = pair.connected();
    let others: Vec<_> = (0..4).map(|_| TcpClientStack::socket(&mut pair.left).unwrap()).collect();
    pair.left.close(client).unwrap();
    pair.run(ms(100));
    assert_eq!(pair.right.receive(&mut server, &mut [0; 1]), Ok(0));
    // Everything was delivered, so the slot is given out as soon as it is needed.
    assert!(TcpClientStack::socket(&mut pair.left).is_ok());
    assert_eq!(TcpClientStack::socket(&mut pair.left), Err(Error::NoFreeTcpSocket));

    // What comes for the connection that is forgotten is answered by a reset.
    pair.right.send(&mut server, b"hello?").unwrap();
    pair.run(ms(100));
    assert_eq!(pair.right.send(&mut server, b"hello?"), Err(Other(Error::Reset)));
    drop(others);
}

#[test]
fn a_closed_socket_frees_its_slot_though_the_peer_never_answers() {
    let mut pair = Pair::new();
    let (_listener, mut client, _server) = pair.connected();
    let _others: Vec<_> = (0..4).map(|_| TcpClientStack::socket(&mut pair.left)).collect();
    pair.wire.set_plugged(false);
    pair.left.send(&mut client, b"unheard").unwrap();
    pair.left.close(client).unwrap();
    let took = pair
        .run_until(ms(10_000), |pair| TcpClientStack::socket(&mut pair.left).is_ok())
        .expect("the slot");
    assert_eq!(took, ms(5000));
}

#[test]
fn what_a_peer_still_says_to_a_closed_socket_does_not_keep_its_end_out() {
    let mut pair = Pair::new();
    let (_listener, client, mut server) = pair.connected();
    pair.left.close(client).unwrap();
    let data = [1; 4096];
    let mut sent = 0;
    pair.run_until(ms(1000), |pair| {
        sent += pair.right.send(&mut server, &data[sent..]).unwrap_or(0);
        sent == data.len()
    })
    .expect("more than a receive buffer is taken and thrown away");
    let ends = pair.right.receive(&mut server, &mut [0; 1]);
    assert_eq!(ends, Ok(0));
}

#[test]
fn a_slot_that_only_rests_after_its_end_is_given_out_at_once() {
    let mut pair = Pair::new();
    let (_listener, client, server) = pair.connected();
    pair.left.close(client).unwrap();
    pair.run(ms(1));
    pair.right.close(server).unwrap();
    pair.run(ms(20));
    for _ in 0..5 {
        assert!(TcpClientStack::socket(&mut pair.left).is_ok());
    }
}

#[test]
fn a_connection_that_broke_is_not_told_as_closed() {
    let mut pair = Pair::new();
    let (_listener, mut client, server) = pair.connected();
    // The peer forgets the connection when its time to close is over, and then resets it.
    pair.right.close(server).unwrap();
    pair.run(ms(8000));
    let Err(Other(error)) = pair.left.send(&mut client, b"x") else { panic!("sent") };
    assert_eq!((error, error.kind()), (Error::Reset, TcpErrorKind::Other));
    assert_eq!(pair.left.receive(&mut client, &mut [0; 1]), Ok(0), "it had closed before");
}

#[test]
fn a_peer_that_restarts_resets_what_it_no_longer_knows() {
    let mut pair = Pair::new();
    let (_listener, mut client, _server) = pair.connected();
    pair.right = stack(pair.wire.ends().1, &restarted(2), RIGHT, pair.now);
    // Nothing is sent by the program: the probe finds it out.
    let took = pair.run_until(ms(5000), |pair| {
        settled(pair.left.receive(&mut client, &mut [0; 1])) == Some(Err(Error::Reset))
    });
    assert!(took.unwrap() <= ms(2100), "{took:?}");
}

#[test]
fn sockets_that_are_misused_say_so() {
    let mut pair = Pair::new();
    let (mut listener, mut client, server) = pair.connected();
    let left = &mut pair.left;
    assert_eq!(left.bind(&mut client, 1), Err(Error::WrongUse));
    assert_eq!(left.listen(&mut client), Err(Error::WrongUse));
    assert_eq!(left.accept(&mut client).unwrap_err(), Other(Error::WrongUse));
    let mut fresh = TcpClientStack::socket(left).unwrap();
    assert_eq!(left.local_addr(&fresh), None);
    assert_eq!(left.listen(&mut fresh), Err(Error::NotBound));
    assert_eq!(left.receive(&mut fresh, &mut [0; 1]), Err(Other(Error::NotConnected)));

    let right = &mut pair.right;
    assert_eq!(right.send(&mut listener, b"x"), Err(Other(Error::WrongUse)));
    assert_eq!(right.connect(&mut listener, at(LEFT, 1)), Err(Other(Error::WrongUse)));
    let mut second = TcpClientStack::socket(right).unwrap();
    assert_eq!(right.bind(&mut second, PORT), Err(Error::PortInUse));
    // A socket of another stack: its number is unknown here, or means another socket; no panic.
    let _ = left.send(&mut listener, b"x");
    let mut foreign = server;
    let _ = left.receive(&mut foreign, &mut [0; 1]);
}

#[test]
fn a_changed_address_ends_the_connections_from_the_old_one() {
    let mut pair = Pair::new();
    let (_listener, mut client, _server) = pair.connected();
    pair.left.set_address([10, 77, 0, 3].into(), 24, None).unwrap();
    pair.run(ms(1));
    let received = pair.left.receive(&mut client, &mut [0; 1]);
    assert_eq!(received, Err(Other(Error::AddressLost)));
}
