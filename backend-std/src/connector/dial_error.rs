//! Why a peer could not be dialled.

use std::fmt;
use std::io;

use cable_car::nal::ConnectError;

use crate::stack::StackError;

/// Why a peer that was heard could not be dialled.
///
/// ```
/// use cable_car_std::{BroadcastConnector, DialError, Event};
///
/// let builder = BroadcastConnector::builder().on_event(|event| {
///     let Event::Unreachable { address, reason } = event else { return };
///     match reason {
///         DialError::TimedOut => eprintln!("does a firewall at {} filter {address}?", address.ip()),
///         DialError::Refused => eprintln!("has the program at {address} just ended?"),
///         reason => eprintln!("{address}: {reason}"),
///     }
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialError {
    /// Its machine answered that nobody listens on the port: its program has just ended, or a firewall
    /// rejects.
    Refused,
    /// Nothing answered within the time: a firewall filters, most likely, or the machine is gone.
    TimedOut,
    /// Its program answered, and does not want the link.
    Declined,
    /// This machine could not dial, for want of a route or of a socket perhaps.
    System {
        /// What kind of error it was.
        kind: io::ErrorKind,
        /// The system's number for it, where there is one.
        code: Option<i32>,
    },
}

impl From<ConnectError<StackError>> for DialError {
    fn from(error: ConnectError<StackError>) -> Self {
        match error {
            ConnectError::Refused => Self::Declined,
            ConnectError::TimedOut => Self::TimedOut,
            ConnectError::NoSocket(error)
            | ConnectError::Listen(error)
            | ConnectError::Connect(error) => error.into_inner().into(),
            _ => io::Error::from(io::ErrorKind::Other).into(),
        }
    }
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::TimedOut,
            kind => Self::System { kind, code: error.raw_os_error() },
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused: nobody listens there"),
            Self::TimedOut => f.write_str("no answer within the time"),
            Self::Declined => f.write_str("the peer does not want the link"),
            Self::System { code: Some(code), .. } => io::Error::from_raw_os_error(*code).fmt(f),
            Self::System { kind, code: None } => kind.fmt(f),
        }
    }
}

impl std::error::Error for DialError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_kept() {
        let denied = io::Error::from_raw_os_error(13);
        let error = DialError::from(ConnectError::Connect(io::Error::from_raw_os_error(13).into()));
        assert_eq!(error, DialError::System { kind: denied.kind(), code: Some(13) });
        assert_eq!(error.to_string(), denied.to_string());
        let error = DialError::from(io::Error::from(io::ErrorKind::NotConnected));
        assert_eq!(error.to_string(), io::ErrorKind::NotConnected.to_string());
    }
}
