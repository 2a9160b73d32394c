//! The firmware's parts that need no chip: options, the clock's arithmetic, the figures, the node.
#![cfg_attr(not(test), no_std)]

pub mod busy;
pub mod clock;
pub mod load;
pub mod node;
pub mod options;
