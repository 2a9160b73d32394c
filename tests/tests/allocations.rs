//! What runs without asking for memory: the whole core, whatever comes in, the firmware's network stack
//! below it, and messengers on a desktop once their buffers are as large as they get.

use std::fmt::Debug;
use std::net::SocketAddrV4;
use std::time::Duration;

use allocation_counter::measure;
use cable_car::discovery::{
    Action, Announcement, Config, Discovery, Hello, Instance as Who, LONGEST, LinkId, Service,
    Verdict,
};
use cable_car::nal::{BroadcastConnector, Event, Messenger};
use cable_car::{
    ByteMessage, DecodeError, EncodeError, Identify, Instant, Join, JsonMessage, Link, MessageSet,
    Moved, Outgoing, Quit, Reader, SendError, Writer, message_set,
};
use cable_car_smoltcp::{Stack, TcpSocket};
use cable_car_std::{self as desk, BufferSize, DirectClient, DirectServer, RecvError};
use cable_car_tests::contract::Network;
use cable_car_tests::process::PATIENCE;
use cable_car_tests::sample::{Lines, Numbered, Samples};
use cable_car_tests::wired::{End, Wired};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy)]
struct Point {
    x: i16,
    on: bool,
}

impl ByteMessage<'_> for Point {
    const CODE: u8 = 0x10;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.i16(self.x)?;
        payload.bool(self.on)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { x: payload.i16()?, on: payload.bool()? })
    }
}

message_set! {
    #[derive(Debug)]
    enum Bytes: Byte { Identify, Join, Quit, Point }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading<'a> {
    label: &'a str,
    value: f64,
    count: u8,
    list: [i32; 2],
    maybe: Option<char>,
    kind: Kind,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kind {
    Cold,
    Hot { by: u16 },
}

impl JsonMessage for Reading<'_> {
    const NAME: &'static str = "Reading";
}

/// Passes over attributes that it does not know.
#[derive(Debug, Serialize, Deserialize)]
struct Level {
    n: i32,
}

impl JsonMessage for Level {
    const NAME: &'static str = "Level";
}

message_set! {
    #[derive(Debug)]
    enum Texts<'a>: Json { Identify(Identify), Join(Join), Reading(Reading<'a>), Level(Level) }
}

/// Runs it, and fails where it asked for memory.
#[track_caller]
fn without_memory(what: &str, work: impl FnOnce()) {
    let used = measure(work);
    assert_eq!((used.count_total, used.bytes_total), (0, 0), "{what}");
}

/// How many messages and how many errors come of a stream in pieces of this size.
fn receive<S: MessageSet>(stream: &[u8], piece: usize) -> (usize, usize) {
    let mut link: Link<S, _, _> = Link::new([0; 200], []);
    let (mut good, mut bad) = (0, 0);
    let mut get = |link: &mut Link<S, [u8; 200], [u8; 0]>| {
        while let Some(got) = link.get() {
            match got {
                Ok(_) => good += 1,
                Err(_) => bad += 1,
            }
        }
    };
    for mut piece in stream.chunks(piece) {
        while !piece.is_empty() {
            link.receive(|space| {
                let (now, later) = piece.split_at(space.len().min(piece.len()));
                space[..now.len()].copy_from_slice(now);
                piece = later;
                Moved::All(now.len())
            });
            get(&mut link);
            if link.status().is_err() {
                return (good, bad);
            }
        }
    }
    link.receive(|_| Moved::Closed);
    get(&mut link);
    assert!(link.status().is_err());
    (good, bad)
}

#[track_caller]
fn receives_without_memory<S: MessageSet>(what: &str, stream: &[u8], counts: (usize, usize)) {
    for piece in [1, 7, stream.len()] {
        let mut came = (0, 0);
        without_memory(what, || came = receive::<S>(stream, piece));
        assert_eq!(came, counts, "{what}, in pieces of {piece}");
    }
}

#[test]
fn frames_good_and_bad_are_received_without_memory() {
    for (what, stream, counts) in [
        ("messages", &b"\x02\x02\x08\x01ann@pc\x05\x10\x00\x07\x01\x02\x04"[..], (4, 0)),
        ("an unknown code", b"\x03\x77a\x02\x02", (1, 1)),
        (
            "payloads that do not fit",
            b"\x03\x10\x00\x06\x10\x00\x07\x01\x09\x05\x10\x00\x07\x02\x02\x02",
            (1, 3),
        ),
        ("text that is none", b"\x05\x01@\xff\xfe\x02\x02", (1, 1)),
        ("more than the buffer", &[&[255, 0x10][..], &[0; 253], &[2, 2]].concat(), (1, 1)),
        ("a length that can not be", b"\x02\x02\x01\x02\x02", (1, 0)),
        ("the other transport", b"[\"MsgJoin\",{}]\n", (0, 1)),
        ("half a frame", b"\x02\x02\x08\x01a", (1, 0)),
    ] {
        receives_without_memory::<Bytes>(what, stream, counts);
    }
}

