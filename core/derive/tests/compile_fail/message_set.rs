use cable_car::{Join, MessageSet, Quit};

#[derive(MessageSet)]
enum NoTransport {
    Join(Join),
}

#[derive(MessageSet)]
#[messages(bytes)]
enum Misspelt {
    Join(Join),
}

#[derive(MessageSet)]
#[messages(byte, json)]
enum Both {
    Join(Join),
}

#[derive(MessageSet)]
#[messages(byte)]
struct Struct {
    join: Join,
}

#[derive(MessageSet)]
#[messages(byte)]
enum Empty {}

#[derive(MessageSet)]
#[messages(byte)]
enum NoType {
    Join,
}

#[derive(MessageSet)]
#[messages(byte)]
enum TwoTypes {
    JoinAndQuit(Join, Quit),
}

#[derive(MessageSet)]
#[messages(byte)]
enum Named {
    Join { join: Join },
}

#[derive(MessageSet)]
#[messages(byte)]
enum Open<T> {
    Join(T),
}

#[derive(MessageSet)]
#[messages(byte)]
enum Lifetimes<'a, 'b> {
    One(One<'a>),
    Two(Two<'b>),
}

fn main() {}
