use cable_car::JsonMessage;

#[derive(JsonMessage)]
#[message(name = "")]
struct NoName;

#[derive(JsonMessage)]
#[message(name = Chat)]
struct NameOfNoText;

#[derive(JsonMessage)]
#[message(nam = "MsgChat")]
struct Misspelt;

#[derive(JsonMessage)]
struct NoNames(u8, u8);

#[derive(JsonMessage)]
struct Field {
    #[message(name = "x")]
    y: u8,
}

#[derive(JsonMessage)]
enum Plain {
    One,
    Two,
}

#[derive(JsonMessage)]
enum Empty {}

#[derive(JsonMessage)]
union Union {
    a: u8,
    b: i8,
}

fn main() {}
