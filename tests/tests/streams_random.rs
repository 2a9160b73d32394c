//! Sending into full buffers, and any order of calls with writes and reads of any size.

use std::collections::VecDeque;

use cable_car::{
    AnyByte, AnyJson, ByteMessage, DecodeError, EncodeError, Join, Link, MessageSet, Moved,
    Outgoing, Reader, SendError, Storage, Writer,
};
use cable_car_tests::random::Random;
use cable_car_tests::stream::{Fixed, Growable};

/// A message of any size.
struct Blob(Vec<u8>);

impl ByteMessage<'_> for Blob {
    const CODE: u8 = 0x40;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.bytes(&self.0)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(payload.rest().to_vec()))
    }
}

/// A line with so long a text.
struct Line(Vec<u8>);

impl Outgoing<cable_car::Json> for Line {
    fn write_frame(&self, space: &mut [u8]) -> Result<usize, EncodeError> {
        let text: String = self.0.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        cable_car::write_line("MsgLine", &[("text", text)].into_iter().collect::<Map>(), space)
    }
}

type Map = std::collections::BTreeMap<&'static str, String>;

/// What a message is on the wire, written down independently.
trait Model: Sized + Outgoing<<Self::Set as MessageSet>::Transport> {
    type Set: MessageSet;

    fn new(payload: Vec<u8>) -> Self;
    fn wire(&self) -> Vec<u8>;
    /// A message that was got, as it was on the wire.
    fn wire_of(message: <Self::Set as MessageSet>::Message<'_>) -> Vec<u8>;
}

impl Model for Blob {
    type Set = AnyByte;

    fn new(payload: Vec<u8>) -> Self {
        Self(payload)
    }

    fn wire(&self) -> Vec<u8> {
        [&[self.0.len() as u8 + 2, 0x40], &self.0[..]].concat()
    }

    fn wire_of(message: cable_car::ByteFrame<'_>) -> Vec<u8> {
        [&[message.payload.len() as u8 + 2, message.code], message.payload].concat()
    }
}

impl Model for Line {
    type Set = AnyJson;

    fn new(payload: Vec<u8>) -> Self {
        Self(payload)
    }

    fn wire(&self) -> Vec<u8> {
        let text: String = self.0.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        format!("[\"MsgLine\",{{\"text\":\"{text}\"}}]\n").into_bytes()
    }

