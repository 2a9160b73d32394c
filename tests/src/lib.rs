//! What crosses a crate: support for the tests that need more than this workspace.
//!
//! - [`require`]: what a machine must have, named where it lacks it
//! - [`process`]: programs under test, drained, bounded in time, ended with their owner
//! - [`events`]: programs that tell what happens, a JSON object a line
//! - [`program`]: the programs of this workspace, built
//! - [`tool`]: the tool `cable-car`, run and driven
//! - [`python`]: the real Python package `cable_car`, installed and driven
//! - [`netns`]: a small LAN of network namespaces
//! - [`capture`]: the packets of such a LAN, read by tshark with our dissector
//! - [`ours`]: programs of ours on its hosts
//! - [`pair`]: a messenger of ours and a Python program at the other end
//! - [`firmware`]: the firmware, built and run on an emulated board
//! - [`desk`]: a smoltcp stack of this process, on the other end of such a board's cable
//! - [`messages`]: messages that several tests pass about
//! - [`mock`]: stacks in memory, every call of which can be made to fail
//! - [`wired`]: smoltcp stacks on a wire in memory, a good one or a bad one
//! - [`simulator`]: networks of many peers in one thread, where everything goes wrong
//! - [`stream`]: streams of frames in pieces of any size, and what comes out of a link
//! - [`contract`]: what the core expects of a stack, rule by rule
//! - [`codecs`]: encoding and decoding alone, to be measured
//! - [`sample`]: the messages that speed is measured with
//! - [`hostile`]: what strangers throw at a program, and what that costs it
//! - [`json`]: single lines of the JSON transport
//! - [`random`]: numbers by chance that can be had again

#[cfg(target_os = "linux")]
pub mod capture;
pub mod codecs;
pub mod contract;
#[cfg(target_os = "linux")]
pub mod desk;
pub mod events;
pub mod firmware;
#[cfg(target_os = "linux")]
pub mod hostile;
pub mod json;
pub mod messages;
pub mod mock;
pub mod netns;
#[cfg(target_os = "linux")]
pub mod ours;
pub mod pair;
pub mod process;
pub mod program;
pub mod python;
pub mod random;
pub mod require;
pub mod sample;
pub mod simulator;
pub mod stream;
pub mod tool;
pub mod wired;
