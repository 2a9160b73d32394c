//! Datagrams that should be beacons, and the first bytes of connections that should be hellos: what
//! is understood is written as it was read, and a hello is the same however it comes in.
#![no_main]

use cable_car::discovery::{Beacon, Hello, HelloReader, LONGEST, MARK, Opening};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    beacon(input);
    // Most of what comes to mind is no beacon by its first bytes.
    beacon(&[MARK, input].concat());
    hello(input);
    for step in 1..4 {
        opening(input, step);
    }
});

fn beacon(datagram: &[u8]) {
    match Beacon::read(datagram) {
        None => {}
        Some(Beacon::Legacy) => assert_eq!(datagram, MARK),
        Some(Beacon::Extended(said)) => {
            let mut space = [0; LONGEST];
            let written = said.write(&mut space);
            assert_eq!(Beacon::read(written), Some(Beacon::Extended(said.clone())));
            // But for a later version, flags without a meaning, and fields that were added.
            assert!(datagram.len() >= written.len());
            assert_eq!(&datagram[11..written.len()], &written[11..]);
            assert_ne!(said.instance.get(), 0);
            assert_ne!(said.tcp_port, 0);
        }
    }
}

fn hello(bytes: &[u8]) {
    if let Some(hello) = Hello::read(bytes) {
        let mut space = [0; LONGEST];
        let written = hello.write(&mut space);
        assert_eq!(Hello::read(written), Some(hello.clone()));
        assert_eq!(bytes[0], Hello::FIRST_BYTE);
        assert!(bytes.len() >= written.len());
        assert_eq!(&bytes[3..written.len()], &written[3..]);
    }
}

/// A connection on which `stream` comes in, `step` bytes at a time.
fn opening(stream: &[u8], step: usize) {
    let mut reader = HelloReader::default();
    let mut at = 0;
    let opening = loop {
        let wanted = reader.wanted();
        assert!((1..=255).contains(&wanted), "reads on, and {wanted} bytes");
        let to = (at + wanted.min(step)).min(stream.len());
        if to == at {
            break Opening::Part;
        }
        let opening = reader.read(&stream[at..to]);
        at = to;
        if opening != Opening::Part {
            break opening;
        }
    };
    match opening {
        Opening::Message(byte) => assert_eq!((at, byte), (1, stream[0])),
        Opening::Hello(hello) => {
            assert_eq!(at, usize::from(stream[1]), "as many bytes as it says, and none beyond");
            assert_eq!(Hello::read(&stream[..at]), Some(hello));
        }
        Opening::Part => assert_eq!(at, stream.len()),
        Opening::Nonsense => {
            assert_eq!(stream[0], Hello::FIRST_BYTE);
            let whole = stream.get(..usize::from(stream[1])).unwrap_or(stream);
            assert!(whole.len() > LONGEST || Hello::read(whole).is_none());
        }
    }
}
