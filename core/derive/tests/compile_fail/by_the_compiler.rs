use cable_car::{AnyJson, ByteMessage, Join, Link, MessageSet};

struct Point {
    x: i16,
}

#[derive(ByteMessage)]
#[message(code = 0x10)]
struct NotAField {
    at: Point,
}

#[derive(ByteMessage)]
#[message(code = 0x11)]
struct Fire {
    power: u8,
}

const CODE: u16 = 0x10;

#[derive(ByteMessage)]
#[message(code = CODE)]
struct CodeOfAnotherType;

#[derive(MessageSet)]
#[messages(byte)]
enum NotAMessage {
    Join(Join),
    Point(Point),
}

#[derive(MessageSet)]
#[messages(json)]
enum NotAJsonMessage {
    Point(Point),
}

fn other_transport(link: &mut Link<AnyJson, [u8; 64], [u8; 64]>) {
    let _ = link.send(&Fire { power: 1 });
}

fn main() {}
