//! Guides: how to begin, how to move a Python program, what to do when nobody is found.
//!
//! - [`getting_started`]: from an empty folder to two programs that talk
//! - [`from_python`]: the Python package's names and these
//! - [`microcontroller`]: the same in firmware
//! - [`testing`]: tests of your program, from a single message to a network in memory
//! - [`tuning`]: what can be turned, what it costs, where the ends are
//! - [`faq`]: what people ask
//! - [`architecture`]: how it is built, in one picture
//! - [`benchmarks`]: how it is measured, what was aimed at, what was missed and why
//! - [`security`]: what strangers on the network can do, and what not
//! - [`protocol`]: what goes over the wire, for those who write another peer

#[doc = include_str!("../docs/architecture.md")]
pub mod architecture {}
#[doc = include_str!("../docs/benchmarks.md")]
pub mod benchmarks {}
#[doc = include_str!("../docs/faq.md")]
pub mod faq {}
#[doc = include_str!("../docs/from-python.md")]
pub mod from_python {}
#[doc = include_str!("../docs/getting-started.md")]
pub mod getting_started {}
#[doc = include_str!("../docs/microcontroller.md")]
pub mod microcontroller {}
/// [cable-car.lua]: https://docs.rs/crate/cable-car/latest/source/wireshark/cable-car.lua
#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}
#[doc = include_str!("../docs/security.md")]
pub mod security {}
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}
#[doc = include_str!("../docs/tuning.md")]
pub mod tuning {}
