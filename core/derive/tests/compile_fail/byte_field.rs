use cable_car::ByteField;

#[derive(ByteField)]
enum NoRepr {
    One,
}

#[derive(ByteField)]
#[repr(u16)]
enum TwoBytes {
    One,
}

#[derive(ByteField)]
#[repr(u8)]
enum WithData {
    One(u8),
}

#[derive(ByteField)]
#[repr(u8)]
enum Told {
    #[message(prefixed)]
    One,
}

#[derive(ByteField)]
enum Empty {}

#[derive(ByteField)]
union Union {
    a: u8,
    b: i8,
}

#[derive(ByteField)]
#[message(code = 0x10)]
struct WithCode(u8);

fn main() {}
