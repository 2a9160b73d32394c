//! Frames that no honest stack sends. Nothing may panic, and what is whole goes on working.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use cable_car_smoltcp::smoltcp::phy::{
    ChecksumCapabilities, Device, DeviceCapabilities, RxToken, TxToken,
};
use cable_car_smoltcp::smoltcp::time::Instant;
use common::*;
use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack};

/// Damages some of the frames it receives, and sees to it that no checksum gives them away.
struct Mangler {
    inner: End,
    random: u32,
    percent: u32,
}

impl Mangler {
    fn next(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }
}

impl Device for Mangler {
    type RxToken<'t> = Mangled;
    type TxToken<'t> = <End as Device>::TxToken<'t>;

    fn receive(&mut self, now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let (rx, _) = self.inner.receive(now)?;
        let mut frame = rx.consume(<[u8]>::to_vec);
        if self.next() % 100 < self.percent {
            for _ in 0..1 + self.next() % 3 {
                // Behind the Ethernet addresses: a frame for somebody else is no test.
                let at = 12 + self.next() as usize % (frame.len().min(80) - 12);
                frame[at] = match self.next() % 4 {
                    0 => 0,
                    1 => 0xff,
                    2 => frame[at] ^ (1 << (self.random % 8)),
                    _ => self.random as u8,
                };
            }
            if self.next().is_multiple_of(8) {
                frame.truncate(self.random as usize % frame.len());
            }
        }
        Some((Mangled(frame), self.inner.transmit(now)?))
    }

    fn transmit(&mut self, now: Instant) -> Option<Self::TxToken<'_>> {
        self.inner.transmit(now)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}

struct Mangled(Vec<u8>);

impl RxToken for Mangled {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// Connections, datagrams and closes, for so many rounds.
fn live(pair: &mut Pair<Mangler>, rounds: u32) {
    let mut listener = listen(&mut pair.right, PORT);
    let everybody = "255.255.255.255:8222".parse().unwrap();
    let mut beacons = [&mut pair.left, &mut pair.right].map(|stack| {
        let mut socket = embedded_nal::UdpClientStack::socket(stack).unwrap();
        UdpFullStack::bind(stack, &mut socket, 8222).unwrap();
        socket
    });
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    let mut buffer = [0; 900];
    for round in 0..rounds {
        let _ = pair.left.send_to(&mut beacons[0], everybody, b"BROADCAST");
        let _ = pair.right.send_to(&mut beacons[1], at(LEFT, 8222), b"answer");
        if let Ok(socket) = TcpClientStack::socket(&mut pair.left) {
            clients.push(socket);
        }
        if let Ok((socket, _)) = pair.right.accept(&mut listener) {
            servers.push(socket);
        }
        for client in &mut clients {
            let _ = pair.left.connect(client, at(RIGHT, PORT));
            let _ = pair.left.send(client, &buffer[..round as usize % 900]);
            let _ = pair.left.receive(client, &mut buffer);
        }
        for server in &mut servers {
            let _ = pair.right.send(server, &buffer[..round as usize * 7 % 900]);
            let _ = pair.right.receive(server, &mut buffer);
        }
        pair.run(ms(u64::from(round * 37 % 400)));
        if round % 9 == 0 && !clients.is_empty() {
            pair.left.close(clients.remove(0)).unwrap();
        }
        if round % 11 == 0 && !servers.is_empty() {
            pair.right.close(servers.remove(0)).unwrap();
        }
    }
    clients.into_iter().for_each(|client| pair.left.close(client).unwrap());
    servers.into_iter().for_each(|server| pair.right.close(server).unwrap());
    pair.right.close(listener).unwrap();
}

#[test]
fn damaged_frames_do_no_harm() {
    for seed in 1..=10 {
        let mut seed = seed * 7919;
        let mut pair = Pair::with(config, |inner| {
            seed += 1;
            Mangler { inner, random: seed, percent: 30 }
        });
        live(&mut pair, 300);
        pair.left.device_mut().percent = 0;
        pair.right.device_mut().percent = 0;
        // Hardware addresses that were misheard are forgotten after a minute.
        pair.run(ms(61_000));
        let start = pair.now;
        let (_listener, mut client, mut server) = pair.connected();
        assert!(pair.now - start < ms(3000), "seed {seed}: {:?}", pair.now - start);
        assert_eq!(pair.left.send(&mut client, b"alive"), Ok(5));
        pair.run(ms(1));
        assert_eq!(pair.right.receive(&mut server, &mut [0; 8]), Ok(5));
    }
}

#[test]
fn frames_of_nothing_but_noise_do_no_harm() {
    let mut pair = Pair::new();
    let (_listener, mut client, mut server) = pair.connected();
    let mut random = 1_u32;
    for round in 0..2000 {
        let token = pair.left.device_mut().transmit(Instant::ZERO).unwrap();
        token.consume(14 + round % 120, |frame| {
            for byte in frame.iter_mut() {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (random >> 24) as u8;
            }
            frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 2]);
            frame[12..14].copy_from_slice(&[8, if round % 4 == 0 { 6 } else { 0 }]);
        });
        pair.run(ms(1));
    }
    assert_eq!(pair.left.send(&mut client, b"alive"), Ok(5));
    pair.run(ms(1));
    assert_eq!(pair.right.receive(&mut server, &mut [0; 8]), Ok(5));
}
