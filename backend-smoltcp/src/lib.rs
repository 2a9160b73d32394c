#![doc = include_str!("../README.md")]
#![cfg_attr(feature = "document-features", doc = "\n## Features\n")]
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![no_std]
#![forbid(unsafe_code)]

mod address;
mod config;
#[cfg(feature = "dhcp")]
mod dhcp;
mod error;
mod ports;
mod stack;
mod storage;
mod tap;
mod tcp;
mod udp;
pub mod wire;

pub use config::Config;
pub use error::{ConfigError, Error};
/// For the device, whose trait is smoltcp's.
pub use smoltcp;
pub use stack::{MIN_IP_MTU, Stack};
pub use storage::{Sizes, Storage, UDP_TX_PACKETS};
pub use tcp::{MAX_LISTENERS, TcpSocket};
pub use udp::UdpSocket;
