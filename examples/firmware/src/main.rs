//! The firmware: a node of its own on the subnet, or a sensor, asleep between events.
#![no_std]
#![no_main]

mod board;
mod exit_code;
mod faults;
mod lan9118;
mod memory;
mod mmio;
mod network;
mod semihosting;

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use cable_car::discovery::{Config, Instance, Service};
use cable_car::nal::BroadcastConnector;
use cable_car::{Identify, Instant};
use cable_car_smoltcp::{ConfigError, Stack, Storage};
use firmware_base::busy::BusyMeter;
use firmware_base::node::{self, Node, Vitals};
use firmware_base::options::{BadOption, Options};
use sensor::{SERVICE, Sensor};

use crate::board::Board;
use crate::lan9118::{ChipError, Frames, Lan9118};
use crate::memory::Memory;
use crate::semihosting::{complain, exit, say};

#[cortex_m_rt::entry]
fn main() -> ! {
    // The entry point runs once, and so has its statics to itself: no memory is ever asked for.
    static mut COMMAND_LINE: [u8; 512] = [0; 512];
    static mut FRAMES: Frames = Frames::new();
    static mut NETWORK: network::Memory<'static> = Storage::new();
    static mut LINKS: node::Memory = node::Memory::new();

    let Some(arguments) = semihosting::arguments(COMMAND_LINE) else {
        complain!("firmware: the command line is longer than 512 bytes, or not UTF-8");
        exit(exit_code::BAD_OPTION)
    };
    exit(match run(arguments, FRAMES, NETWORK, LINKS) {
        Ok(()) => exit_code::DONE,
        Err(failure) => {
            complain!("firmware: {failure}");
            match failure {
                Failure::Option(_) | Failure::Stack(_) => exit_code::BAD_OPTION,
                Failure::Chip(_) => exit_code::NO_NETWORK,
            }
        }
    })
}

enum Failure<'a> {
    Option(BadOption<'a>),
    Chip(ChipError),
    Stack(ConfigError),
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(bad) => bad.fmt(f),
            Self::Chip(bad) => bad.fmt(f),
            Self::Stack(bad) => bad.fmt(f),
        }
    }
}

fn run<'a>(
    arguments: &'a str,
    frames: &'a mut Frames,
    network: &'a mut network::Memory<'a>,
    links: &'a mut node::Memory,
) -> Result<(), Failure<'a>> {
    let options = Options::parse(arguments).map_err(Failure::Option)?;
    let (mut board, device) = Board::start(frames).map_err(Failure::Chip)?;
    let mac = board.mac_address().map_err(Failure::Chip)?;
    let now = now(&board);
    let random = network::random(&options, mac, now);
    let mut stack =
        network::start(device, network, &options, mac, random, now).map_err(Failure::Stack)?;
    if options.sensor {
        be_sensor(&mut board, &mut stack, &options, random);
    } else {
        be_node(&mut board, &mut stack, &options, links, random);
    }
    report(&board);
    Ok(())
}

// Neither is inlined: what one of them needs of the call stack, the other one does not pay for.
#[inline(never)]
fn be_node<'a>(
    board: &mut Board,
    stack: &mut Stack<'a, Lan9118<'a>>,
    options: &Options<'a>,
    links: &'a mut node::Memory,
    random: u64,
) {
    let mut node = Node::new(options, links, |line| say!("{line}"), random, now(board));
    let mut busy = BusyMeter::new();
    serve(board, stack, options.run_for, |board, stack, now| {
        let address = stack.address().map(|(address, _)| address);
        node.poll(stack, address, now, || vitals(board, &mut busy))
    });
}

#[inline(never)]
fn be_sensor<'a>(
    board: &mut Board,
    stack: &mut Stack<'a, Lan9118<'a>>,
    options: &Options<'a>,
    random: u64,
) {
    let now = now(board);
    let connector = options.broadcast.then(|| {
        let service = Service::new(SERVICE).unwrap_or(Service::NONE);
        let config = Config { service, ..Config::new(Instance::new(random)) };
        BroadcastConnector::new(config, now).alone_on_host()
    });
    // A name that can not be told is refused where options are read.
    let Ok(me) = Identify::new("sensor", options.name) else { return };
    let remote = options.connect.map(SocketAddr::V4);
    let mut sensor = Sensor::new(me, connector, remote, |line| say!("{line}"), now);
    let mut address = None;
    serve(board, stack, options.run_for, |_, stack, now| {
        let known = stack.address().map(|(address, _)| address);
        if known != address {
            address = known;
            match address {
                Some(address) => say!("address {address}"),
                None => say!("no address"),
            }
        }
        // Without one nothing can be sent; the stack says when there may be one.
        address.and_then(|_| sensor.poll(stack, now))
    });
}

fn serve<'a>(
    board: &mut Board,
    stack: &mut Stack<'a, Lan9118<'a>>,
    run_for: Option<u32>,
    mut poll: impl FnMut(&Board, &mut Stack<'a, Lan9118<'a>>, Instant) -> Option<Instant>,
) {
    let end = run_for.map(|seconds| Instant::default() + Duration::from_secs(seconds.into()));
    loop {
        let now = now(board);
        if end.is_some_and(|end| now >= end) {
            break;
        }
        if board.link_up() != stack.is_link_up() {
            stack.set_link_up(board.link_up());
            say!("link {}", if board.link_up() { "up" } else { "down" });
        }
        stack.poll(now);
        let part_at = poll(board, stack, now);
        let wake_at = [end, part_at, stack.poll_at(now)].into_iter().flatten().min();
        board.sleep_until(wake_at.map(Instant::as_micros));
    }
}

fn now(board: &Board) -> Instant {
    Instant::from_micros(board.clock.micros())
}

fn vitals(board: &Board, busy: &mut BusyMeter) -> Vitals {
    let memory = Memory::look();
    Vitals {
        busy_permille: busy.permille(board.clock.micros(), board.asleep_us()),
        // Addresses here have 32 bits.
        memory_used: memory.used() as u32,
        memory_total: memory.total as u32,
    }
}

fn report(board: &Board) {
    let up_us = board.clock.micros();
    let busy = BusyMeter::new().permille(up_us, board.asleep_us());
    let memory = Memory::look();
    say!(
        "up {}.{:03} s, busy {}.{} %",
        up_us / 1_000_000,
        up_us / 1_000 % 1_000,
        busy / 10,
        busy % 10
    );
    say!(
        "memory {} of {} bytes: variables {}, stack {} of {}",
        memory.used(),
        memory.total,
        memory.statics,
        memory.stack_worst,
        memory.stack_size
    );
}
