//! cable-car on desktops.

mod buffer;
mod connection;
mod connector;
mod direct;
mod interfaces;
mod messenger;
mod stack;
mod watch;

pub use buffer::BufferSize;
pub use cable_car::*;
pub use connection::Connection;
pub use connector::{BroadcastConnector, Builder, NoPeer, StartError};
pub use direct::{DirectClient, DirectServer};
pub use messenger::{Messenger, RecvError};
pub use stack::{DEAD_PEER_TIMEOUT, StackError, StdStack, TcpSocket, UdpSocket};
pub use watch::Watch;
