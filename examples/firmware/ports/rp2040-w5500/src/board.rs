//! The board, a W5500-EVB-Pico or a Pico with the W5500 on the same pins: what is brought up once,
//! and how the processor sleeps between events.
//!
//! As on the emulated board there are no interrupt handlers: interrupts stay masked for good and
//! serve to end a sleep only.

use cortex_m::peripheral::NVIC;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal_bus::spi::{ExclusiveDevice, NoDelay};
use rp2040_hal::fugit::{MicrosDurationU32, RateExtU32};
use rp2040_hal::gpio::{FunctionSioInput, FunctionSioOutput, bank0};
use rp2040_hal::gpio::{FunctionSpi, Interrupt, Pin, Pins, PullDown, PullUp};
use rp2040_hal::pac;
use rp2040_hal::timer::{Alarm, Alarm0};
use rp2040_hal::{Clock, Sio, Spi, Timer, Watchdog, clocks, rosc, spi};

use crate::w5500::W5500;

type SpiPin<P> = Pin<P, FunctionSpi, PullDown>;
type SpiPins = (SpiPin<bank0::Gpio19>, SpiPin<bank0::Gpio16>, SpiPin<bank0::Gpio18>);
type Bus = Spi<spi::Enabled, pac::SPI0, SpiPins, 8>;
type ChipSelect = Pin<bank0::Gpio17, FunctionSioOutput, PullDown>;
type InterruptPin = Pin<bank0::Gpio21, FunctionSioInput, PullUp>;

/// The network device on this board's pins.
pub(crate) type Device =
    W5500<w5500_ll::eh1::vdm::W5500<ExclusiveDevice<Bus, ChipSelect, NoDelay>>>;

/// The crystal on the board.
const CRYSTAL_HZ: u32 = 12_000_000;
/// The chip takes up to 33 MHz.
const SPI_HZ: u32 = 30_000_000;
/// The chip's reset: held for 0.5 ms at the least, then 1 ms until its clock is steady.
const RESET_US: u32 = 2_000;
/// An alarm reaches 71 minutes ahead; the link is looked at much sooner.
const LONGEST_SLEEP_US: u64 = 60_000_000;

/// The clock, the sleep, and a source of chance.
pub(crate) struct Board {
    timer: Timer,
    alarm: Alarm0,
    interrupt: InterruptPin,
    chance: rosc::RingOscillator<rosc::Enabled>,
}

impl Board {
    /// Brings the board up; `None` for a second call, for a crystal that does not swing, and for
    /// a network chip that does not answer.
    ///
    /// The device is handed out apart from the board, for a network stack to own.
    pub(crate) fn start(mac: [u8; 6]) -> Option<(Self, Device)> {
        cortex_m::interrupt::disable();
        let mut parts = pac::Peripherals::take()?;
        let mut watchdog = Watchdog::new(parts.WATCHDOG);
        let clocks = clocks::init_clocks_and_plls(
            CRYSTAL_HZ,
            parts.XOSC,
            parts.CLOCKS,
            parts.PLL_SYS,
            parts.PLL_USB,
            &mut parts.RESETS,
            &mut watchdog,
        )
        .ok()?;
        let mut timer = Timer::new(parts.TIMER, &mut parts.RESETS, &clocks);
        let mut alarm = timer.alarm_0()?;
        alarm.enable_interrupt();

        let sio = Sio::new(parts.SIO);
        let pins = Pins::new(parts.IO_BANK0, parts.PADS_BANK0, sio.gpio_bank0, &mut parts.RESETS);
        let mut reset: Pin<_, FunctionSioOutput, _> = pins.gpio20.into_push_pull_output();
        reset.set_low().ok()?;
        pause(&timer, RESET_US);
        reset.set_high().ok()?;
        pause(&timer, RESET_US);

        let spi_pins =
            (pins.gpio19.into_function(), pins.gpio16.into_function(), pins.gpio18.into_function());
        let bus = Spi::<_, _, _, 8>::new(parts.SPI0, spi_pins).init(
            &mut parts.RESETS,
            clocks.peripheral_clock.freq(),
            SPI_HZ.Hz(),
            embedded_hal::spi::MODE_0,
        );
        let spi = ExclusiveDevice::new_no_delay(bus, pins.gpio17.into_push_pull_output()).ok()?;
        let device = W5500::start(w5500_ll::eh1::vdm::W5500::new(spi), mac).ok()?;

        let interrupt: InterruptPin = pins.gpio21.into_pull_up_input();
        interrupt.set_interrupt_enabled(Interrupt::LevelLow, true);
        unmask();
        let chance = rosc::RingOscillator::new(parts.ROSC).initialize();
        Some((Self { timer, alarm, interrupt, chance }, device))
    }

    /// Microseconds since start. The counter has 64 bits and never wraps.
    pub(crate) fn micros(&self) -> u64 {
        self.timer.get_counter().ticks()
    }

    /// A number that differs from one start to the next, for ports and sequence numbers.
    pub(crate) fn seed(&self) -> u64 {
        (0..64).fold(0, |seed, _| {
            // Bits taken in quick succession resemble each other.
            pause(&self.timer, 10);
            seed << 1 | u64::from(self.chance.get_random_bit())
        })
    }

    /// Sleeps until a frame comes in or the deadline (in microseconds of the clock) has come; not
    /// at all if that is so already. May return early: look and call again.
    pub(crate) fn sleep_until(&mut self, deadline_us: Option<u64>) {
        self.alarm.clear_interrupt();
        NVIC::unpend(pac::Interrupt::TIMER_IRQ_0);
        NVIC::unpend(pac::Interrupt::IO_IRQ_BANK0);

        let now_us = self.micros();
        let longest_us = deadline_us.map_or(LONGEST_SLEEP_US, |at| at.saturating_sub(now_us));
        // The chip holds its line low for as long as frames wait.
        let frames_wait = self.interrupt.is_low().unwrap_or(false);
        if longest_us == 0 || frames_wait {
            return;
        }
        let longest = MicrosDurationU32::micros(longest_us.min(LONGEST_SLEEP_US) as u32);
        if self.alarm.schedule(longest).is_err() {
            return;
        }
        cortex_m::asm::dsb();
        cortex_m::asm::wfi();
    }
}

fn pause(timer: &Timer, us: u32) {
    let end = timer.get_counter().ticks() + u64::from(us);
    while timer.get_counter().ticks() < end {}
}

#[expect(unsafe_code, reason = "interrupts are let through to the processor")]
fn unmask() {
    // SAFETY: the processor itself masks interrupts for good, so that none of them can break into
    // a critical section; they only end a sleep.
    unsafe {
        NVIC::unmask(pac::Interrupt::TIMER_IRQ_0);
        NVIC::unmask(pac::Interrupt::IO_IRQ_BANK0);
    }
}
