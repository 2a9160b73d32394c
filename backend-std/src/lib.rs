#![doc = include_str!("../README.md")]

mod buffer;
mod connection;
mod connector;
mod direct;
mod identity;
mod interfaces;
mod messenger;
mod socket;
mod stack;
mod watch;

pub use buffer::BufferSize;
pub use cable_car;
pub use cable_car::discovery::{Instance, Who};
pub use cable_car::nal::Unsent;
pub use cable_car::{
    AnyByte, AnyJson, BadMessage, Byte, ByteFrame, ByteMessage, DecodeError, EncodeError, Identify,
    IdentifyError, Join, Json, JsonError, JsonErrorKind, JsonFrame, JsonMessage, LinkError,
    MessageSet, Outgoing, Quit, Reader, Retry, SendError, Signal, Snippet, Transport, Writer,
    message_set,
};
pub use connection::Connection;
pub use connector::{BroadcastConnector, Builder, Event, NoPeer, StartError};
pub use direct::{DirectClient, DirectServer};
pub use identity::identify;
pub use messenger::{Messenger, RecvError};
pub use stack::{
    DEAD_PEER_TIMEOUT, StackError, StdStack, TcpSocket, UNACKNOWLEDGED_TIMEOUT, UdpSocket,
};
pub use watch::{Waker, Watch};
