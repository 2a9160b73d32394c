//! What one process of a measurement does, as it is told to it, and what it answers.

use std::{fmt, time::Duration};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// This project.
    CableCar,
    /// The sockets of the standard library, in batches of 64 KiB where the work allows: the limit.
    Raw,
    /// The sockets of the standard library, a write a flush.
    RawFlushed,
    /// `tokio_util`'s `LengthDelimitedCodec`; for JSON its `LinesCodec` with `serde_json`.
    Tokio,
    /// ZeroMQ's PUSH and PULL; for round trips PAIR.
    Zmq,
    /// `message_io`'s framed TCP.
    MessageIo,
    /// The Python package `cable_car`.
    Python,
    /// Our decoder alone, on lines in memory.
    Decoder,
    /// `serde_json`'s decoder alone, on lines in memory.
    SerdeJson,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CableCar => "cable-car",
            Self::Raw => "raw",
            Self::RawFlushed => "raw, a write a flush",
            Self::Tokio => "tokio-util codec",
            Self::Zmq => "zmq",
            Self::MessageIo => "message-io",
            Self::Python => "cable_car (Python)",
            Self::Decoder => "cable-car's decoder alone",
            Self::SerdeJson => "serde_json alone",
        })
    }
}

/// Which of the two transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Transport {
    /// 16 bytes of payload, 18 on the wire.
    Byte,
    /// Lines of 64 bytes.
    Json,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Byte => "byte",
            Self::Json => "JSON",
        })
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Messages from one process to the other, so many a flush.
    OneWay { transport: Transport, flush: u32 },
    /// A message there and one back, one at a time.
    RoundTrip { transport: Transport },
    /// So many messages are queued at once, then passed on and read.
    Backlog { transport: Transport, messages: u32 },
    /// So many peers send to one thread in turn.
    Peers { peers: u32 },
    /// Two programs find each other, the second one just started.
    Discovery,
    /// A program that waits, for peers and for messages.
    AtRest,
    /// How often memory is asked for.
    Allocations { transport: Transport },
    /// What each of many peers takes.
    Memory,
}

/// Which of the two processes of a piece of work this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    /// Listens, says where, and measures.
    Server,
    /// Dials that port.
    Client { port: u16 },
}

/// What one process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) subject: Subject,
    pub(crate) work: Work,
    pub(crate) part: Part,
    /// For how long, where the work has no end of its own.
    pub(crate) span: Duration,
}

/// What a process says, a line each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The client may dial.
    Port(u16),
    /// So many messages were sent.
    Sent(u64),
    /// So many messages came, each of which was right, and this was measured: a number for each
    /// [`Measure`] of the work.
    Done { received: u64, values: Vec<f64> },
}

/// The one unit of which more is better.
pub(crate) const RATE: &str = "messages/s";

/// What is measured of a piece of work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measure {
    pub(crate) row: String,
    pub(crate) unit: &'static str,
}

impl Work {
    pub(crate) fn measures(&self) -> Vec<Measure> {
        let one = |row: String, unit| vec![Measure { row, unit }];
        match self {
            Self::OneWay { transport, flush } => one(format!("one-way {transport} {flush}"), RATE),
            Self::RoundTrip { transport } => ["p50", "p99"]
                .map(|what| Measure { row: format!("round trip {transport} {what}"), unit: "us" })
                .into(),
            Self::Backlog { transport, messages } => {
                one(format!("backlog {transport} {messages}"), "ns/message")
            }
            Self::Peers { peers } => one(format!("peers {peers}"), "ns/message"),
            Self::Discovery => one("time to link by discovery".into(), "ms"),
            Self::AtRest => one("processor time at rest".into(), "us/s"),
            Self::Allocations { transport } => {
                one(format!("allocations {transport}"), "allocations/message")
            }
            Self::Memory => one("memory a peer".into(), "KiB"),
        }
    }
}
