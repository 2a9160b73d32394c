use cable_car::{Join, message_set};

message_set! { enum NoTransport { Join } }

message_set! { enum Misspelt: Bytes { Join } }

fn main() {}
