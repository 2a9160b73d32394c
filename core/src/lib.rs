#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod buffer;
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
pub use codec::byte::{Byte, ByteFrame, ByteMessage, Signal};
pub use codec::fields::{DecodeError, EncodeError, Reader, Writer};
pub use codec::json::{Json, JsonError, JsonErrorKind, JsonFrame, JsonMessage, write_line};
pub use codec::{Outgoing, Transport};
pub use error::{BadMessage, LinkError, SendError};
pub use messenger::{Link, Moved};
pub use set::{AnyByte, AnyJson, FrameOf, MessageSet};
#[doc(hidden)]
pub use set::{assert_unique_codes, assert_unique_names};
pub use standard::{Identify, IdentifyError, Join, Quit, Retry};
pub use text::Snippet;
pub use time::Instant;
