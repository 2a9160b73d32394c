//! And discovery.
#![no_std]
#![no_main]

use core::hint::black_box;

use cable_car::Identify;
use cable_car::discovery::{Config, Instance};
use cable_car::nal::{BroadcastConnector, Event, Messenger};
use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack};
use probes::{Bytes, Position, Stack, connection, now, remote};

const BUFFER: usize = 256;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut stack = Stack;
    loop {
        calls(&mut stack);
        bytes(&mut stack);
        broadcast(&mut stack);
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

fn bytes(stack: &mut Stack) {
    let mut peer: Messenger<Bytes, _, _, _> =
        Messenger::new(connection(), [0; BUFFER], [0; BUFFER]);
    while peer.xfer(stack).is_ok() {
        while let Some(message) = peer.get() {
            black_box(message.is_ok());
        }
        black_box(peer.send(&Position { x: black_box(1), y: 2 }).is_ok());
        if let Ok(me) = Identify::new(black_box("ann"), black_box("pc")) {
            black_box(peer.send(&me).is_ok());
        }
    }
}

fn broadcast(stack: &mut Stack) {
    let mut connector: BroadcastConnector<Stack, 4> =
        BroadcastConnector::new(Config::new(Instance::new(7)), now()).alone_on_host();
    while !connector.is_stopped() {
        if let Ok(Some(Event::Joined { connection: peer, link, .. })) = connector.poll(stack, now())
        {
            black_box(peer);
            black_box(connector.unlinked(now(), link));
        }
        black_box(connector.poll_at());
    }
}
