use cable_car::ByteMessage;

#[derive(ByteMessage)]
struct NoCode {
    x: i16,
}

#[derive(ByteMessage)]
#[message]
struct NoCodeEither;

#[derive(ByteMessage)]
#[message(code = 256)]
struct CodeTooLarge;

#[derive(ByteMessage)]
#[message(code = -1)]
struct CodeTooSmall;

#[derive(ByteMessage)]
#[message(code = "fire")]
struct CodeOfText;

#[derive(ByteMessage)]
#[message(cod = 0x10)]
struct Misspelt;

#[derive(ByteMessage)]
#[message(code = 0x10, code = 0x11)]
struct Twice;

#[derive(ByteMessage)]
#[message(code = 0x10, prefixed)]
struct PrefixedAsAWhole(u8);

#[derive(ByteMessage)]
#[message(code = 0x10)]
enum Enum {
    One,
}

#[derive(ByteMessage)]
#[message(code = 0x10)]
enum Empty {}

#[derive(ByteMessage)]
#[message(code = 0x10)]
union Union {
    a: u8,
    b: i8,
}

fn main() {}
