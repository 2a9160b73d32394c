use cable_car::{ByteMessage, Identify, Join, JsonMessage, MessageSet, message_set};
use serde::{Deserialize, Serialize};

#[derive(ByteMessage)]
#[message(code = 0x10)]
struct TooLong {
    one: [u8; 200],
    other: [u8; 53],
}

type Text<'a> = &'a str;

#[derive(ByteMessage)]
#[message(code = 0x10)]
struct AliasNotLast<'a> {
    name: Text<'a>,
    age: u8,
}

#[derive(ByteMessage)]
#[message(code = 0x02)]
struct Two;

#[derive(MessageSet)]
#[messages(byte)]
enum Codes {
    Identify(Identify),
    Join(Join),
    Other(Two),
}

message_set! { enum CodesByMacro: Byte { Identify, Join, Other(Two) } }

#[derive(Serialize, Deserialize, JsonMessage)]
#[message(name = "MsgJoin")]
struct MsgJoin;

#[derive(MessageSet)]
#[messages(json)]
enum Names {
    Identify(Identify),
    Join(Join),
    Other(MsgJoin),
}

message_set! { enum NamesByMacro: Json { Identify, Join, Other(MsgJoin) } }

fn main() {}
