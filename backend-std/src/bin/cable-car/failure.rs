//! How a command ends, and the exit code that says so.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// How a command that ran went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    /// Nobody was found, a link ended with an error, or something is wrong.
    Fault,
}

/// Why a command ended before its time. The texts say what to do.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for can not be.
    Usage(String),
    /// A port is taken, or the system refused something else at the start.
    Start(String),
    /// A peer could not be connected with.
    NoPeer(String),
    /// The system refused something that it does not refuse.
    System(io::Error),
}

impl Failure {
    /// Whether all that is wrong is that nobody reads the output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::System(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::NoPeer(_) => 1,
            Self::Usage(_) => 2,
            Self::Start(_) | Self::System(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Start(text) | Self::NoPeer(text) => f.write_str(text),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(u8::from(outcome == Outcome::Fault))
    }
}
