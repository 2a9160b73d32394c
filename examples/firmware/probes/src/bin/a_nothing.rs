//! The runtime and a stack that does nothing.
#![no_std]
#![no_main]

use core::hint::black_box;

use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack};
use probes::{Stack, now, remote};

const BUFFER: usize = 256;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut stack = Stack;
    loop {
        calls(&mut stack);
    }
}

/// Every call of the stack, so that its code is not counted as cable-car's.
fn calls(stack: &mut Stack) {
    let Ok(mut socket) = TcpClientStack::socket(stack) else { return };
    let mut buffer = [0; BUFFER];
    black_box(TcpClientStack::connect(stack, &mut socket, remote()).is_ok());
    black_box(TcpFullStack::bind(stack, &mut socket, 1).is_ok());
    black_box(TcpFullStack::listen(stack, &mut socket).is_ok());
    black_box(TcpFullStack::accept(stack, &mut socket).is_ok());
    black_box(TcpClientStack::send(stack, &mut socket, &buffer).is_ok());
    black_box(TcpClientStack::receive(stack, &mut socket, &mut buffer).is_ok());
    black_box(TcpClientStack::close(stack, socket).is_ok());
    let Ok(mut socket) = UdpClientStack::socket(stack) else { return };
    black_box(UdpFullStack::bind(stack, &mut socket, 1).is_ok());
    black_box(UdpFullStack::send_to(stack, &mut socket, remote(), &buffer).is_ok());
    black_box(UdpClientStack::receive(stack, &mut socket, &mut buffer).is_ok());
    black_box(UdpClientStack::close(stack, socket).is_ok());
    black_box(now());
}
