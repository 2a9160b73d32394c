//! Byte messages to the byte, both ways.

use cable_car::{
    AnyByte, BadMessage, Byte, ByteFrame, ByteMessage, DecodeError, EncodeError, Identify, Join,
    Link, Moved, Outgoing, Quit, Reader, Retry, SendError, Writer, message_set,
};

#[derive(Debug, PartialEq)]
struct Custom<'a>(&'a [u8]);

impl<'a> ByteMessage<'a> for Custom<'a> {
    const CODE: u8 = 0x11;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.bytes(self.0)
    }

    fn decode(payload: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(payload.rest()))
    }
}

message_set! {
    #[derive(Debug)]
    enum Set<'a>: Byte { Identify, Join, Retry, Quit, Custom(Custom<'a>) }
}

fn written(message: &impl Outgoing<Byte>) -> Result<Vec<u8>, EncodeError> {
    let mut space = [0xee; 512];
    message.write_frame(&mut space).map(|len| space[..len].to_vec())
}

fn read<R>(frame: &[u8], look: impl FnOnce(Result<Set<'_>, BadMessage>) -> R) -> R {
    let mut link: Link<Set<'_>, _, _> = Link::new([0; 255], [0; 0]);
    link.receive(|space| {
        space[..frame.len()].copy_from_slice(frame);
        Moved::All(frame.len())
    });
    look(link.get().expect("one frame"))
}

fn ann() -> Identify {
    Identify::new("ann", "pc").expect("short names")
}

#[test]
fn standard_messages() {
    let identify = vec![0x08, 0x01, 0x61, 0x6e, 0x6e, 0x40, 0x70, 0x63];
    assert_eq!(written(&ann()), Ok(identify));
    assert_eq!(written(&Join), Ok(vec![0x02, 0x02]));
    assert_eq!(written(&Retry), Ok(vec![0x02, 0x03]));
    assert_eq!(written(&Quit), Ok(vec![0x02, 0x04]));
    read(b"\x08\x01ann@pc", |got| {
        assert!(matches!(got, Ok(Set::Identify(identify)) if identify == ann()));
    });
    read(&[2, 2], |got| assert!(matches!(got, Ok(Set::Join(Join)))));
    read(&[2, 3], |got| assert!(matches!(got, Ok(Set::Retry(Retry)))));
    read(&[2, 4], |got| assert!(matches!(got, Ok(Set::Quit(Quit)))));
}

#[test]
fn a_message_of_the_programs_own() {
    assert_eq!(written(&Custom(b"{foo")), Ok(vec![0x06, 0x11, 0x7b, 0x66, 0x6f, 0x6f]));
    read(&[0x06, 0x11, 0x7b, 0x66, 0x6f, 0x6f], |got| {
        assert!(matches!(got, Ok(Set::Custom(Custom(b"{foo")))));
    });
}

#[test]
fn frames_of_254_bytes_are_sent_and_of_255_accepted() {
    let payload = [0xab; 254];
    for len in 0..=252 {
        let frame = [&[len as u8 + 2, 0x11][..], &payload[..len]].concat();
        assert_eq!(written(&Custom(&payload[..len])).as_deref(), Ok(&frame[..]));
    }
    for len in [253, 254] {
        assert_eq!(written(&Custom(&payload[..len])), Err(EncodeError::Full));
        let mut link: Link<AnyByte, _, _> = Link::new([0; 0], [0; 1024]);
        let error = link.send(&Custom(&payload[..len]));
        assert_eq!(error, Err(SendError::TooLong { limit: 254 }));
    }
    for len in 0..=253 {
        let frame = [&[len as u8 + 2, 0x11][..], &payload[..len]].concat();
        read(&frame, |got| {
            assert!(matches!(got, Ok(Set::Custom(Custom(got))) if *got == payload[..len]));
        });
    }
}

#[test]
fn the_bytes_behind_a_message_are_not_touched() {
    let mut space = [0xee; 16];
    assert_eq!(Outgoing::<Byte>::write_frame(&ann(), &mut space), Ok(8));
    assert_eq!(space[8..], [0xee; 8]);
    for len in 0..8 {
        let mut space = vec![0; len];
        assert_eq!(
            Outgoing::<Byte>::write_frame(&ann(), &mut space),
            Err(EncodeError::Full),
            "{len} bytes of room"
        );
    }
}

#[test]
fn identify_takes_what_the_peer_takes() {
    let identify = |payload: &[u8]| {
        let frame = [&[payload.len() as u8 + 2, 1], payload].concat();
        read(&frame, |got| match got {
            Ok(Set::Identify(identify)) => {
                Ok((identify.username().to_owned(), identify.hostname().to_owned()))
            }
            Err(BadMessage::Payload { code: 1, error }) => Err(error),
            other => panic!("{other:?}"),
        })
    };
    let names = |username: &str, hostname: &str| Ok((username.to_owned(), hostname.to_owned()));
    assert_eq!(identify(b"@"), names("", ""));
    assert_eq!(identify(b"ann@"), names("ann", ""));
    assert_eq!(identify(b"ann@corp.example@pc"), names("ann@corp.example", "pc"));
    assert_eq!(identify("é@ü".as_bytes()), names("é", "ü"));
    assert_eq!(identify(b"\xff@pc"), Err(DecodeError::NotText));
    assert!(matches!(identify(b""), Err(DecodeError::Invalid(_))));
    assert!(matches!(identify(b"ann"), Err(DecodeError::Invalid(_))));
    let longest = [&[b'a'; 251][..], b"@"].concat();
    assert_eq!(identify(&longest), names(&"a".repeat(251), ""));
    let too_long = [&[b'a'; 252][..], b"@"].concat();
    assert!(matches!(identify(&too_long), Err(DecodeError::Invalid(_))));

    let odd = Identify::new("é", "pc").expect("short names");
    assert!(matches!(written(&odd), Err(EncodeError::Invalid(_))), "ASCII only on this wire");
    assert!(Identify::new("a@b", "pc").is_err());
    assert!(Identify::new(&"a".repeat(126), &"b".repeat(126)).is_err());
    let longest = Identify::new(&"a".repeat(126), &"b".repeat(125)).expect("252 bytes");
    assert_eq!(written(&longest).map(|frame| frame.len()), Ok(254));
}

#[test]
fn data_with_a_message_that_has_none_are_ignored() {
    read(&[5, 2, 9, 9, 9], |got| assert!(matches!(got, Ok(Set::Join(Join)))));
}

#[test]
fn an_unknown_code_is_told_with_its_size() {
    for code in (0..=255).filter(|code| ![1, 2, 3, 4, 0x11].contains(code)) {
        read(&[5, code, 1, 2, 3], |got| {
            assert_eq!(got.err(), Some(BadMessage::UnknownCode { code, payload: 3 }));
        });
    }
}

#[test]
fn every_number_is_in_network_order() {
    let mut space = [0; 64];
    let mut writer = Writer::new(&mut space);
    // Python: struct.pack(">BbHhIiQqfd?", ...)
    writer.u8(0xfe).expect("room");
    writer.i8(-2).expect("room");
    writer.u16(0x0102).expect("room");
    writer.i16(-2).expect("room");
    writer.u32(0x0102_0304).expect("room");
    writer.i32(-2).expect("room");
    writer.u64(0x0102_0304_0506_0708).expect("room");
    writer.i64(-2).expect("room");
    writer.f32(1.5).expect("room");
    writer.f64(-2.25).expect("room");
    writer.bool(true).expect("room");
    let expected = [
        &[0xfe, 0xfe, 1, 2, 0xff, 0xfe, 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xfe][..],
        &[1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
        &[0x3f, 0xc0, 0, 0, 0xc0, 0x02, 0, 0, 0, 0, 0, 0, 1],
    ];
    assert_eq!(writer.written(), expected.concat());
}

#[test]
fn a_frame_can_be_read_as_any_message() {
    let frame = ByteFrame { code: 0x99, payload: b"ann@pc" };
    assert_eq!(frame.decode::<Identify>(), Ok(ann()));
    let error = DecodeError::Invalid("Identify has no @");
    let frame = ByteFrame { code: 0x99, payload: b"ann" };
    assert_eq!(frame.decode::<Identify>(), Err(BadMessage::Payload { code: 0x99, error }));
}
