//! A stream of bytes that should be frames, into a link: what comes out is what a few plain lines
//! make of the same bytes, however they are cut, and what is sent on is what came.
#![no_main]

use cable_car::{
    AnyByte, BadMessage, Byte, ByteFrame, Link, LinkError, MessageSet, Moved, Outgoing,
};
use cable_car_fuzz::Cutting;
use cable_car_tests::messages::Client;
use cable_car_tests::stream::{Fixed, Growable, Reading, outcome};
use libfuzzer_sys::fuzz_target;

const SIZES: &[usize] = &[255, 256, 1, 2, 3, 16, 254, 400];

fuzz_target!(|input: &[u8]| {
    let Some(Cutting { size, stream, cuts }) = Cutting::new(input, SIZES) else {
        return;
    };
    let expected = model(stream, size);
    for reading in [Reading::Eager, Reading::Late] {
        assert_eq!(outcome::<AnyByte, _>(stream, &cuts, Fixed::new(size), reading), expected);
    }
    let grown = outcome::<AnyByte, _>(stream, &cuts, Growable::new(size), Reading::Eager);
    assert_eq!(grown, expected, "in memory that grows");

    let typed = outcome::<Client, _>(stream, &cuts, Fixed::new(size), Reading::Eager);
    assert_eq!(typed.1, expected.1);
    // A frame that never becomes complete may be told for what it is: JSON.
    let told =
        typed.0.len() - usize::from(typed.0.last().is_some_and(|item| item == "Err(JsonText)"));
    assert!((told..=typed.0.len()).contains(&expected.0.len()));
    send_on(stream);
});

/// What should come out: each item as `Debug` shows it, and the end.
fn model(stream: &[u8], size: usize) -> (Vec<String>, Result<(), LinkError>) {
    let mut items = Vec::new();
    let mut rest = stream;
    let end = loop {
        let Some(&length) = rest.first() else {
            break LinkError::ClosedByPeer;
        };
        let len = usize::from(length);
        if len < 2 {
            break LinkError::FrameLength { length };
        }
        if len > size && rest.len() >= size {
            items.push(format!("Err(TooLong {{ buffer: {size} }})"));
        }
        if len > rest.len() {
            break LinkError::ClosedWithinFrame { bytes: rest.len() };
        }
        if len <= size {
            let frame = ByteFrame { code: rest[1], payload: &rest[2..len] };
            items.push(format!("{:?}", Ok::<_, ()>(frame)));
        }
        rest = &rest[len..];
    };
    (items, Err(end))
}

/// Every message that is understood is written again as it came.
fn send_on(stream: &[u8]) {
    let mut link: Link<Client, _, _> = Link::new(Fixed::new(stream.len() + 1), []);
    link.receive(|space| match stream.len() {
        0 => Moved::Idle,
        len => {
            space[..len].copy_from_slice(stream);
            Moved::All(len)
        }
    });
    let mut at = 0;
    while let Some(got) = link.get() {
        let len = usize::from(stream[at]);
        let Some(came) = stream.get(at..at + len) else {
            // What is no frame to the end was told for what it is.
            assert_eq!(got.err(), Some(BadMessage::JsonText));
            return;
        };
        let mut space = [0; Byte::LONGEST_SENT];
        let written = match got {
            // Names that are not ASCII are read, and not sent: no Python program could take them.
            Ok(Client::Identify(message)) if !message.to_string().is_ascii() => came,
            Ok(Client::Identify(message)) => write(&message, &mut space),
            Ok(Client::Join(message)) => write(&message, &mut space),
            Ok(Client::Retry(message)) => write(&message, &mut space),
            Ok(Client::Quit(message)) => write(&message, &mut space),
            Ok(Client::Numbered(message)) => write(&message, &mut space),
            Err(bad) => {
                assert!(!bad.to_string().is_empty());
                came
            }
        };
        // Data of a message that has none are ignored.
        let expected = if matches!(came[1], 2..=4) { &[2, came[1]][..] } else { came };
        assert_eq!(written, expected);
        at += len;
    }
}

fn write<'a, M: Outgoing<<Client as MessageSet>::Transport>>(
    message: &M,
    space: &'a mut [u8],
) -> &'a [u8] {
    let len = message.write_frame(space).expect("what came can be sent");
    &space[..len]
}
