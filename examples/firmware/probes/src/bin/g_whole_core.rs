//! All that the core does with the byte transport, for the proof that none of it can panic.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::net::Ipv4Addr;
use core::time::Duration;

use cable_car::discovery::{Config, Instance, Service};
use cable_car::nal::{BroadcastConnector, Event, Messenger};
use cable_car::{AnyByte, Instant, Join};
use probes::Stack;
use probes::uses::{BUFFER, broadcast, bytes, calls, direct};
use probes::{connection, now};

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut stack = Stack;
    loop {
        calls(&mut stack);
        bytes(&mut stack);
        broadcast(&mut stack);
        direct(&mut stack);
        any_options(&mut stack);
        any_frames(&mut stack);
    }
}

/// A connector whose every option may be anything.
fn any_options(stack: &mut Stack) {
    let config = Config {
        service: Service::new(black_box("service")).unwrap_or_default(),
        udp_port: black_box(1),
        tcp_port: black_box(2),
        interval: black_box(Duration::ZERO),
        allow_loopback: black_box(true),
        connect_timeout: black_box(Duration::MAX),
        timeout: black_box(Some(Duration::MAX)),
        once: black_box(false),
        ..Config::new(Instance::new(black_box(7)))
    };
    let mut connector: BroadcastConnector<Stack, 16> = BroadcastConnector::new(config, now());
    connector.set_destinations(black_box([Ipv4Addr::BROADCAST; 3]));
    while let Ok(event) = connector.poll(stack, black_box(now())) {
        if let Some(Event::Joined { connection, link, .. }) = event {
            black_box(connection);
            black_box(connector.unlinked(now(), link));
        }
        black_box(connector.poll_at());
        for linked in connector.linked() {
            black_box(linked);
        }
    }
    connector.stop(stack);
}

/// A messenger whose memory may be of any size, or none.
fn any_frames(stack: &mut Stack) {
    let (mut rx, mut tx) = ([0; BUFFER], [0; BUFFER]);
    let rx = rx.get_mut(..black_box(BUFFER)).unwrap_or_default();
    let tx = tx.get_mut(..black_box(BUFFER)).unwrap_or_default();
    let mut peer: Messenger<AnyByte, _, &mut [u8], &mut [u8]> =
        Messenger::new(connection(), rx, tx);
    while peer.xfer(stack).is_ok() {
        while let Some(Ok(frame)) = peer.get() {
            black_box((frame.code, frame.payload));
        }
        black_box(peer.send(&Join).is_ok());
        black_box((peer.remote_address(), peer.local_address(stack), peer.is_closed()));
    }
    let deadline: Instant = black_box(now());
    black_box(peer.shutdown(stack, now(), deadline).is_ok());
    peer.close(stack);
}
