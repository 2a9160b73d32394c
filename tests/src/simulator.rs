//! A network of many peers in one thread: datagrams that get lost, late or twice, connections that
//! only one side can open, peers that restart, clocks that run apart. Time is virtual, and chance
//! comes from one seed, so that every run can be had again.
//!
//! The peers are the real [`Discovery`](cable_car::discovery::Discovery) and models of legacy peers. After a run,
//! [`Network::check`] says whether every pair has exactly one link, the same at both ends.

mod legacy;
mod network;
mod node;

pub use network::{Faults, Network, Outcome};
