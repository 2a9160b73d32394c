//! The attacks, each bounded in number and time. They run on the attacker's machine, and say how many
//! of whatever they threw.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use cable_car::discovery::{LONGEST, MARK, UDP_PORT};
use socket2::{Domain, Protocol, Socket, Type};

use super::Scene;
use super::stranger::{Stranger, announcement, connect};
use crate::messages::Numbered;
use crate::process::run;
use crate::random::Random;
use cable_car::Outgoing;

/// Runs on the attacker's machine, which knows what the victim's beacons tell.
fn attack<T: Send>(scene: &Scene, work: impl FnOnce(Stranger, Ipv4Addr) -> T + Send) -> T {
    let (target, here) = (scene.target().ip(), scene.attacker().ip());
    scene.attacker().enter(|| work(Stranger::ask(target, UDP_PORT), here))
}

/// Calls `work` so many times a second, in small bursts; how many times it was done.
fn paced(per_second: u64, time: Duration, mut work: impl FnMut() -> bool) -> u64 {
    let started = Instant::now();
    let (mut tried, mut done) = (0, 0);
    while started.elapsed() < time {
        let due = started.elapsed().as_micros() as u64 * per_second / 1_000_000;
        while tried < due {
            tried += 1;
            done += u64::from(work());
        }
        thread::sleep(Duration::from_millis(1));
    }
    done
}

/// Connections that are closed at once.
#[must_use]
pub fn connects(scene: &Scene, per_second: u64, time: Duration) -> u64 {
    attack(scene, |stranger, here| {
        let dialler = || paced(per_second / 4, time, || connect(here, stranger.at).is_ok());
        thread::scope(|scope| {
            let diallers: Vec<_> = (0..4).map(|_| scope.spawn(dialler)).collect();
            diallers.into_iter().map(|dialler| dialler.join().unwrap_or(0)).sum()
        })
    })
}

/// The addresses that an attacker takes beside its own.
fn more_addresses(scene: &Scene) -> Vec<Ipv4Addr> {
    let [a, b, c, _] = scene.attacker().ip().octets();
    let addresses: Vec<_> = (101..=254).map(|host| Ipv4Addr::new(a, b, c, host)).collect();
    let script: String =
        addresses.iter().map(|ip| format!("address replace {ip}/24 dev eth0\n")).collect();
    let file = std::env::temp_dir().join(format!("cable-car-addresses-{}", std::process::id()));
    std::fs::write(&file, script).expect("a file of our own");
    let done = run(scene.attacker().command("ip").arg("-batch").arg(&file));
    // It is of no use any more, whatever came of it.
    let _ = std::fs::remove_file(&file);
    done.expect("addresses");
    addresses
}

/// So many connections from many addresses, that never say anything, kept open for a time.
#[must_use]
pub fn silence(scene: &Scene, count: usize, time: Duration) -> u64 {
    let addresses = more_addresses(scene);
    attack(scene, |stranger, _| {
        let started = Instant::now();
        let connections: Vec<TcpStream> = (addresses.iter().cycle().take(count))
            // A machine that takes no more makes each one wait.
            .take_while(|_| started.elapsed() < time)
            .filter_map(|&from| connect(from, stranger.at).ok())
            .collect();
        thread::sleep(time.saturating_sub(started.elapsed()));
        connections.len() as u64
    })
}

/// Hellos in the names of so many instances: the connections that are links.
fn links(scene: &Scene, count: u64) -> Vec<TcpStream> {
    attack(scene, |stranger, here| {
        (1..=count).filter_map(|instance| stranger.say_hello(here, instance).ok()).collect()
    })
}

/// Links in the names of so many instances; how many were to be had.
#[must_use]
pub fn crowd(scene: &Scene, count: u64) -> u64 {
    links(scene, count).len() as u64
}

/// The same, by a machine that is gone before it could end any of them.
#[must_use]
pub fn vanishing(scene: &Scene, count: u64) -> u64 {
    let links = links(scene, count);
    scene.attacker().set_cable(false);
    links.len() as u64
}

/// Connections that bring noise.
#[must_use]
pub fn noise(scene: &Scene, count: u64) -> u64 {
    let addresses = more_addresses(scene);
    attack(scene, |stranger, _| {
        let mut random = Random::new(7);
        let mut thrown = 0;
        for at in 0..count {
            let from = *random.pick(&addresses);
            let mut bytes = random.bytes(200);
            if random.percent(50) {
                // As far as this, a hello.
                bytes.splice(..0, stranger.hello(at).into_iter().take(random.below(24)));
            }
            if let Ok(mut stream) = connect(from, stranger.at) {
                // It may have been hung up on.
                let _ = stream.write_all(&bytes);
                thrown += 1;
            }
        }
        thrown
    })
}

/// Beacons from sources that there are not, as fast as they can be sent; every other one is legacy.
#[must_use]
pub fn beacons(scene: &Scene, time: Duration) -> u64 {
    attack(scene, |stranger, here| {
        let SocketAddr::V4(at) = stranger.at else { return 0 };
        let to = SocketAddrV4::new(*at.ip(), UDP_PORT);
        let mut random = Random::new(11);
        let mut space = [0; LONGEST];
        flood(time, || {
            let number = random.number();
            let from = forged(here, number);
            let beacon = match number % 2 {
                0 => &MARK[..],
                _ => announcement(number).write(&mut space),
            };
            (to, packet(17, from, to, &udp(from.port(), to.port(), beacon)))
        })
    })
}

