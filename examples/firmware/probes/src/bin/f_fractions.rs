//! And fractions in it.
#![no_std]
#![no_main]

use cable_car::nal::{BroadcastConnector, Messenger};
use probes::uses::{BUFFER, broadcast, bytes, calls, direct, fractions};
use probes::{Bytes, Fractions, Socket, Stack};

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut stack = Stack;
    loop {
        calls(&mut stack);
        bytes(&mut stack);
        broadcast(&mut stack);
        direct(&mut stack);
        fractions(&mut stack);
    }
}

/// What each link takes of memory, told by the size of a variable.
macro_rules! sizes {
    ($($name:ident: $type:ty),+ $(,)?) => {
        $(#[used]
        static $name: [u8; size_of::<$type>()] = [0; size_of::<$type>()];)+
    };
}

sizes! {
    SIZE_LINK_BYTE: Messenger<Bytes, Socket, [u8; BUFFER], [u8; BUFFER]>,
    SIZE_LINK_JSON: Messenger<Fractions<'static>, Socket, [u8; BUFFER], [u8; BUFFER]>,
    SIZE_CONNECTOR_4: BroadcastConnector<Stack, 4>,
    SIZE_CONNECTOR_5: BroadcastConnector<Stack, 5>,
}
