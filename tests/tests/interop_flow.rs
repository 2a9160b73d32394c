//! Many messages at once and peers that do not read, against the real Python package in both
//! transports.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::time::{Duration, Instant};

use cable_car_std::{
    BufferSize, Join, LinkError, MessageSet, Messenger, Outgoing, Quit, SendError, Watch,
    message_set,
};
use cable_car_tests::{
    messages::Bulk,
    pair,
    process::PATIENCE,
    python::Peer,
    require::{Need, require},
};
use serde_json::json;

message_set! { #[derive(Debug, PartialEq)] enum Bytes: Byte { Join, Quit, Bulk } }
message_set! { #[derive(Debug, PartialEq)] enum Lines: Json { Join, Quit, Bulk } }

/// What the tests need to know of a set, so that they run over both transports.
trait Numbered: MessageSet + Sized {
    const TRANSPORT: &'static str;
    /// How long the padding of a message is where the size of a bulk is `size`.
    fn padding(size: usize) -> usize;
    /// Queues a numbered message.
    fn send(messenger: &mut Messenger<Self>, n: u32, pad: &str) -> Result<(), SendError>;
    /// The number and the padding of the next message that has come.
    fn get(messenger: &mut Messenger<Self>) -> Option<Bulk>;
}

macro_rules! numbered {
    ($set:ident, $transport:literal, $header:literal) => {
        impl Numbered for $set {
            const TRANSPORT: &'static str = $transport;

            fn padding(size: usize) -> usize {
                size - $header
            }

            fn send(messenger: &mut Messenger<Self>, n: u32, pad: &str) -> Result<(), SendError> {
                messenger.send(&Bulk { n, pad: pad.to_owned() })
            }

            fn get(messenger: &mut Messenger<Self>) -> Option<Bulk> {
                match messenger.get()? {
                    Ok($set::Bulk(bulk)) => Some(bulk),
                    other => panic!("{other:?}"),
                }
            }
        }
    };
}

numbered!(Bytes, "byte", 4);
numbered!(Lines, "json", 0);

/// How many messages a bulk has.
const MANY: u32 = 20_000;
/// How long they may take on a loaded machine.
const LONG: Duration = Duration::from_secs(60);

fn connected<S: Numbered>(size: BufferSize, options: &[&str]) -> (Messenger<S>, Peer) {
    let (connection, peer) = pair::connection(S::TRANSPORT, options);
    (Messenger::with_buffers(connection, size), peer)
}

/// Takes out what has come, and checks that it is what was due.
fn take_in_order<S: Numbered>(messenger: &mut Messenger<S>, received: &mut u32, pad: &str) {
    while let Some(bulk) = S::get(messenger) {
        assert_eq!((bulk.n, bulk.pad.as_str()), (*received, pad));
        *received += 1;
    }
}

/// Everything there and back, with as many under way as the buffers take.
fn there_and_back<S: Numbered>() {
    let (mut here, mut there) = connected::<S>(BufferSize::default(), &["--quiet", "--echo"]);
    let pad = "x".repeat(S::padding(16));
    let (mut sent, mut received) = (0, 0);
    pair::pump(&mut here, LONG, |here| {
        while sent < MANY && S::send(here, sent, &pad).is_ok() {
            sent += 1;
        }
        take_in_order(here, &mut received, &pad);
        received == MANY
    });
    assert_eq!(there.count(0), (MANY.into(), MANY.into()));
}

/// Both sides send all they have without a look at what comes.
fn both_at_once<S: Numbered>() {
    let (mut here, mut there) = connected::<S>(BufferSize::default(), &["--quiet"]);
    there.send(&json!({"cmd": "bulk", "count": MANY, "size": 100}));
    let pad = "x".repeat(S::padding(100));
    for n in 0..MANY {
        S::send(&mut here, n, &pad).unwrap();
    }
    let mut received = 0;
    pair::pump(&mut here, LONG, |here| {
        take_in_order(here, &mut received, &pad);
        received == MANY && here.queued() == 0
    });
    there.wait_for_count(MANY.into(), LONG);
}

/// Python does not read: the buffer fills up to its limit and not beyond, and all arrives later.
fn a_peer_that_does_not_read<S: Numbered>() {
    let size = BufferSize { initial: 1 << 10, limit: 64 << 10 };
    let (mut here, mut there) = connected::<S>(size, &["--quiet", "--echo"]);
    there.send(&json!({"cmd": "pause"}));
    assert_eq!(there.count(0).0, 0);

    let pad = "x".repeat(200);
    let mut sent = 0;
    // The system takes much before it takes no more: then nothing moves any longer.
    let blocked = loop {
        match S::send(&mut here, sent, &pad) {
            Ok(()) => {
                sent += 1;
                assert!(here.queued() <= size.limit, "{} bytes are queued", here.queued());
            }
            Err(error) => {
                let before = here.queued();
                here.xfer().unwrap();
                if here.queued() < before {
                    continue;
                }
                let came = here.wait(Some(Duration::from_millis(100))).unwrap();
                assert!(!came, "Python has sent something back");
                if here.queued() == before {
                    break error;
                }
            }
        }
    };
    assert_eq!(blocked, SendError::WouldBlock);
    assert!(sent > 10_000, "{sent} messages filled the connection");
    let queued = here.queued();
    // Up to half of the buffer may be behind what was transferred, and is not used again yet.
    assert!(queued <= size.limit && queued > size.limit / 2 - 300, "{queued}");
    // A send that blocks changes nothing.
    assert_eq!(S::send(&mut here, sent, &pad), Err(SendError::WouldBlock));
    assert_eq!(here.queued(), queued);

    there.send(&json!({"cmd": "resume"}));
    let mut received = 0;
    pair::pump(&mut here, LONG, |here| {
        take_in_order(here, &mut received, &pad);
        received == sent && here.queued() == 0
    });
    assert_eq!(there.count(0), (sent.into(), sent.into()));
}

/// We do not read: Python fills the connection, and all arrives when we do.
fn when_we_do_not_read<S: Numbered>() {
    let size = BufferSize { initial: 1 << 10, limit: 64 << 10 };
    let (mut here, mut there) = connected::<S>(size, &["--quiet"]);
    there.send(&json!({"cmd": "bulk", "count": MANY, "size": 200}));
    assert_eq!(there.expect_within("bulk_sent", LONG)["sent"], MANY);
    let pad = "x".repeat(S::padding(200));
    let mut received = 0;
    pair::pump(&mut here, LONG, |here| {
        take_in_order(here, &mut received, &pad);
        received == MANY
    });
}

#[test]
fn many_messages_go_there_and_back_in_order() {
    if require(Need::Peer) {
        there_and_back::<Bytes>();
        there_and_back::<Lines>();
    }
}

#[test]
fn both_sides_may_send_at_once() {
    if require(Need::Peer) {
        both_at_once::<Bytes>();
        both_at_once::<Lines>();
    }
}

#[test]
fn a_peer_that_does_not_read_costs_a_buffer_and_no_message() {
    if require(Need::Peer) {
        a_peer_that_does_not_read::<Bytes>();
        a_peer_that_does_not_read::<Lines>();
    }
}

#[test]
fn what_is_not_read_yet_waits() {
    if require(Need::Peer) {
        when_we_do_not_read::<Bytes>();
        when_we_do_not_read::<Lines>();
    }
}

#[test]
fn send_wait_waits_for_room() {
    if !require(Need::Peer) {
        return;
    }
    let size = BufferSize { initial: 1 << 10, limit: 64 << 10 };
    let (mut here, mut there) = connected::<Bytes>(size, &["--quiet"]);
    for n in 0..MANY {
        let sent = here.send_wait(&Bulk { n, pad: "x".repeat(200) }, Some(PATIENCE));
        assert_eq!(sent, Ok(()), "message {n}");
        assert_eq!(here.queued(), 0);
    }
    there.wait_for_count(MANY.into(), LONG);
}

#[test]
fn one_thread_serves_many_peers() {
    if !require(Need::Peer) {
        return;
    }
    const PEERS: usize = 4;
    const EACH: u32 = 2000;
    let mut watch = Watch::new().unwrap();
    let (mut messengers, mut peers) = (Vec::new(), Vec::new());
    for key in 0..PEERS {
        let (mut messenger, peer) = pair::byte::<Bytes>(&["--quiet"]);
        watch.add(key, &mut messenger).unwrap();
        messengers.push(messenger);
        peers.push(peer);
    }
    for (key, peer) in peers.iter_mut().enumerate() {
        // Each a different number, then its end.
        peer.send(&json!({"cmd": "bulk", "count": EACH + key as u32, "size": 200}));
        peer.expect("bulk_sent");
        peer.send(&json!({"cmd": "shutdown"}));
    }

    let mut received = [0; PEERS];
    let mut ended = [None; PEERS];
    let deadline = Instant::now() + LONG;
    while ended.contains(&None) {
        assert!(Instant::now() < deadline, "{received:?} {ended:?}");
        for key in watch.wait(Some(PATIENCE)).unwrap() {
            let messenger = &mut messengers[key];
            loop {
                let end = messenger.xfer().err();
                let before = received[key];
                take_in_order(messenger, &mut received[key], &"x".repeat(196));
                ended[key] = ended[key].or(end);
                if received[key] == before {
                    break;
                }
            }
        }
    }
    assert_eq!(received, [EACH, EACH + 1, EACH + 2, EACH + 3]);
    assert_eq!(ended, [Some(LinkError::ClosedByPeer); PEERS]);
}

/// Keeps the two message types honest: what they send is what a bulk is.
#[test]
fn a_bulk_is_a_message_in_either_transport() {
    fn frame<T: cable_car_std::Transport>(message: &impl Outgoing<T>) -> Vec<u8> {
        let mut space = [0; 64];
        let len = message.write_frame(&mut space).unwrap();
        space[..len].to_vec()
    }
    let bulk = Bulk { n: 258, pad: "xx".to_owned() };
    assert_eq!(frame::<cable_car_std::Byte>(&bulk), b"\x08\x11\0\0\x01\x02xx");
    assert_eq!(frame::<cable_car_std::Json>(&bulk), b"[\"Bulk\",{\"n\":258,\"pad\":\"xx\"}]\n");
}