#[test]
fn lines_good_and_bad_are_received_without_memory() {
    let reading = br#"["Reading",{"label":"a \ud83d\ude00\u00e9","value":1e-7,"count":255,"list":[1,-2],"maybe":"x","kind":{"Hot":{"by":3}}}]"#;
    let long = format!("[\"Level\",{{\"x\":\"{}\"}}]", "y".repeat(5000));
    let deep = |open: &str, close: &str| {
        format!("[\"Level\",{{\"n\":1,\"x\":{}{}}}]", open.repeat(70), close.repeat(70))
    };
    let (deep, deeper) = (deep("[", "]"), "[".repeat(150));
    for (what, line, counts) in [
        ("text, fractions, lists, enums", &reading[..], (1, 0)),
        ("an attribute twice", br#"["Level",{"n":1,"n":2}]"#, (1, 0)),
        ("attributes that are not known", br#"["Level",{"a":{"b":[1,{}]},"n":7}]"#, (1, 0)),
        ("the same, where they are refused", br#"["Reading",{"what":1}]"#, (0, 1)),
        ("one that is missing", br#"["Level",{}]"#, (0, 1)),
        (
            "one of another type",
            br#"["Level",{"n":"a long text where a number should be"}]"#,
            (0, 1),
        ),
        (
            "an integer of a hundred digits",
            &[b"[\"Level\",{\"n\":", &[b'9'; 100][..], b"}]"].concat(),
            (0, 1),
        ),
        ("NaN", br#"["Level",{"n":NaN}]"#, (0, 1)),
        (
            "half of a surrogate pair",
            br#"["MsgIdentify",{"username":"\ud83d","hostname":"b"}]"#,
            (1, 0),
        ),
        (
            "an unknown name",
            br#"["A name that is longer than what is told of it, and then some",{}]"#,
            (0, 1),
        ),
        ("an unknown variant", br#"["Reading",{"kind":"Warm"}]"#, (0, 1)),
        ("not JSON", b"hello", (0, 1)),
        ("not UTF-8", b"[\"Reading\",{\"label\":\"\xff\"}]", (0, 1)),
        ("an empty line", b"", (0, 1)),
        ("nested deep", deep.as_bytes(), (1, 0)),
        ("nested and never closed", deeper.as_bytes(), (0, 1)),
        ("more than the buffer", long.as_bytes(), (0, 1)),
        ("the other transport", b"\x02\x02", (0, 1)),
    ] {
        let stream = [b"[\"MsgJoin\",{}]\n", line, b"\n[\"MsgJoin\",{}]\n"].concat();
        receives_without_memory::<Texts>(what, &stream, (counts.0 + 2, counts.1));
    }
}

#[test]
fn messages_are_sent_without_memory_and_refused_without() {
    let ann = Identify::new("ann", "pc").expect("plain names");
    let reading = |label| Reading {
        label,
        value: -0.1,
        count: 7,
        list: [1, -2],
        maybe: None,
        kind: Kind::Hot { by: 3 },
    };
    let long = "x".repeat(1000);
    without_memory("bytes", || {
        let mut link: Link<Bytes, _, _> = Link::new([], [0; 64]);
        for _ in 0..100 {
            while link.send(&Point { x: 5, on: true }).is_ok() {}
            assert_eq!(link.send(&ann), Err(SendError::WouldBlock));
            link.transmit(|bytes| Moved::Some(bytes.len().min(17)));
            assert_eq!((link.send(&ann), link.send(&Join)), (Ok(()), Ok(())));
            link.transmit(|bytes| Moved::All(bytes.len()));
        }
    });
    without_memory("lines", || {
        let mut link: Link<Texts<'_>, _, _> = Link::new([], [0; 300]);
        for _ in 0..100 {
            while link.send(&reading("h\u{e9} \u{1f600}")).is_ok() {}
            assert!(matches!(link.send(&reading(&long)), Err(SendError::WouldBlock)));
            link.transmit(|bytes| Moved::All(bytes.len()));
            assert_eq!(link.send(&reading(&long)), Err(SendError::TooLong { limit: 300 }));
            assert_eq!(link.send(&ann), Ok(()));
            link.transmit(|bytes| Moved::All(bytes.len()));
        }
    });
}

fn announcement(instance: u64) -> Announcement {
    Announcement {
        instance: Who::new(instance),
        tcp_port: 8223,
        service: Service::NONE,
        goodbye: false,
        answer: false,
    }
}

/// More peers than there is room for, by every way that they may come and go.
#[test]
fn discovery_runs_without_memory() {
    let mut linked = 0_u32;
    without_memory("discovery", || {
        let me = Who::new(500);
        let mut discovery: Discovery<16> = Discovery::new(Config::new(me), Instant::default());
        let mut last: Option<LinkId> = None;
        for step in 0..5000_u64 {
            let now = Instant::from_millis(step * 20);
            let from = SocketAddrV4::new([10, 0, 0, step as u8 % 50].into(), 5000);
            let other = 1 + step % 1000;
            let hello =
                Hello { welcome: false, from: Who::new(other), to: me, service: Service::NONE };
            let mut link = None;
            match step % 7 {
                0 => discovery.heard(now, from, b"BROADCAST"),
                1 => discovery.heard(now, from, b"BROADCASTING"),
                2 => {
                    let said = Announcement { goodbye: step % 3 == 0, ..announcement(other) };
                    discovery.heard(now, from, said.write(&mut [0; LONGEST]));
                }
                3 => link = link_of(&discovery.came(now, *from.ip(), &hello)),
                4 => link = link_of(&discovery.came_without_hello(now, *from.ip())),
                5 => drop(last.take().and_then(|link| discovery.unlinked(now, link))),
                _ => discovery.heard(now, from, announcement(other).write(&mut [0; LONGEST])),
            }
            while let Some(action) = discovery.poll(now) {
                let Action::Dial(dial, _) = action else { continue };
                if step % 2 == 0 {
                    discovery.dial_failed(now, dial);
                } else {
                    discovery.reached(now, dial);
                    // Only by chance the one that was dialled.
                    let welcome = Hello {
                        welcome: true,
                        from: Who::new(other),
                        to: me,
                        service: Service::NONE,
                    };
                    link = link.or(discovery.welcomed(now, dial, &welcome));
                }
            }
            assert!(discovery.poll_at() > Some(now));
            linked += u32::from(link.is_some());
            last = link.or(last);
        }
    });
    assert!(linked > 100, "{linked} links");
}

fn link_of(verdict: &Verdict) -> Option<LinkId> {
    match verdict {
        Verdict::Link { link, .. } => Some(*link),
        Verdict::Refuse => None,
    }
}

/// As firmware runs it: a stack, a connector, a link with buffers of its own.
struct Board {
    connector: BroadcastConnector<Stack<'static, End>, 4>,
    peer: Option<Messenger<Bytes, TcpSocket, [u8; 128], [u8; 128]>>,
    got: u32,
}

impl Board {
    fn new(instance: u64, now: Instant) -> Self {
        let config = Config::new(Who::new(instance));
        let connector = BroadcastConnector::new(config, now).alone_on_host();
        Self { connector, peer: None, got: 0 }
    }

    fn poll(&mut self, stack: &mut Stack<'static, End>, now: Instant) {
        while let Ok(Some(event)) = self.connector.poll(stack, now) {
            if let Event::Joined { connection, .. } = event {
                self.peer = Some(Messenger::new(connection, [0; 128], [0; 128]));
            }
        }
        if let Some(peer) = &mut self.peer {
            while peer.send(&Point { x: 1, on: false }).is_ok() {}
            peer.xfer(stack).expect("it stands");
            while let Some(message) = peer.get() {
                self.got += u32::from(message.is_ok());
            }
        }
    }
}

#[test]
fn two_boards_find_each_other_and_talk_without_memory() {
    let mut net = Wired::new();
    let (mut left, mut right) = (Board::new(1, net.now()), Board::new(2, net.now()));
    without_memory("two boards", || {
        let end = net.now() + Duration::from_secs(5);
        while net.now() < end {
            let now = net.now();
            left.poll(&mut net.left, now);
            right.poll(&mut net.right, now);
            net.settle();
        }
        left.connector.stop(&mut net.left);
        right.connector.stop(&mut net.right);
    });
    assert!(left.got > 1000 && right.got > 1000, "{} and {} messages", left.got, right.got);
}

#[test]
fn messengers_on_a_desktop_ask_for_memory_once() {
    desktop::<Samples>(&Point { x: 1, on: true });
    desktop::<Lines<'static>>(&Level { n: 1 });
}

/// The second time that so much is passed takes no memory, though some of it is not understood.
fn desktop<S: Numbered>(nonsense: &impl Outgoing<S::Transport>) {
    const MESSAGES: u64 = 2000;
    let mut server = DirectServer::bind("127.0.0.1:0").expect("a port");
    let client = DirectClient::new(server.local_address().expect("bound"));
    let size = BufferSize { initial: 1 << 10, limit: 1 << 20 };
    let mut here: desk::Messenger<S> =
        desk::Messenger::with_buffers(client.connect().expect("dialled"), size);
    let there = server.accept(Some(PATIENCE)).expect("accepted");
    let mut there: desk::Messenger<S> = desk::Messenger::with_buffers(there, size);
    let pass = |here: &mut desk::Messenger<S>, there: &mut desk::Messenger<S>| {
        for number in 0..MESSAGES {
            here.send(&S::numbered(number)).expect("room");
        }
        here.send(nonsense).expect("room");
        let (mut good, mut bad) = (0, 0);
        while bad == 0 {
            here.xfer().expect("it stands");
            match there.recv(Some(PATIENCE)) {
                Ok(message) => good += u64::from(S::is(&Ok(message), good)),
                Err(RecvError::Bad(_)) => bad += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(good, MESSAGES);
    };
    pass(&mut here, &mut there);
    // What a wait takes, it takes at the first one.
    assert!(!there.wait(Some(Duration::from_millis(1))).expect("readiness"));
    without_memory("a messenger that has passed as much before", || pass(&mut here, &mut there));
}
