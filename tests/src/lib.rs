//! What crosses a crate: support for the tests that need more than this workspace.
//!
//! - [`require`]: what a machine must have, named where it lacks it
//! - [`process`]: programs under test, drained, bounded in time, ended with their owner
//! - [`python`]: the real Python package `cable_car`, installed and driven
//! - [`netns`]: a small LAN of network namespaces
//! - [`pair`]: a messenger of ours and a Python program at the other end

pub mod netns;
pub mod pair;
pub mod process;
pub mod python;
pub mod require;