/// Connections that are begun from sources that there are not, and never completed.
#[must_use]
pub fn half_open(scene: &Scene, time: Duration) -> u64 {
    attack(scene, |stranger, here| {
        let SocketAddr::V4(to) = stranger.at else { return 0 };
        let mut random = Random::new(13);
        flood(time, || {
            let number = random.number();
            let from = forged(here, number);
            (to, packet(6, from, to, &syn(from, to, number as u32)))
        })
    })
}

/// A source of the attacker's subnet, or of anywhere.
fn forged(here: Ipv4Addr, number: u64) -> SocketAddrV4 {
    let [a, b, c, _] = here.octets();
    let host = (number >> 8) as u8;
    let ip = match number >> 16 & 1 {
        0 => Ipv4Addr::new(a, b, c, 101 + host % 150),
        _ => Ipv4Addr::new(172, 16 + (number >> 24) as u8 % 16, (number >> 32) as u8, host.max(1)),
    };
    SocketAddrV4::new(ip, 1024 + (number >> 40) as u16 % 60_000)
}

fn flood(time: Duration, mut packet: impl FnMut() -> (SocketAddrV4, Vec<u8>)) -> u64 {
    let raw = Protocol::from(255);
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(raw)).expect("root may");
    let started = Instant::now();
    let mut thrown = 0;
    while started.elapsed() < time {
        for _ in 0..64 {
            let (to, packet) = packet();
            // With no room for it now, it is lost as any may be.
            thrown += u64::from(socket.send_to(&packet, &to.into()).is_ok());
        }
    }
    thrown
}

fn packet(protocol: u8, from: SocketAddrV4, to: SocketAddrV4, content: &[u8]) -> Vec<u8> {
    // The system fills in the length, the id and the checksum.
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
    packet.extend(from.ip().octets());
    packet.extend(to.ip().octets());
    packet.extend(content);
    packet
}

fn udp(from: u16, to: u16, content: &[u8]) -> Vec<u8> {
    let mut datagram = [from.to_be_bytes(), to.to_be_bytes()].concat();
    datagram.extend((8 + content.len() as u16).to_be_bytes());
    // No checksum.
    datagram.extend([0, 0]);
    datagram.extend(content);
    datagram
}

fn syn(from: SocketAddrV4, to: SocketAddrV4, sequence: u32) -> Vec<u8> {
    let mut segment = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    segment.extend(sequence.to_be_bytes());
    // No acknowledgement, five words, SYN, a window, and the checksum still to come.
    segment.extend([0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
    let pseudo = [&from.ip().octets()[..], &to.ip().octets(), &[0, 6, 0, 20], &segment].concat();
    let words = pseudo.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !((folded & 0xffff) + (folded >> 16)) as u16;
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
    segment
}

/// Messages as fast as they are taken, and nothing that comes back is read.
#[must_use]
pub fn deafness(scene: &Scene, time: Duration) -> u64 {
    attack(scene, |stranger, here| {
        let mut stream = stranger.say_hello(here, u64::MAX - 1).expect("welcome");
        stream.set_write_timeout(Some(Duration::from_millis(100))).expect("a time");
        let mut frame = [0; 32];
        let len = Numbered(1).write_frame(&mut frame).expect("room");
        let many = frame[..len].repeat(1000);
        let started = Instant::now();
        let mut bytes = 0;
        while started.elapsed() < time {
            match stream.write(&many) {
                Ok(0) => break,
                Ok(len) => bytes += len,
                // Nobody takes any more, and nobody has to.
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
        (bytes / len) as u64
    })
}

/// A link on which one byte comes a second, and another one whose hello does. How many bytes it was.
///
/// # Panics
///
/// Where the message of the first is not answered, or the hello of the second is waited for.
#[must_use]
pub fn slowness(scene: &Scene) -> u64 {
    attack(scene, |stranger, here| {
        let mut slow = stranger.say_hello(here, u64::MAX - 2).expect("welcome");
        let mut slower = connect(here, stranger.at).expect("connected");
        slower.set_read_timeout(Some(Duration::from_secs(10))).expect("a time");
        let mut frame = [0; 32];
        let len = Numbered(77).write_frame(&mut frame).expect("room");
        // All but the last bytes at once, to be done this year.
        slow.write_all(&frame[..len - 4]).expect("sent");
        for at in 0..4 {
            // It may have been hung up on.
            let _ = slower.write_all(&stranger.hello(u64::MAX - 3)[at..=at]);
            slow.write_all(&frame[len - 4 + at..][..1]).expect("sent");
            thread::sleep(Duration::from_secs(1));
        }
        let mut echo = vec![0; len];
        slow.read_exact(&mut echo).expect("answered");
        assert_eq!(echo, &frame[..len]);
        let end = slower.read(&mut [0]);
        assert!(matches!(end, Ok(0) | Err(_)), "the connection is over: {end:?}");
        8
    })
}
