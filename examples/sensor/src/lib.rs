//! A sensor, and what it tells whoever plots it.
//!
//! Firmware and desktop programs have this crate in common: the messages are written once, and so is
//! the sensor, which needs a stack with the embedded-nal traits and a time, and no operating system.
//! The firmware in `examples/firmware` runs it on a microcontroller, the example `plot --loopback` on a
//! desktop.
#![no_std]
#![forbid(unsafe_code)]

mod messages;
mod oven;
mod tell;

pub use messages::{Pace, Reading, ToPlot, ToSensor};
pub use tell::{PLOTS, Say, Sensor};

/// The service by which sensors and plots find each other.
pub const SERVICE: &str = "plot";
