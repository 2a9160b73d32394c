use cable_car::{ByteMessage, Join, MessageSet};

struct Point {
    x: i16,
}

#[derive(ByteMessage)]
#[message(code = 0x10)]
struct NotAField {
    at: Point,
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

fn main() {}
