//! And direct connections, to and from.
#![no_std]
#![no_main]

use probes::Stack;
use probes::uses::{broadcast, bytes, calls, direct};

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut stack = Stack;
    loop {
        calls(&mut stack);
        bytes(&mut stack);
        broadcast(&mut stack);
        direct(&mut stack);
    }
}
