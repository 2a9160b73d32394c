//! A program under measurement, ours or Python's.

use std::fs;
use std::time::{Duration, Instant};

use cable_car_tests::netns::Host;
use cable_car_tests::process::{PATIENCE, Process};
use cable_car_tests::python::Peer;
use serde_json::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    Python,
}

pub(crate) const KINDS: [Kind; 2] = [Kind::Ours, Kind::Python];

impl Kind {
    /// How long it takes until every link is told that ever will be.
    pub(crate) fn settled(self) -> Duration {
        match self {
            Self::Ours => Duration::from_millis(500),
            Self::Python => Duration::from_secs(3),
        }
    }
}

/// Events of a Python program by which its user could know that a link has ended.
const PYTHON_ENDS: [&str; 4] = ["closed", "error", "log", "stopped"];

/// One end of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linked {
    /// From the start of the program, where it tells.
    pub(crate) after: Option<Duration>,
    pub(crate) local: String,
    pub(crate) remote: String,
}

/// A program on a host.
pub(crate) enum Program {
    /// Waits to be told to start, so that the time that a process takes is not counted.
    Ours(Process),
    /// Starts at once.
    Python(Peer),
}

impl Program {
    /// The program, loaded where that can be told apart from being started.
    pub(crate) fn load(kind: Kind, host: &Host) -> Self {
        match kind {
            Kind::Ours => {
                let own = std::env::current_exe().expect("the path of this program");
                let mut command = host.command(own);
                command.arg("--program");
                let mut process = Process::spawn(command);
                process.expect_line(PATIENCE, |line| line == "loaded");
                Self::Ours(process)
            }
            Kind::Python => {
                Self::Python(Peer::spawn_on(host, &["broadcast", "--transport", "byte"]))
            }
        }
    }

    /// Starts it, and waits until its ports are open.
    pub(crate) fn start(&mut self) {
        self.begin();
        self.ready();
    }

    /// Has it start.
    pub(crate) fn begin(&mut self) {
        if let Self::Ours(process) = self {
            process.send_line("start");
        }
    }

    pub(crate) fn ready(&mut self) {
        match self {
            Self::Ours(process) => drop(process.expect_line(PATIENCE, |line| line == "ready")),
            Self::Python(peer) => drop(peer.expect("ready")),
        }
    }

    /// The next link that it tells of.
    pub(crate) fn linked(&mut self, timeout: Duration) -> Option<Linked> {
        match self {
            Self::Ours(process) => {
                let line = line(process, timeout, "linked")?;
                let mut words = line.split(' ').skip(1).map(str::to_owned);
                let micros = words.next()?.parse().ok()?;
                let after = Some(Duration::from_micros(micros));
                Some(Linked { after, local: words.next()?, remote: words.next()? })
            }
            Self::Python(peer) => {
                let event = peer.find(timeout, |event| event["event"] == "connected")?;
                let word = |name: &str| event[name].as_str().map(str::to_owned);
                Some(Linked { after: None, local: word("local")?, remote: word("remote")? })
            }
        }
    }

    /// Says a word over every link.
    pub(crate) fn say(&mut self) {
        match self {
            Self::Ours(process) => process.send_line("say"),
            Self::Python(peer) => peer.send_name("MsgJoin", json!({})),
        }
    }

    /// How many words come: those that are expected until the deadline, and more right after them.
    pub(crate) fn heard(&mut self, expected: usize, deadline: Instant) -> usize {
        let mut count = 0;
        loop {
            let patience = match count < expected {
                true => deadline.saturating_duration_since(Instant::now()),
                false => Duration::from_millis(100),
            };
            if !self.hears(patience) {
                return count;
            }
            count += 1;
        }
    }

    fn hears(&mut self, timeout: Duration) -> bool {
        match self {
            Self::Ours(process) => line(process, timeout, "heard").is_some(),
            Self::Python(peer) => peer.has("message", timeout),
        }
    }

    /// Leaves aside what it has told so far.
    pub(crate) fn forget(&mut self) {
        match self {
            Self::Ours(process) => while process.next_line(Duration::ZERO).is_some() {},
            Self::Python(peer) => while peer.next_event(Duration::ZERO).is_some() {},
        }
    }

    /// Waits until it tells that a peer has left or was lost.
    pub(crate) fn ended(&mut self, how: &str, timeout: Duration) -> Option<Instant> {
        match self {
            Self::Ours(process) => line(process, timeout, how).map(drop),
            // Whatever the package's user might see: an exception, a line of the log, a messenger
            // that is closed, a connector that has ended. Not `eof`, which the peer finds out by
            // asking the socket.
            Self::Python(peer) => peer
                .find(timeout, |event| {
                    let event = event["event"].as_str();
                    event.is_some_and(|event| PYTHON_ENDS.contains(&event))
                })
                .map(drop),
        }
        .map(|()| Instant::now())
    }

    /// Ends its links and its search as its user would, with a goodbye where there is such a thing.
    pub(crate) fn stop(&mut self) {
        match self {
            Self::Ours(process) => process.send_line("stop"),
            Self::Python(peer) => {
                for command in ["stop", "close", "quit"] {
                    peer.send(&json!({ "cmd": command }));
                }
            }
        }
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        match self {
            Self::Ours(process) => process,
            Self::Python(peer) => peer.process(),
        }
    }

    /// The processor time that all its threads have used, as exactly as the system tells.
    pub(crate) fn cpu_time(&mut self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process().id()));
        let nanos = tasks.into_iter().flatten().flatten().filter_map(|task| {
            let account = fs::read_to_string(task.path().join("schedstat")).ok()?;
            account.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }
}

/// The next line that begins with a word.
fn line(process: &mut Process, timeout: Duration, word: &str) -> Option<String> {
    let deadline = Instant::now() + timeout;
    loop {
        let line = process.next_line(deadline.saturating_duration_since(Instant::now()))?;
        if line.split(' ').next() == Some(word) {
            return Some(line);
        }
    }
}
