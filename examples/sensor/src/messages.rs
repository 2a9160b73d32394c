//! What a sensor and a plot tell each other.

use cable_car::{ByteMessage, Identify, MessageSet, Quit};

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, ByteMessage)]
#[message(code = 0x40)]
pub struct Reading {
    /// When, in milliseconds since the sensor's start; it wraps after 49 days.
    pub at_ms: u32,
    /// How hot the oven is, in degrees Celsius.
    pub celsius: f32,
    /// Whether its heater is on.
    pub heating: bool,
}

/// How often a plot wants readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ByteMessage)]
#[message(code = 0x41)]
pub struct Pace {
    /// Milliseconds from one reading to the next; the sensor takes what it can do.
    pub interval_ms: u16,
}

/// What a plot understands.
#[derive(Debug, MessageSet)]
#[messages(byte)]
#[expect(clippy::large_enum_variant, reason = "a message is looked at once, where it comes")]
pub enum ToPlot {
    /// Who the sensor is.
    Identify(Identify),
    /// What it has measured.
    Reading(Reading),
    /// It leaves.
    Quit(Quit),
}

/// What a sensor understands.
#[derive(Debug, MessageSet)]
#[messages(byte)]
pub enum ToSensor {
    /// How often it is to measure.
    Pace(Pace),
    /// The plot leaves.
    Quit(Quit),
}
