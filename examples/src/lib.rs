//! What the examples share, none of it about peers: options, keys and signals, the terminal, and what
//! may be shown there.

pub mod inputs;
pub mod options;
pub mod terminal;
pub mod text;
