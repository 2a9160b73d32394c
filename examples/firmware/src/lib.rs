//! The firmware's parts that need no chip: options, the clock's arithmetic, the busy share.
#![cfg_attr(not(test), no_std)]

pub mod busy;
pub mod clock;
pub mod options;
