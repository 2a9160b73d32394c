//! What the examples share, none of it about peers: options, keys and signals, the terminal.

pub mod inputs;
pub mod options;
pub mod terminal;
