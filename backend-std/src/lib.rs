// On these pages the guides are modules; the README's own links are those of the repository. Of two
// definitions of one link the first one counts.
//! [PROTOCOL.md]: guide::protocol
//! [SECURITY.md]: guide::security
//! [BENCHMARKS.md]: guide::benchmarks
//! [cable-car.lua]: https://docs.rs/crate/cable-car/latest/source/wireshark/cable-car.lua
//! [Getting started]: guide::getting_started
//! [From Python to Rust]: guide::from_python
//! [On a microcontroller]: guide::microcontroller
//! [Testing your program]: guide::testing
//! [Tuning and limits]: guide::tuning
//! [Questions]: guide::faq
//! [How it is built]: guide::architecture
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(feature = "document-features", doc = "\n## Features\n")]
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]

mod buffer;
mod connection;
mod connector;
mod deadline;
mod direct;
pub mod guide;
mod identity;
mod interfaces;
mod logging;
mod messenger;
mod networks;
mod socket;
mod stack;
mod tune;
mod watch;

pub use buffer::BufferSize;
pub use cable_car;
pub use cable_car::discovery::{Instance, Who};
pub use cable_car::nal::Unsent;
#[doc(inline)]
pub use cable_car::traits::{ByteField, ByteMessage, JsonMessage, MessageSet};
pub use cable_car::{
    AnyByte, AnyJson, BadMessage, Byte, ByteFrame, DecodeError, EncodeError, Extent, Identify,
    IdentifyError, Join, Json, JsonError, JsonErrorKind, JsonFrame, LinkError, Outgoing, Quit,
    Reader, Retry, SendError, Signal, Snippet, Transport, Writer, message_set,
};
#[cfg(feature = "derive")]
#[doc(inline)]
pub use cable_car_derive::{
    StdByteField as ByteField, StdByteMessage as ByteMessage, StdJsonMessage as JsonMessage,
    StdMessageSet as MessageSet,
};
pub use connection::Connection;
pub use connector::{BroadcastConnector, Builder, DialError, Event, NoPeer, StartError};
pub use direct::{DirectClient, DirectServer};
pub use identity::identify;
pub use messenger::{Messenger, RecvError};
pub use stack::{StackError, StdStack, TcpSocket, UdpSocket};
pub use tune::UNACKNOWLEDGED_TIMEOUT;
pub use watch::{Waker, Watch};

/// What the tool `cable-car` shares with connectors, so that what it says of a machine is what they
/// do. For nobody else: it changes without notice.
#[doc(hidden)]
pub mod internal {
    pub use crate::identity::random_instance;
    pub use crate::interfaces::{Choice, Plan};
    pub use crate::networks::{Network, all as networks};
}
