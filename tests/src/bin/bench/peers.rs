//! Those who are measured, each as its own documentation would have it used.

mod decoders;
mod footprint;
mod many;
#[cfg(feature = "peers")]
mod message_io;
mod ours;
mod raw;
#[cfg(feature = "peers")]
mod tokio;
#[cfg(feature = "peers")]
mod zmq;

use std::{
    error::Error,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
};

use cable_car_tests::python;

use crate::job::{Answer, Job, Part, Subject, Work};

/// Why a process gave up.
pub(crate) type Failure = Box<dyn Error>;

/// Messages a flush, and blocks of messages between two looks at the clock.
pub(crate) const BLOCK: u32 = 10_000;

/// What is missing for a subject to be measured.
pub(crate) fn lacks(subject: Subject) -> Option<String> {
    match subject {
        Subject::Tokio | Subject::Zmq | Subject::MessageIo if !cfg!(feature = "peers") => {
            Some("built without --features peers".into())
        }
        Subject::Python => python::environment().err().map(str::to_owned),
        _ => None,
    }
}

/// Does the part of a job that falls to this process.
pub(crate) fn take_part(job: &Job) -> Result<(), Failure> {
    match (job.subject, job.work) {
        (_, Work::Peers { peers }) => many::take_part(job, peers),
        (Subject::CableCar, Work::Discovery) => footprint::discovery(job),
        (Subject::CableCar, Work::AtRest) => footprint::at_rest(),
        (Subject::CableCar, Work::Memory) => footprint::memory(),
        (Subject::CableCar, _) => ours::take_part(job),
        (Subject::Raw | Subject::RawFlushed, _) => raw::take_part(job),
        (Subject::Decoder | Subject::SerdeJson, _) => decoders::take_part(job),
        #[cfg(feature = "peers")]
        (Subject::Tokio, _) => tokio::take_part(job),
        #[cfg(feature = "peers")]
        (Subject::Zmq, _) => zmq::take_part(job),
        #[cfg(feature = "peers")]
        (Subject::MessageIo, _) => message_io::take_part(job),
        _ => Err("nobody does that".into()),
    }
}

/// Tells the process that has started this one.
pub(crate) fn answer(answer: &Answer) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(answer)?)?;
    Ok(stdout.flush()?)
}

/// The address that a client dials.
pub(crate) fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Where a server listens: on any port, which is told.
pub(crate) const ANY_PORT: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// This work is not the subject's.
pub(crate) fn not_done(job: &Job) -> Result<(), Failure> {
    let part = match job.part {
        Part::Server => "server",
        Part::Client { .. } => "client",
    };
    Err(format!("{} has no {part} for {:?}", job.subject, job.work).into())
}
