//! Encoding and decoding alone, in memory: ours, others', and the copy that is the limit.
//!
//! What a [`Kernel`] does is measured in time by `cargo bench -p cable-car-tests`, and in
//! instructions by the program `instructions`.

use std::hint::black_box;

use cable_car::{Link, Moved};
use serde::{Serialize, de::DeserializeOwned};

use crate::sample::{Line, Lines, Numbered, Sample, Samples};

/// How many messages a kernel processes when it is run once.
pub const MESSAGES: u64 = 1000;

/// As much as `MESSAGES` take in any format.
const SPACE: usize = 80 * MESSAGES as usize;

/// Something that is done to [`MESSAGES`] messages.
pub struct Kernel {
    /// What it is.
    pub name: &'static str,
    /// Prepares the messages, and gives what processes them.
    pub prepare: fn() -> Box<dyn FnMut()>,
}

/// All of them.
pub const KERNELS: &[Kernel] = &[
    Kernel { name: "byte: copy", prepare: || copy::<{ Sample::FRAME }>() },
    Kernel { name: "byte: encode", prepare: || encode::<Samples>() },
    Kernel { name: "byte: decode", prepare: || decode::<Samples>() },
    Kernel { name: "byte: encode, postcard", prepare: encode_postcard },
    Kernel { name: "byte: decode, postcard", prepare: decode_postcard },
    Kernel { name: "JSON: copy", prepare: || copy::<{ Line::FRAME }>() },
    Kernel { name: "JSON: encode", prepare: || encode::<Lines<'static>>() },
    Kernel { name: "JSON: decode", prepare: || decode::<Lines<'static>>() },
    Kernel { name: "JSON: encode, serde_json", prepare: encode_serde_json },
    Kernel { name: "JSON: decode, serde_json", prepare: decode_serde_json },
    Kernel { name: "JSON: encode, serde-json-core", prepare: encode_serde_json_core },
    Kernel { name: "JSON: decode, serde-json-core", prepare: decode_serde_json_core },
];

/// The kernel of that name.
#[must_use]
pub fn kernel(name: &str) -> Option<&'static Kernel> {
    KERNELS.iter().find(|kernel| kernel.name == name)
}

fn copy<const FRAME: usize>() -> Box<dyn FnMut()> {
    let source = vec![7; FRAME * MESSAGES as usize];
    let mut target = source.clone();
    Box::new(move || {
        let (source, target) = (black_box(&source), black_box(&mut target));
        for (from, to) in source.chunks_exact(FRAME).zip(target.chunks_exact_mut(FRAME)) {
            to.copy_from_slice(from);
        }
        black_box(target);
    })
}

/// A link into which messages are sent, and whose bytes go nowhere.
fn encode<S: Numbered + 'static>() -> Box<dyn FnMut()> {
    let mut link: Link<S, _, _> = Link::new([0; 0], vec![0; SPACE].leak());
    Box::new(move || {
        for number in 0..MESSAGES {
            link.send(&S::numbered(number)).expect("there is room");
        }
        link.transmit(|bytes| Moved::All(black_box(bytes).len()));
    })
}

/// A link whose bytes come from memory, and from which messages are got.
fn decode<S: Numbered + 'static>() -> Box<dyn FnMut()> {
    let mut bytes = Vec::new();
    let mut sender: Link<S, _, _> = Link::new([0; 0], vec![0; SPACE].leak());
    for number in 0..MESSAGES {
        sender.send(&S::numbered(number)).expect("there is room");
    }
    sender.transmit(|sent| {
        bytes.extend(sent);
        Moved::All(sent.len())
    });
    let mut link: Link<S, _, _> = Link::new(vec![0; SPACE].leak(), [0; 0]);
    Box::new(move || {
        link.receive(|space| {
            space[..bytes.len()].copy_from_slice(black_box(&bytes));
            Moved::All(bytes.len())
        });
        let mut number = 0;
        while let Some(message) = link.get() {
            assert!(S::is(&message, number), "message {number} is another one");
            number += 1;
        }
        assert_eq!(number, MESSAGES);
    })
}

/// Writes one message after the other with `write`, which gives the length of what it wrote.
fn write_all<M>(message: fn(u64) -> M, write: fn(&M, &mut [u8]) -> usize) -> Box<dyn FnMut()>
where
    M: 'static,
{
    let mut space = vec![0; SPACE];
    Box::new(move || {
        let mut rest = space.as_mut_slice();
        for number in 0..MESSAGES {
            let len = write(&message(number), rest);
            rest = &mut rest[len..];
        }
        black_box(&space);
    })
}

/// What [`write_all`] leaves, message by message.
fn written<M>(message: fn(u64) -> M, write: fn(&M, &mut [u8]) -> usize) -> Vec<Vec<u8>> {
    let one = |number| {
        let mut space = vec![0; SPACE];
        let len = write(&message(number), &mut space);
        space.truncate(len);
        space
    };
    (0..MESSAGES).map(one).collect()
}

fn encode_postcard() -> Box<dyn FnMut()> {
    write_all(Sample::numbered, to_postcard)
}

fn decode_postcard() -> Box<dyn FnMut()> {
    fn read<M: DeserializeOwned>(bytes: &[u8]) -> Option<(M, &[u8])> {
        postcard::take_from_bytes(bytes).ok()
    }
    let bytes = written(Sample::numbered, to_postcard).concat();
    Box::new(move || {
        let mut rest = black_box(bytes.as_slice());
        for number in 0..MESSAGES {
            let (sample, behind) = read::<Sample>(rest).expect("a message");
            assert_eq!(sample, Sample::numbered(number));
            rest = behind;
        }
    })
}

fn to_postcard<M: Serialize>(message: &M, space: &mut [u8]) -> usize {
    postcard::to_slice(message, space).expect("there is room").len()
}

/// A class name and attributes, as a line is for those who know no messages.
type Pair = (&'static str, Line<'static>);

fn pair(number: u64) -> Pair {
    ("MsgSample", Line::numbered(number))
}

fn encode_serde_json() -> Box<dyn FnMut()> {
    write_all(pair, |pair, space| {
        let len = space.len();
        let mut rest = space;
        serde_json::to_writer(&mut rest, pair).expect("there is room");
        len - rest.len()
    })
}

fn encode_serde_json_core() -> Box<dyn FnMut()> {
    write_all(pair, to_serde_json_core)
}

fn to_serde_json_core(pair: &Pair, space: &mut [u8]) -> usize {
    serde_json_core::to_slice(pair, space).expect("there is room")
}

fn decode_serde_json() -> Box<dyn FnMut()> {
    read_lines(|line| serde_json::from_slice(line).ok())
}

fn decode_serde_json_core() -> Box<dyn FnMut()> {
    read_lines(|line| serde_json_core::from_slice(line).ok().map(|(pair, _)| pair))
}

fn read_lines(read: fn(&[u8]) -> Option<(&str, Line<'_>)>) -> Box<dyn FnMut()> {
    let lines = written(pair, to_serde_json_core);
    Box::new(move || {
        for (number, line) in (0..).zip(black_box(&lines)) {
            assert_eq!(read(line), Some(pair(number)));
        }
    })
}
