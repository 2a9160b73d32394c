//! And a messenger of the byte transport.
#![no_std]
#![no_main]

use probes::Stack;
use probes::uses::{bytes, calls};

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut stack = Stack;
    loop {
        calls(&mut stack);
        bytes(&mut stack);
    }
}
