//! A stand-in for the node: answers ping, says hello by broadcast, prints what it hears.

use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult};
use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::{dhcpv4, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use firmware_base::options::{Address, Options};

use crate::lan9118::Lan9118;
use crate::semihosting::say;

const PORT: u16 = 8222;
const HELLO_EVERY_US: u64 = 1_000_000;
/// Frames taken in before anything else gets its turn: a flood may not starve the rest.
const INGRESS_AT_ONCE: usize = 8;

/// All memory that the sockets take.
pub(crate) struct Storage<'s> {
    sockets: [SocketStorage<'s>; 2],
    rx_meta: [udp::PacketMetadata; 8],
    rx_bytes: [u8; 1024],
    tx_meta: [udp::PacketMetadata; 4],
    tx_bytes: [u8; 512],
}

impl Storage<'_> {
    pub(crate) const fn new() -> Self {
        Self {
            sockets: [SocketStorage::EMPTY; 2],
            rx_meta: [udp::PacketMetadata::EMPTY; 8],
            rx_bytes: [0; 1024],
            tx_meta: [udp::PacketMetadata::EMPTY; 4],
            tx_bytes: [0; 512],
        }
    }
}

pub(crate) struct Greeter<'s> {
    interface: Interface,
    sockets: SocketSet<'s>,
    udp: SocketHandle,
    dhcp: Option<SocketHandle>,
    name: &'s str,
    next_hello_us: u64,
}

impl<'s> Greeter<'s> {
    pub(crate) fn new(
        device: &mut Lan9118,
        mac: [u8; 6],
        options: &Options<'s>,
        now_us: u64,
        storage: &'s mut Storage<'s>,
    ) -> Self {
        let mut config = Config::new(EthernetAddress(mac).into());
        config.random_seed = options.seed.unwrap_or_else(|| seed_of(mac, now_us));
        let mut interface = Interface::new(config, device, instant(now_us));

        let rx = udp::PacketBuffer::new(&mut storage.rx_meta[..], &mut storage.rx_bytes[..]);
        let tx = udp::PacketBuffer::new(&mut storage.tx_meta[..], &mut storage.tx_bytes[..]);
        let mut socket = udp::Socket::new(rx, tx);
        if socket.bind(PORT).is_err() {
            say!("port {PORT} can not be bound");
        }
        let mut sockets = SocketSet::new(&mut storage.sockets[..]);
        let udp = sockets.add(socket);

        let mut dhcp = None;
        match options.address {
            Address::Dhcp => dhcp = Some(sockets.add(dhcpv4::Socket::new())),
            Address::Static { ip, prefix, gateway } => {
                configure(&mut interface, Some((Ipv4Cidr::new(ip, prefix), gateway)));
            }
        }
        Self { interface, sockets, udp, dhcp, name: options.name, next_hello_us: now_us }
    }

    /// Moves everything that can move, and says when it next wants to be called.
    pub(crate) fn poll(&mut self, device: &mut Lan9118, now_us: u64) -> Option<u64> {
        let now = instant(now_us);
        self.interface.poll_maintenance(now);
        for _ in 0..INGRESS_AT_ONCE {
            let taken = self.interface.poll_ingress_single(now, device, &mut self.sockets);
            if taken == PollIngressSingleResult::None {
                break;
            }
        }
        self.lease();
        self.listen();
        self.greet(now_us);
        while self.interface.poll_egress(now, device, &mut self.sockets) != PollResult::None {}

        let network = self.interface.poll_at(now, &self.sockets);
        let network_us = network.map(|at| u64::try_from(at.total_micros()).unwrap_or(0));
        Some(network_us.map_or(self.next_hello_us, |at| at.min(self.next_hello_us)))
    }

    fn lease(&mut self) {
        let Some(dhcp) = self.dhcp else { return };
        let socket = self.sockets.get_mut::<dhcpv4::Socket<'_>>(dhcp);
        let lease = match socket.poll() {
            None => return,
            Some(dhcpv4::Event::Configured(lease)) => Some((lease.address, lease.router)),
            Some(dhcpv4::Event::Deconfigured) => None,
        };
        configure(&mut self.interface, lease);
    }

    fn listen(&mut self) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.udp);
        while let Ok((data, from)) = socket.recv() {
            let from = from.endpoint;
            match core::str::from_utf8(data) {
                Ok(text) => say!("heard from {from}: {}", text.trim_end().escape_debug()),
                Err(_) => say!("heard from {from}: {} bytes", data.len()),
            }
        }
    }

    fn greet(&mut self, now_us: u64) {
        if now_us < self.next_hello_us {
            return;
        }
        self.next_hello_us = now_us + HELLO_EVERY_US;
        let everyone = (IpAddress::Ipv4(Ipv4Address::BROADCAST), PORT);
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.udp);
        // A full buffer, or no address yet, leaves one greeting out.
        if let Ok(room) = socket.send(6 + self.name.len(), everyone) {
            room[..6].copy_from_slice(b"hello ");
            room[6..].copy_from_slice(self.name.as_bytes());
        }
    }
}

fn configure(interface: &mut Interface, address: Option<(Ipv4Cidr, Option<Ipv4Address>)>) {
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        // There is room for two.
        let _ = address.map(|(cidr, _)| addresses.push(IpCidr::Ipv4(cidr)));
    });
    interface.routes_mut().remove_default_ipv4_route();
    match address {
        Some((cidr, router)) => {
            if let Some(router) = router {
                let _ = interface.routes_mut().add_default_ipv4_route(router);
            }
            say!("address {cidr}");
        }
        None => say!("no address"),
    }
}

fn seed_of(mac: [u8; 6], now_us: u64) -> u64 {
    mac.iter().fold(now_us, |seed, &byte| seed.rotate_left(8) ^ u64::from(byte))
}

fn instant(now_us: u64) -> Instant {
    Instant::from_micros(i64::try_from(now_us).unwrap_or(i64::MAX))
}
