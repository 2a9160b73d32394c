use cable_car::ByteMessage;

#[derive(ByteMessage)]
#[message(code = 0x10)]
struct TextNotLast<'a> {
    name: &'a str,
    age: u8,
}

#[derive(ByteMessage)]
#[message(code = 0x10)]
struct ManyMistakes<'a> {
    data: &'a [u8],
    count: usize,
    letter: char,
    pair: (u8, u8),
    list: Vec<u16>,
    maybe: Option<u8>,
    words: [&'a str; 2],
    numbers: &'a [u16],
    changed: &'a mut [u8],
    rest: &'static str,
}

#[derive(ByteMessage)]
#[message(code = 0x10)]
struct Prefix {
    #[message(prefixed)]
    x: u8,
    #[message(prefixd)]
    y: u8,
    #[message(code = 0x11)]
    z: u8,
}

fn main() {}
