//! The ends of links, from our side and from that of the real Python package: what was sent before
//! arrives, and each side learns of it.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::time::Duration;

use cable_car_std::{Join, LinkError, Messenger, Quit, SendError, message_set};
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

/// How many messages are more than the system takes while Python does not read.
const MANY: u32 = 10_000;
/// How long they may take on a loaded machine.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn the_end_is_told_after_the_last_message() {
    if !require(Need::Peer) {
        return;
    }
    for ending in ["close", "shutdown", "quit", "kill"] {
        let (mut here, mut there) = pair::byte::<Bytes>(&[]);
        there.send(&json!({"cmd": "bulk", "count": 1000}));
        there.expect("bulk_sent");
        // Answered after the transfer that follows, so that all is on its way.
        there.count(0);
        match ending {
            "kill" => there.process().signal("KILL"),
            _ => there.send(&json!({"cmd": ending})),
        }
        if ending != "close" && ending != "shutdown" {
            assert!(there.process().wait(PATIENCE).is_some());
        } else {
            there.expect("closed");
        }

        // The end is there already, and may have been read; the messages come first.
        for _ in 0..3 {
            assert_eq!(here.xfer(), Ok(()), "{ending}");
        }
        let mut received = 0;
        let end = loop {
            let transferred = here.xfer();
            let mut idle = true;
            while let Some(message) = here.get() {
                idle = false;
                match message.unwrap() {
                    Bytes::Bulk(bulk) => assert_eq!(bulk.n, received),
                    other => panic!("{other:?}"),
                }
                received += 1;
            }
            if let Err(end) = transferred {
                assert!(idle, "the end was told before the last message");
                break end;
            }
            here.wait(Some(PATIENCE)).unwrap();
        };
        assert_eq!(received, 1000, "{ending}");
        assert_eq!(end, LinkError::ClosedByPeer, "{ending}");
        assert!(here.is_closed());
        assert_eq!(here.xfer(), Err(end));
        assert!(here.get().is_none());
        assert_eq!(here.send(&Join), Err(SendError::Ended(end)));
    }
}

#[test]
fn python_sees_our_close() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<Lines>(&[]);
    here.send(&Join).unwrap();
    here.xfer().unwrap();
    there.expect("message");
    here.send(&Quit).unwrap();
    here.close();
    assert!(here.is_closed());
    assert_eq!(here.xfer(), Err(LinkError::Closed));
    assert_eq!(here.send(&Join), Err(SendError::Ended(LinkError::Closed)));
    there.expect("eof");
    assert_eq!(there.count(0).0, 1, "what was queued is dropped");

    // A messenger that is dropped is closed as well.
    let (here, mut there) = pair::json::<Lines>(&[]);
    drop(here);
    there.expect("eof");
}

/// More is queued than the system takes while Python does not read.
fn much_is_queued() -> (Messenger<Lines>, Peer) {
    let (mut here, mut there) = pair::json::<Lines>(&["--quiet"]);
    there.send(&json!({"cmd": "pause"}));
    assert_eq!(there.count(0).0, 0);
    let pad = "x".repeat(1000);
    for n in 0..MANY {
        here.send(&Bulk { n, pad: pad.clone() }).unwrap();
    }
    assert!(here.queued() > 10_000_000);
    (here, there)
}

#[test]
fn shutdown_delivers_what_is_queued() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = much_is_queued();
    let waiting = std::thread::spawn(move || (here.shutdown(LONG), here));
    there.send(&json!({"cmd": "resume"}));
    there.expect_within("eof", LONG);
    there.wait_for_count(MANY.into(), LONG);
    let (told, here) = waiting.join().unwrap();
    assert_eq!(told, Ok(()));
    assert!(here.is_closed());
}

#[test]
fn shutdown_says_what_it_could_not_deliver() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = much_is_queued();
    let queued = here.queued();
    let unsent = here.shutdown(Duration::from_millis(200)).unwrap_err();
    assert!(unsent.bytes > 0 && unsent.bytes < queued, "{unsent:?} of {queued}");
    assert!(here.is_closed());
    there.send(&json!({"cmd": "resume"}));
    there.expect_within("eof", LONG);
}
