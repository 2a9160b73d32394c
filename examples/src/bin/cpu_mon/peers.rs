//! The network: finds the others, tells them our figures, hears theirs. One thread serves them all.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cable_car_std::{
    BadMessage, BroadcastConnector, BufferSize, LinkError, Messenger, SendError, StartError, Watch,
};

use crate::options::Options;
use crate::stats::{Figures, Messages, MsgStats};

/// A report has some two hundred bytes; whoever sends more than this at once sends no reports.
const BUFFER: BufferSize = BufferSize { initial: 4 << 10, limit: 64 << 10 };

/// Everyone who is connected.
pub(crate) struct Peers {
    watch: Watch,
    connector: BroadcastConnector,
    links: BTreeMap<usize, Messenger<Messages>>,
    next_key: usize,
    figures: Figures,
    interval: Duration,
    /// When everyone is told next.
    report_at: Instant,
    /// Those who have been told nothing yet.
    strangers: Vec<usize>,
    happenings: Vec<Happening>,
}

/// What the network has to tell, and the other end of the link that it is about.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A link stands.
    Joined(SocketAddr),
    /// A report came.
    Report(SocketAddr, Box<MsgStats>),
    /// Something else came.
    Bad(SocketAddr, BadMessage),
    /// A report could not be sent.
    Skipped(SocketAddr, SendError),
    /// A link has ended.
    Lost(SocketAddr, LinkError),
}

impl Peers {
    /// Looks for others from now on; `watch` is what the program waits with.
    pub(crate) fn start(options: &Options, watch: Watch) -> Result<Self, StartError> {
        let figures = Figures::new();
        let connector = BroadcastConnector::builder()
            .udp_port(options.udp_port)
            .tcp_port(options.tcp_port)
            .interval(options.interval)
            .allow_loopback(options.loopback)
            .wake(watch.waker())
            .start()?;
        Ok(Self {
            watch,
            connector,
            links: BTreeMap::new(),
            next_key: 0,
            figures,
            interval: options.interval,
            report_at: Instant::now() + options.interval,
            strangers: Vec::new(),
            happenings: Vec::new(),
        })
    }

    /// When there is something to do though nothing comes.
    pub(crate) fn due(&self) -> Instant {
        if self.strangers.is_empty() {
            return self.report_at;
        }
        self.report_at.min(self.figures.ready_at())
    }

    /// What keeps us from being found, if anything does.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.connector.trouble()
    }

    /// Sleeps until something comes, until the watch is woken, or until `deadline`; then does what
    /// there is to do, and tells what has happened.
    pub(crate) fn work(&mut self, deadline: Option<Instant>) -> io::Result<Vec<Happening>> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let ready: Vec<usize> = self.watch.wait(left)?.collect();
        self.welcome()?;
        for key in ready {
            self.serve(key);
        }
        self.report(Instant::now());
        Ok(std::mem::take(&mut self.happenings))
    }

    /// Takes in those who have come.
    fn welcome(&mut self) -> io::Result<()> {
        while let Ok(connection) = self.connector.next_connection(Duration::ZERO) {
            let mut messenger = Messenger::with_buffers(connection, BUFFER);
            self.watch.add(self.next_key, &mut messenger)?;
            self.happenings.push(Happening::Joined(messenger.remote_address()));
            self.strangers.push(self.next_key);
            self.links.insert(self.next_key, messenger);
            self.next_key += 1;
        }
        Ok(())
    }

    /// Tells our figures: to strangers at once, to everyone when it is time.
    fn report(&mut self, now: Instant) {
        let everyone = now >= self.report_at;
        let keys = if everyone {
            self.report_at += self.interval;
            if self.report_at <= now {
                // The machine was asleep: nobody misses what it would have said.
                self.report_at = now + self.interval;
            }
            self.strangers.clear();
            self.links.keys().copied().collect()
        } else if now >= self.figures.ready_at() {
            std::mem::take(&mut self.strangers)
        } else {
            return;
        };
        if everyone || !keys.is_empty() {
            // Looked at also where nobody is told, so that they are of the last interval.
            let figures = self.figures.at(now);
            for key in &keys {
                if let Some(messenger) = self.links.get_mut(key)
                    && let Err(why @ (SendError::WouldBlock | SendError::Invalid(_))) =
                        messenger.send(figures)
                {
                    self.happenings.push(Happening::Skipped(messenger.remote_address(), why));
                }
            }
        }
        for key in keys {
            self.serve(key);
        }
    }

    /// Sends and receives on one link, as long as there is something.
    fn serve(&mut self, key: usize) {
        // It may have ended since it was reported as ready.
        let Some(messenger) = self.links.get_mut(&key) else { return };
        let remote = messenger.remote_address();
        if let Err(end) = messenger.xfer() {
            self.links.remove(&key);
            self.strangers.retain(|&stranger| stranger != key);
            self.happenings.push(Happening::Lost(remote, end));
            return;
        }
        while let Some(message) = messenger.get() {
            self.happenings.push(match message {
                Ok(Messages::MsgStats(stats)) => Happening::Report(remote, Box::new(stats)),
                Err(bad) => Happening::Bad(remote, bad),
            });
        }
    }
}
