//! A stream that ends at any byte: what came is got first, then the end is told for what it is.

use std::fmt::Debug;

use cable_car::{
    BadMessage, Identify, Join, Link, LinkError, MessageSet, Moved, Quit, SendError, message_set,
};
use cable_car_tests::stream::{Fixed, Growable, Reading, Receiver};

message_set! { #[derive(Debug)] enum Bytes: Byte { Identify, Join, Quit } }
message_set! { #[derive(Debug)] enum Lines: Json { Identify, Join, Quit } }

const FRAMES: &[&[u8]] =
    &[b"\x02\x02", b"\x08\x01ann@pc", b"\x05\x63abc", b"\x04\x01ab", b"\x02\x04"];
const LINES: &[&[u8]] = &[
    b"[\"MsgJoin\",{}]\n",
    b"[\"MsgIdentify\",{\"username\":\"ann\",\"hostname\":\"pc\"}]\n",
    b"\n",
    b"rubbish\n",
    b"[\"MsgQuit\",{}]\n",
];

/// Closes after every byte of `frames`; `size` bytes of memory hold all but the longest frames.
fn close_everywhere<S: MessageSet>(frames: &[&[u8]], size: usize)
where
    for<'a> S::Message<'a>: Debug,
{
    let stream = frames.concat();
    for reading in [Reading::Eager, Reading::Late] {
        for at in 0..=stream.len() {
            let mut whole = 0;
            let mut begun = 0;
            let mut too_long = 0;
            for frame in frames {
                if begun + frame.len() > at {
                    too_long += usize::from(at - begun >= size && frame.len() > size);
                    break;
                }
                whole += 1;
                begun += frame.len();
            }
            let mut receiver = Receiver::<S, _>::new(Fixed::new(size));
            receiver.deliver(&stream[..at], reading);
            let end = receiver.close();
            let expected = match at - begun {
                0 => LinkError::ClosedByPeer,
                bytes => LinkError::ClosedWithinFrame { bytes },
            };
            assert_eq!(end, Err(expected), "closed after byte {at}, {reading:?}");
            assert_eq!(receiver.log.len(), whole + too_long, "closed after byte {at}");
            assert_eq!(receiver.link.status(), Err(expected), "it is told again");
            assert!(receiver.link.get().is_none());
        }
    }
}

#[test]
fn a_byte_stream_may_close_anywhere() {
    for size in [8, 9, 22, 255] {
        close_everywhere::<Bytes>(FRAMES, size);
    }
}

#[test]
fn a_byte_stream_may_close_within_a_frame_that_is_passed_over() {
    for size in 1..8 {
        close_everywhere::<Bytes>(FRAMES, size);
    }
}

#[test]
fn a_json_stream_may_close_anywhere() {
    for size in [52, 53, 255] {
        close_everywhere::<Lines>(LINES, size);
    }
}

#[test]
fn a_json_stream_may_close_within_a_line_that_is_passed_over() {
    for size in [1, 2, 15, 16, 50, 51] {
        close_everywhere::<Lines>(LINES, size);
    }
}

#[test]
fn a_broken_connection_is_told_after_all_that_came() {
    let mut receiver = Receiver::<Bytes, _>::new(Growable::new(255));
    receiver.deliver(&FRAMES.concat(), Reading::Late);
    receiver.deliver(b"\x09\x01par", Reading::Late);
    assert_eq!(receiver.end(Moved::Failed), Err(LinkError::Broken));
    assert_eq!(receiver.log.len(), FRAMES.len());
}

#[test]
fn a_frame_length_that_can_not_be_is_told_though_the_peer_has_closed() {
    for length in [0, 1] {
        let mut link: Link<Bytes, _, _> = Link::new([0; 16], [0; 16]);
        link.receive(|space| {
            space[..4].copy_from_slice(&[2, 2, length, 9]);
            Moved::All(4)
        });
        assert_eq!(link.status(), Ok(()));
        link.receive(|_| Moved::Closed);
        assert!(matches!(link.get(), Some(Ok(Bytes::Join(_)))));
        assert_eq!(link.status(), Err(LinkError::FrameLength { length }), "before get tells none");
        assert!(link.get().is_none());
        assert_eq!(link.status(), Err(LinkError::FrameLength { length }));
        assert_eq!(link.send(&Join), Err(SendError::Ended(LinkError::FrameLength { length })));
        assert!(!link.can_transmit());
        link.receive(|_| panic!("nothing can come of a stream that is out of step"));
    }
}

#[test]
fn after_the_peers_close_what_is_queued_still_goes_out() {
    let mut link: Link<Bytes, _, _> = Link::new([0; 16], [0; 16]);
    assert_eq!(link.send(&Join), Ok(()));
    link.receive(|_| Moved::Closed);
    assert_eq!(link.status(), Err(LinkError::ClosedByPeer));
    assert_eq!(link.send(&Quit), Err(SendError::Ended(LinkError::ClosedByPeer)));
    let mut sent = Vec::new();
    link.transmit(|bytes| {
        sent.extend_from_slice(bytes);
        Moved::Some(bytes.len())
    });
    assert_eq!(sent, [2, 2]);
    link.receive(|_| panic!("nothing comes after a close"));
}

#[test]
fn a_link_closed_here_gives_and_takes_nothing() {
    let mut link: Link<Bytes, _, _> = Link::new([0; 16], [0; 16]);
    assert_eq!(link.send(&Join), Ok(()));
    link.receive(|space| {
        space[..2].copy_from_slice(&[2, 2]);
        Moved::All(2)
    });
    link.close();
    assert!(link.get().is_none());
    assert_eq!(link.queued(), 0);
    assert_eq!(link.status(), Err(LinkError::Closed));
    assert_eq!(link.send(&Join), Err(SendError::Ended(LinkError::Closed)));
    link.receive(|_| panic!("receives after close"));
    link.transmit(|_| panic!("transmits after close"));
}

#[test]
fn memory_that_grows_is_not_called_too_small_before_its_limit() {
    // The socket says that it has no more just when the memory is full.
    let mut link: Link<Lines, _, _> = Link::new(Growable::new(64), [0; 16]);
    for &byte in &LINES.concat() {
        link.receive(|space| {
            space[0] = byte;
            Moved::All(1)
        });
        assert!(
            !matches!(link.get(), Some(Err(BadMessage::TooLong { .. }))),
            "told before the limit"
        );
    }
}

#[test]
fn a_line_behind_one_that_was_too_long_is_found_whole() {
    let mut link: Link<Lines, _, _> = Link::new([0; 32], [0; 16]);
    for piece in [&[b'x'; 32][..], b"end\n[\"MsgJoin\",{}]\n"] {
        link.receive(|space| {
            space[..piece.len()].copy_from_slice(piece);
            Moved::All(piece.len())
        });
        // Only once: nobody has to ask until there is nothing more.
        let message = link.get();
        match piece.len() {
            32 => assert!(matches!(message, Some(Err(BadMessage::TooLong { buffer: 32 })))),
            _ => assert!(matches!(message, Some(Ok(Lines::Join(_)))), "{message:?}"),
        }
    }
}
