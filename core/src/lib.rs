// Links of the README that lead elsewhere from here. Of two definitions the first one counts.
//! [PROTOCOL.md]: https://docs.rs/cable-car-std/latest/cable_car_std/guide/protocol/
//! [Guides]: https://docs.rs/cable-car-std/latest/cable_car_std/guide/
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(feature = "document-features", doc = "\n## Features\n")]
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod buffer;
#[doc(hidden)]
pub mod check;
mod codec;
pub mod discovery;
mod error;
mod messenger;
pub mod nal;
mod set;
mod standard;
mod text;
mod time;

pub use buffer::Storage;
#[cfg(feature = "derive")]
pub use cable_car_derive::{ByteField, ByteMessage, JsonMessage, MessageSet};
pub use codec::byte::{Byte, ByteFrame, ByteMessage, Signal};
pub use codec::byte_field::{ByteField, Extent};
pub use codec::fields::{DecodeError, EncodeError, Reader, Writer};
pub use codec::json::{Json, JsonError, JsonErrorKind, JsonFrame, JsonMessage, write_line};
pub use codec::{Outgoing, Transport};
pub use error::{BadMessage, LinkError, SendError};
pub use messenger::{Link, Moved};
pub use set::{AnyByte, AnyJson, FrameOf, MessageSet};
pub use standard::{Identify, IdentifyError, Join, Quit, Retry};
pub use text::Snippet;
pub use time::Instant;

/// The traits without the derives of the same names, for a crate that has derives of its own.
#[doc(hidden)]
pub mod traits {
    pub use crate::codec::byte::ByteMessage;
    pub use crate::codec::byte_field::ByteField;
    pub use crate::codec::json::JsonMessage;
    pub use crate::set::MessageSet;
}
