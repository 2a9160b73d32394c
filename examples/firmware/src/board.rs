//! The board: what is brought up once, and how the processor sleeps between events.
//!
//! There are no interrupt handlers. Interrupts stay masked for good and serve to end a sleep only:
//! WFI returns when one is pending, masked or not. So nothing is shared with a handler, and an
//! event between the last look and WFI is not lost, since it leaves the interrupt pending.

use firmware_base::clock::{Clock, LONGEST_SILENCE_US};

use crate::lan9118::{Chip, ChipError, Frames, Lan9118, TICKS_PER_MICRO};
use crate::mmio;

/// The timer's interrupt, and the timer's ticks in a microsecond. It only ends a sleep: what time
/// it is, the clock says.
const TIMER_IRQ: u32 = 8;
const TIMER_TICKS_PER_MICRO: u64 = 25;
const ETHERNET_IRQ: u32 = 13;

// Registers of the timer: it counts down from VALUE, interrupts at 0, and goes on from RELOAD.
const TIMER_CTRL: usize = 0x0;
const TIMER_VALUE: usize = 0x4;
const TIMER_RELOAD: usize = 0x8;
const TIMER_INTCLEAR: usize = 0xc;
/// `TIMER_CTRL`: running, with its interrupt on.
const TIMER_ON: u32 = 1 << 3 | 1;

// Registers of the interrupt controller, the words for interrupts 0 to 31.
const NVIC_ENABLE: usize = 0x000;
const NVIC_CLEAR_PENDING: usize = 0x180;

// Registers of the memory protection.
const MPU_CTRL: usize = 0x04;
const MPU_REGION: usize = 0x08;
const MPU_BASE: usize = 0x0c;
const MPU_SIZE: usize = 0x10;
/// `MPU_CTRL`: on, and what no region covers is as it was without it.
const MPU_ON: u32 = 1 << 2 | 1;
/// The 16 MiB right below the stack: nothing is there, and a frame that is too deep ends there.
const BELOW_STACK: u32 = 0x1f00_0000;
/// `MPU_SIZE`: no access, no execution, 2^24 bytes, enabled.
const FORBIDDEN: u32 = 1 << 28 | (24 - 1) << 1 | 1;

/// The clock, the sleep, and the state of the link.
#[derive(Debug)]
pub(crate) struct Board {
    /// Time since start.
    pub(crate) clock: Clock,
    chip: Chip,
    link_up: bool,
    asleep_us: u64,
}

impl Board {
    /// Brings the board up; call it once.
    ///
    /// The device is handed out apart from the board, for a network stack to own.
    pub(crate) fn start(frames: &mut Frames) -> Result<(Self, Lan9118<'_>), ChipError> {
        cortex_m::interrupt::disable();
        guard_stack();
        let chip = Chip::start()?;
        mmio::TIMER.write(TIMER_CTRL, 0);
        mmio::TIMER.write(TIMER_RELOAD, 0);
        mmio::NVIC.write(NVIC_ENABLE, 1 << TIMER_IRQ | 1 << ETHERNET_IRQ);
        let clock = Clock::new(Chip::free_run, TICKS_PER_MICRO);
        let board = Self { clock, chip, link_up: chip.link_up(), asleep_us: 0 };
        Ok((board, Lan9118::new(chip, frames)))
    }

    /// The hardware address of the network device.
    pub(crate) fn mac_address(&self) -> Result<[u8; 6], ChipError> {
        self.chip.mac_address()
    }

    /// Whether the network cable led somewhere when last asked to sleep. A change ends a sleep.
    pub(crate) fn link_up(&self) -> bool {
        self.link_up
    }

    /// Microseconds slept since start.
    pub(crate) fn asleep_us(&self) -> u64 {
        self.asleep_us
    }

    /// Sleeps until a frame comes in, the link changes, or the deadline (in microseconds of the
    /// clock) has come; not at all if that is so already. May return early: look and call again.
    pub(crate) fn sleep_until(&mut self, deadline_us: Option<u64>) {
        // In this order: an event that comes after it has been taken back leaves it pending.
        let link_changed = self.chip.acknowledge();
        mmio::TIMER.write(TIMER_INTCLEAR, 1);
        mmio::NVIC.write(NVIC_CLEAR_PENDING, 1 << TIMER_IRQ | 1 << ETHERNET_IRQ);

        let began_us = self.clock.micros();
        let longest_us = deadline_us.map_or(LONGEST_SILENCE_US, |at| at.saturating_sub(began_us));
        if link_changed {
            self.link_up = self.chip.link_up();
        }
        if link_changed || longest_us == 0 || self.chip.has_frames() {
            return;
        }
        // Fits: the longest silence is 1.5 thousand million ticks.
        let ticks = longest_us.min(LONGEST_SILENCE_US) * TIMER_TICKS_PER_MICRO;
        mmio::TIMER.write(TIMER_VALUE, ticks as u32);
        mmio::TIMER.write(TIMER_CTRL, TIMER_ON);
        cortex_m::asm::dsb();
        cortex_m::asm::wfi();
        mmio::TIMER.write(TIMER_CTRL, 0);
        self.asleep_us += self.clock.micros() - began_us;
    }
}

/// Makes the stack's far end a wall. A real board faults where there is no memory; this one,
/// emulated, would read zeros and run on.
fn guard_stack() {
    mmio::MPU.write(MPU_REGION, 0);
    mmio::MPU.write(MPU_BASE, BELOW_STACK);
    mmio::MPU.write(MPU_SIZE, FORBIDDEN);
    mmio::MPU.write(MPU_CTRL, MPU_ON);
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}
