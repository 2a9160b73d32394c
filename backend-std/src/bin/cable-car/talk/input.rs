//! What is typed, or comes from a file: read on a thread of its own, since the system can not say
//! when there is some.

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Read, StdinLock};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use cable_car_std::{BufferSize, Waker};

/// How many lines are read before the first of them is taken.
const AHEAD: usize = 64;

pub(super) struct Input {
    lines: Receiver<Typed>,
    /// A line that was looked at and not taken.
    peeked: Option<Typed>,
    ended: bool,
    terminal: bool,
}

/// A line of the input.
pub(super) struct Typed {
    /// Counted from 1.
    pub(super) number: usize,
    /// Without its line feed, or what is wrong with it.
    pub(super) line: Result<Vec<u8>, BadLine>,
}

/// What is wrong with the input.
#[derive(Debug)]
pub(super) enum BadLine {
    TooLong {
        limit: usize,
    },
    /// There will be no more.
    Unreadable(io::Error),
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "it is longer than {limit} bytes"),
            Self::Unreadable(error) => write!(f, "the input can not be read: {error}"),
        }
    }
}

impl Input {
    pub(super) fn start(waker: Waker) -> io::Result<Self> {
        let (sender, lines) = sync_channel(AHEAD);
        let reader = std::thread::Builder::new().name("input".into());
        reader.spawn(move || {
            read(io::stdin().lock(), &sender, &waker);
            // That the channel is closed says that the input has ended.
            drop(sender);
            waker.wake();
        })?;
        Ok(Self { lines, peeked: None, ended: false, terminal: io::stdin().is_terminal() })
    }

    /// The next line, if it is there.
    pub(super) fn next(&mut self) -> Option<Typed> {
        self.look();
        self.peeked.take()
    }

    /// Whether there is no line now.
    pub(super) fn is_exhausted(&mut self) -> bool {
        self.look();
        self.peeked.is_none()
    }

    /// Whether a person has said, with Ctrl-D, that this is all.
    pub(super) fn has_left(&mut self) -> bool {
        self.is_exhausted() && self.ended && self.terminal
    }

    fn look(&mut self) {
        if self.peeked.is_none() {
            match self.lines.try_recv() {
                Ok(line) => self.peeked = Some(line),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.ended = true,
            }
        }
    }
}

/// Reads to the end. The other side may end first.
fn read(mut stdin: StdinLock<'static>, lines: &SyncSender<Typed>, waker: &Waker) {
    let limit = BufferSize::default().limit;
    for number in 1_usize.. {
        let mut line = Vec::new();
        let limited = (&mut stdin).take(limit as u64).read_until(b'\n', &mut line);
        let line = match limited {
            Ok(0) => return,
            Ok(_) if line.ends_with(b"\n") => {
                line.pop();
                Ok(line)
            }
            Ok(len) if len == limit => match pass_over(&mut stdin) {
                Ok(()) => Err(BadLine::TooLong { limit }),
                Err(error) => Err(BadLine::Unreadable(error)),
            },
            Ok(_) => Ok(line),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(BadLine::Unreadable(error)),
        };
        let ended = matches!(line, Err(BadLine::Unreadable(_)));
        if lines.send(Typed { number, line }).is_err() || ended {
            return;
        }
        waker.wake();
    }
}

/// Passes over the rest of a line.
fn pass_over(stdin: &mut StdinLock<'static>) -> io::Result<()> {
    loop {
        let bytes = stdin.fill_buf()?;
        let (len, found) = match bytes.iter().position(|&byte| byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        stdin.consume(len);
        if found {
            return Ok(());
        }
    }
}
