//! What waits: for a message, or until what is queued is gone.

use std::fmt;
use std::io;
use std::time::Duration;

use cable_car::nal::Unsent;
use cable_car::{BadMessage, LinkError, MessageSet, Outgoing, SendError};

use super::Messenger;
use crate::deadline::Deadline;
use crate::logging;

/// Why [`Messenger::recv`] gave no message.
///
/// ```
/// use cable_car_std::{LinkError, RecvError};
///
/// fn is_over(error: &RecvError) -> bool {
///     matches!(error, RecvError::Ended(_))
/// }
/// assert!(is_over(&RecvError::Ended(LinkError::ClosedByPeer)));
/// assert!(!is_over(&RecvError::TimedOut));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RecvError {
    /// None came within the time.
    TimedOut,
    /// A message came that could not be understood; the link goes on.
    Bad(BadMessage),
    /// The link has ended.
    Ended(LinkError),
    /// The system could not wait.
    Wait(io::Error),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no message came within the time"),
            Self::Bad(bad) => bad.fmt(f),
            Self::Ended(end) => end.fmt(f),
            Self::Wait(error) => write!(f, "can not wait for messages: {error}"),
        }
    }
}

impl std::error::Error for RecvError {}

impl<S: MessageSet> Messenger<S> {
    /// Sends what is queued, then sleeps until there is a message to [`get`](Self::get) or the link
    /// has ended, which the next [`xfer`](Self::xfer) tells. `false` where neither came within
    /// `timeout`; no timeout is no limit.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// use std::time::Duration;
    ///
    /// let nothing = !peer.wait(Some(Duration::from_millis(1)))?;
    /// assert!(nothing, "there is no message yet");
    /// other.send(&Join)?;
    /// other.xfer()?;
    /// assert!(peer.wait(None)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where the system can not wait, or a [`Watch`](crate::Watch) waits for this messenger already.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        let deadline = Deadline::after(timeout);
        loop {
            let Some(socket) = &mut self.socket else {
                return Ok(true);
            };
            socket.transmit(&mut self.link);
            socket.receive_if_readable(&mut self.link);
            if self.link.has_message() {
                return Ok(true);
            }
            if self.link.status().is_err() {
                return Ok(true);
            }
            let left = deadline.left();
            if !socket.sleep(left)? && left == Some(Duration::ZERO) {
                return Ok(false);
            }
        }
    }

    /// Waits for the next message, sending what is queued.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger, RecvError};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// use std::time::Duration;
    ///
    /// # other.send(&Join)?;
    /// # other.xfer()?;
    /// match peer.recv(Some(Duration::from_secs(5))) {
    ///     Ok(message) => println!("code {:#04x}", message.code),
    ///     Err(RecvError::TimedOut) => println!("nothing for 5 s"),
    ///     Err(RecvError::Bad(bad)) => eprintln!("{bad}"), // the link goes on
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RecvError`]: among others for a message that could not be understood, after which the link
    /// goes on.
    pub fn recv(&mut self, timeout: Option<Duration>) -> Result<S::Message<'_>, RecvError> {
        if !self.wait(timeout).map_err(RecvError::Wait)? {
            return Err(RecvError::TimedOut);
        }
        if !self.link.has_message() {
            self.status().map_err(RecvError::Ended)?;
        }
        match self.link.get() {
            Some(message) => message.map_err(|bad| {
                logging::bad_message(&bad);
                RecvError::Bad(bad)
            }),
            None => Err(RecvError::Ended(LinkError::Broken)),
        }
    }

    /// Queues a message and waits until all that is queued has been handed to the system.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// use std::time::Duration;
    ///
    /// peer.send_wait(&Join, Some(Duration::from_secs(5)))?;
    /// assert_eq!(peer.queued(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send); [`SendError::WouldBlock`] also where the peer does not take it
    /// within `timeout`: it stays queued then.
    pub fn send_wait<M>(&mut self, message: &M, timeout: Option<Duration>) -> Result<(), SendError>
    where
        M: Outgoing<S::Transport> + ?Sized,
    {
        self.send(message)?;
        match self.flush(Deadline::after(timeout)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendError::WouldBlock),
            Err(_) => Err(SendError::Ended(self.link.status().err().unwrap_or(LinkError::Broken))),
        }
    }

    /// Waits until all that is queued has been handed to the system, then ends the link.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// use std::time::Duration;
    ///
    /// peer.send(&Join)?;
    /// peer.shutdown(Duration::from_secs(5))?;
    /// assert_eq!(other.recv(None)?.code, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Unsent`] where that could not be done within `timeout`. The link has ended then as well.
    pub fn shutdown(&mut self, timeout: Duration) -> Result<(), Unsent> {
        // What could not be sent is told by what is left, whatever was the reason.
        let _ = self.flush(Deadline::after(Some(timeout)));
        let bytes = self.link.queued();
        self.close();
        if bytes == 0 { Ok(()) } else { Err(Unsent { bytes }) }
    }

    /// Hands all that is queued to the system; `false` where that was not done by `deadline`.
    fn flush(&mut self, deadline: Deadline) -> io::Result<bool> {
        let Some(socket) = &mut self.socket else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        loop {
            socket.transmit(&mut self.link);
            if self.link.queued() == 0 {
                return Ok(true);
            }
            if !self.link.can_transmit() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let left = deadline.left();
            if !socket.sleep(left)? && left == Some(Duration::ZERO) {
                return Ok(false);
            }
        }
    }
}
