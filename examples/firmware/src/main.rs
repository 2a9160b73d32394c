//! The firmware: a node of its own on the subnet, asleep between events.
#![no_std]
#![no_main]

mod board;
mod exit_code;
mod faults;
mod greeter;
mod lan9118;
mod memory;
mod mmio;
mod semihosting;

use firmware_base::busy::BusyMeter;
use firmware_base::options::{BadOption, Options};

use crate::board::Board;
use crate::greeter::{Greeter, Storage};
use crate::lan9118::{ChipError, Lan9118};
use crate::memory::Memory;
use crate::semihosting::{complain, exit, say};

#[cortex_m_rt::entry]
fn main() -> ! {
    // The entry point runs once, and so has its statics to itself: no memory is ever asked for.
    static mut COMMAND_LINE: [u8; 512] = [0; 512];
    static mut STORAGE: Storage<'static> = Storage::new();

    let Some(arguments) = semihosting::arguments(COMMAND_LINE) else {
        complain!("firmware: the command line is longer than 512 bytes, or not UTF-8");
        exit(exit_code::BAD_OPTION)
    };
    exit(match run(arguments, STORAGE) {
        Ok(()) => exit_code::DONE,
        Err(Failure::Option(bad)) => {
            complain!("firmware: {bad}");
            exit_code::BAD_OPTION
        }
        Err(Failure::Chip(bad)) => {
            complain!("firmware: {bad}");
            exit_code::NO_NETWORK
        }
    })
}

enum Failure<'a> {
    Option(BadOption<'a>),
    Chip(ChipError),
}

fn run<'a>(arguments: &'a str, storage: &'a mut Storage<'a>) -> Result<(), Failure<'a>> {
    let options = Options::parse(arguments).map_err(Failure::Option)?;
    let (board, mut device) = Board::start().map_err(Failure::Chip)?;
    let mac = board.mac_address().map_err(Failure::Chip)?;
    let greeter = Greeter::new(&mut device, mac, &options, board.clock.micros(), storage);
    serve(board, device, greeter, options.run_for);
    Ok(())
}

fn serve(mut board: Board, mut device: Lan9118, mut greeter: Greeter<'_>, run_for: Option<u32>) {
    let end_us = run_for.map(|seconds| u64::from(seconds) * 1_000_000);
    let mut link_up = board.link_up();
    loop {
        let now_us = board.clock.micros();
        if end_us.is_some_and(|end| now_us >= end) {
            break;
        }
        if board.link_up() != link_up {
            link_up = !link_up;
            say!("link {}", if link_up { "up" } else { "down" });
        }
        let wake_us = greeter.poll(&mut device, now_us);
        board.sleep_until([end_us, wake_us].into_iter().flatten().min());
    }
    report(&board);
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
