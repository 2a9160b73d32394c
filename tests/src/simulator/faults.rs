//! What goes wrong on the way.

use std::time::Duration;

/// What goes wrong on the way; nothing by default. Chances are in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Datagrams that are lost.
    pub loss: u64,
    /// Datagrams that come twice.
    pub twice: u64,
    /// The longest delay of anything; each has its own, so that datagrams overtake each other.
    pub delay: Duration,
    /// Pairs of machines of which only one can dial the other.
    pub one_way: u64,
    /// Whether a dial that can not be is dropped rather than refused.
    pub filtered: bool,
    /// Pairs of machines of which one does not hear the broadcasts of the other.
    pub deaf: u64,
}
