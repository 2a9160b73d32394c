//! The runtime and a stack that does nothing.
#![no_std]
#![no_main]

use probes::Stack;
use probes::uses::calls;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut stack = Stack;
    loop {
        calls(&mut stack);
    }
}
