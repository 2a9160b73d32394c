//! What the probes do with cable-car, a little more each.

use core::hint::black_box;

use cable_car::Identify;
use cable_car::discovery::{Config, Instance};
use cable_car::nal::{BroadcastConnector, DirectClient, DirectServer, Event, Messenger};
use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack};

use crate::{Bytes, Fractions, Lines, Position, Reading, Stack, connection, now, remote};

/// The size of each buffer of a link.
pub const BUFFER: usize = 256;

/// Every call of the stack, so that its code is not counted as cable-car's.
pub fn calls(stack: &mut Stack) {
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

/// A messenger of the byte transport.
pub fn bytes(stack: &mut Stack) {
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

/// Discovery.
pub fn broadcast(stack: &mut Stack) {
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

/// Direct connections, to and from.
pub fn direct(stack: &mut Stack) {
    let mut client = DirectClient::new(remote(), now());
    let mut server = DirectServer::new(8223, None);
    while black_box(true) {
        black_box(client.poll(stack, now()).is_ok());
        black_box(server.poll(stack, now()).is_ok());
    }
}

/// A messenger of the JSON transport.
pub fn lines(stack: &mut Stack) {
    let mut peer: Messenger<Lines, _, _, _> =
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

/// A messenger of the JSON transport whose messages have fractions.
pub fn fractions(stack: &mut Stack) {
    let mut peer: Messenger<Fractions<'static>, _, _, _> =
        Messenger::new(connection(), [0; BUFFER], [0; BUFFER]);
    while peer.xfer(stack).is_ok() {
        while let Some(message) = peer.get() {
            black_box(message.is_ok());
        }
        black_box(peer.send(&Reading { name: black_box("a"), value: black_box(0.5) }).is_ok());
        if let Ok(me) = Identify::new(black_box("ann"), black_box("pc")) {
            black_box(peer.send(&me).is_ok());
        }
    }
}