    fn wire_of(message: cable_car::JsonFrame<'_>) -> Vec<u8> {
        assert_eq!(message.name(), "MsgLine");
        let map: serde_json::Value = message.attributes("MsgLine").expect("a good line");
        format!("[\"MsgLine\",{map}]\n").into_bytes()
    }
}

/// Takes all that is queued.
fn drain<S: MessageSet, RX: Storage, TX: Storage>(link: &mut Link<S, RX, TX>) -> Vec<u8> {
    let mut sent = Vec::new();
    link.transmit(|bytes| {
        sent.extend_from_slice(bytes);
        Moved::Some(bytes.len())
    });
    sent
}

#[test]
fn a_send_that_would_block_changes_nothing() {
    for size in 2..=40 {
        for len in 0..=30 {
            for taken in 0..size {
                let mut link: Link<AnyByte, _, _> = Link::new([0; 0], Fixed::new(size));
                let mut model = Vec::new();
                while link.send(&Join).is_ok() {
                    model.extend([2, 2]);
                }
                let mut out = 0;
                link.transmit(|bytes| {
                    out = taken.min(bytes.len());
                    if out == 0 { Moved::Idle } else { Moved::All(out) }
                });
                model.drain(..out);
                // A first attempt may move what waits to the front; from then on nothing moves.
                let blob = Blob(vec![7; len]);
                let first = link.send(&blob);
                if first.is_ok() {
                    model.extend(blob.wire());
                }
                let before = format!("{link:?}");
                match link.send(&Blob(vec![8; size - 1])) {
                    Err(SendError::TooLong { limit }) => assert_eq!(limit, size),
                    Err(SendError::WouldBlock) => assert!(!model.is_empty()),
                    other => panic!("{other:?}"),
                }
                if !model.is_empty() {
                    assert_eq!(format!("{link:?}"), before);
                }
                assert_eq!(link.queued(), model.len());
                assert_eq!(drain(&mut link), model, "size {size}, blob {len}, taken {taken}");
                assert_eq!(link.send(&Join), Ok(()), "a buffer that was emptied takes again");
            }
        }
    }
}

#[test]
fn a_message_that_never_fits_is_told_from_one_that_does_not_fit_now() {
    let mut link: Link<AnyByte, _, _> = Link::new([0; 0], Fixed::new(600));
    assert_eq!(link.send(&Blob(vec![1; 252])), Ok(()));
    assert_eq!(link.send(&Blob(vec![2; 253])), Err(SendError::TooLong { limit: 254 }));
    assert_eq!(link.send(&Blob(vec![2; 252])), Ok(()));
    assert_eq!(link.send(&Blob(vec![3; 252])), Err(SendError::WouldBlock));
    assert_eq!(link.queued(), 508);

    let mut link: Link<AnyJson, _, _> = Link::new([0; 0], Growable::new(100));
    assert_eq!(link.send(&Line(vec![0; 100])), Err(SendError::TooLong { limit: 100 }));
    assert_eq!(link.send(&Line(vec![0; 100 - 24])), Ok(()));
    assert_eq!(link.send(&Line(vec![])), Err(SendError::WouldBlock));
    assert_eq!(drain(&mut link).len(), 100);
    assert_eq!(link.send(&Line(vec![])), Ok(()));
}

/// One sender, one receiver, a wire between them, and calls in any order.
fn play<M: Model>(random: &mut Random, rx: impl Storage, tx: impl Storage, longest: usize) {
    let mut sender: Link<M::Set, _, _> = Link::new([0; 0], tx);
    let mut receiver: Link<M::Set, _, _> = Link::new(rx, [0; 0]);
    let mut unsent = VecDeque::new(); // accepted by send, not transmitted
    let mut wire = VecDeque::new(); // transmitted, not received
    let mut expected = VecDeque::new(); // messages, not got
    let mut got = 0;
    for step in 0.. {
        let winding_up = step > 600;
        if winding_up && expected.is_empty() {
            break;
        }
        assert!(step < 60_000, "stuck with {} messages on the way", expected.len());
        match random.below(4) {
            0 if !winding_up => {
                let len = random.below(longest + 1);
                let message = M::new(random.bytes(len));
                match sender.send(&message) {
                    Ok(()) => {
                        unsent.extend(message.wire());
                        expected.push_back(message.wire());
                    }
                    Err(SendError::WouldBlock) => assert!(!unsent.is_empty()),
                    Err(SendError::TooLong { .. }) => assert!(unsent.is_empty()),
                    Err(error) => panic!("{error}"),
                }
            }
            1 => sender.transmit(|bytes| {
                let waiting: Vec<u8> = unsent.iter().copied().collect();
                assert_eq!(bytes, waiting, "what is offered is all that is queued");
                let count = random.below(bytes.len() + 2).min(bytes.len());
                wire.extend(unsent.drain(..count));
                match (count, random.once_in(2)) {
                    (0, _) => Moved::Idle,
                    (count, true) => Moved::All(count),
                    (count, false) => Moved::Some(count),
                }
            }),
            2 => receiver.receive(|space| {
                let limit = space.len().min(wire.len());
                let count = random.below(limit + 2).min(limit);
                let bytes: Vec<u8> = wire.drain(..count).collect();
                space[..count].copy_from_slice(&bytes);
                match (count, random.once_in(2)) {
                    (0, _) => Moved::Idle,
                    (count, true) => Moved::All(count),
                    (count, false) => Moved::Some(count),
                }
            }),
            _ => {
                for _ in 0..random.below(4) {
                    let Some(message) = receiver.get() else { break };
                    let message = M::wire_of(message.expect("only good messages were sent"));
                    assert_eq!(Some(message), expected.pop_front());
                    got += 1;
                }
            }
        }
        assert_eq!(sender.queued(), unsent.len());
    }
    assert!(got > 0, "nothing was exchanged");
}

#[test]
fn calls_in_any_order_lose_and_change_nothing() {
    let mut random = Random::from_seed_or_time();
    for round in 0..60 {
        let small = 2 + round;
        play::<Blob>(&mut random, Fixed::new(small), Fixed::new(small), small - 2);
        play::<Blob>(&mut random, Fixed::new(255), Fixed::new(300), 252);
        play::<Blob>(&mut random, Growable::new(255), Growable::new(1 << 12), 252);
        let line = 24 + round;
        play::<Line>(&mut random, Fixed::new(line), Fixed::new(line), round);
        play::<Line>(&mut random, Growable::new(1 << 12), Growable::new(line), round);
    }
}
