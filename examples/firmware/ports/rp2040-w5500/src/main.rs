//! The firmware's worked port: a Raspberry Pi Pico (RP2040) with a W5500 that passes raw frames.
//!
//! It brings up the board and smoltcp and answers ping. The node of the emulated board goes where
//! `serve` stands: it knows nothing of the board but a `phy::Device`, a time, and a sleep.
#![no_std]
#![no_main]

mod board;
mod w5500;

use core::panic::PanicInfo;

use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use crate::board::{Board, Device};

/// The boot loader's second stage, which makes the flash readable.
#[expect(unsafe_code, reason = "placed by the linker where the boot loader looks for it")]
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT_LOADER: [u8; 256] = rp2040_boot2::BOOT_LOADER_GENERIC_03H;

// What the emulated board takes from its command line. The W5500 has no hardware address of its
// own: give each board another one. The second digit stays 2, 6, a or e ("locally administered").
const MAC: [u8; 6] = [0x02, 0x00, 0x0a, 0x4d, 0x00, 0x03];
const ADDRESS: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(10, 77, 0, 3), 24);

/// Frames taken in before anything else gets its turn: a flood may not starve the rest.
const INGRESS_AT_ONCE: usize = 8;
/// How often the cable is looked at.
const LINK_EVERY_US: u64 = 1_000_000;

#[rp2040_hal::entry]
fn main() -> ! {
    if let Some((board, device)) = Board::start(MAC) {
        serve(board, device);
    }
    // Nothing to be done without a network: begin anew.
    cortex_m::peripheral::SCB::sys_reset()
}

fn serve(mut board: Board, mut device: Device) -> ! {
    let mut config = Config::new(EthernetAddress(MAC).into());
    config.random_seed = board.seed();
    let mut interface = Interface::new(config, &mut device, instant(board.micros()));
    interface.update_ip_addrs(|addresses| {
        // There is room for two.
        let _ = addresses.push(IpCidr::Ipv4(ADDRESS));
    });
    let mut storage = [SocketStorage::EMPTY; 1];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let mut link_next_us = 0;
    let mut link_up = false;

    loop {
        let now_us = board.micros();
        let now = instant(now_us);
        if now_us >= link_next_us {
            link_next_us = now_us + LINK_EVERY_US;
            link_up = device.link_up();
        }
        interface.poll_maintenance(now);
        for _ in 0..INGRESS_AT_ONCE {
            let taken = interface.poll_ingress_single(now, &mut device, &mut sockets);
            if taken == PollIngressSingleResult::None {
                break;
            }
        }
        // What is sent into a cable that leads nowhere waits in the chip, and blocks what follows.
        if link_up {
            while interface.poll_egress(now, &mut device, &mut sockets) != PollResult::None {}
        }
        let wake_us = interface.poll_at(now, &sockets).filter(|_| link_up);
        let wake_us = wake_us.map(|at| u64::try_from(at.total_micros()).unwrap_or(0));
        board.sleep_until(Some(wake_us.unwrap_or(u64::MAX).min(link_next_us)));
    }
}

fn instant(now_us: u64) -> Instant {
    Instant::from_micros(i64::try_from(now_us).unwrap_or(i64::MAX))
}

/// A mistake in the firmware: begin anew rather than hang on the wall.
#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}
