//! `join`, `connect` and `listen`: links that come from one place or another, what they bring, and
//! what is typed. One thread serves them all, and sleeps when there is nothing to do.

mod input;
mod links;
mod source;

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cable_car_std::{BadMessage, Event as PeerEvent, LinkError, Watch, Who};

use self::input::{BadLine, Input, Typed};
use self::links::Links;
pub(crate) use self::source::Source;
use self::source::{Arrival, Sources};
use crate::failure::{Failure, Outcome};
use crate::output::{Event, Output, Progress, Tone, address, remark};
use crate::stop::Stop;
use crate::text::plain;
use crate::transport::{Shown, Talk};
use crate::value::Value;

/// How long a person waits in silence before being told what may be wrong.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long peers have at the end to take what was sent to them.
const FAREWELL: Duration = Duration::from_secs(2);

/// Talks with whomever `source` brings, until the end.
pub(crate) fn run<T: Talk>(
    source: Source,
    end: Option<Duration>,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let watch = Watch::new()?;
    let waker = watch.waker();
    let stop = Stop::heed(move || waker.wake())?;
    let only_one = source.is_only_one();
    // Whoever waits for others to come may type meanwhile.
    let progress = matches!(source, Source::Dial { .. }).then(|| Progress::new(output));
    let sources = Sources::start(source, watch.waker())?;
    remark(format_args!("{}", sources.waiting()));
    let input = Input::start(watch.waker())?;
    let mut session = Session::<T> {
        links: Links::new(watch),
        sources,
        input,
        progress,
        output,
        waiting: None,
        told_to_wait: false,
        hints: Hints::default(),
        unsent: 0,
    };
    let deadline = end.map(|end| session.output.started() + end);
    loop {
        session.output.flush()?;
        session.work(deadline)?;
        let over = only_one && session.links.have_ended()
            || session.input.has_left()
            || deadline.is_some_and(|deadline| deadline <= Instant::now());
        if over || stop.is_told() {
            return session.leave();
        }
    }
}

struct Session<'o, T: Talk> {
    links: Links<T>,
    sources: Sources,
    input: Input,
    /// How the dial goes, until there is a link.
    progress: Option<Progress>,
    output: &'o mut Output,
    /// A message for which there is no peer yet.
    waiting: Option<T::Typed>,
    told_to_wait: bool,
    hints: Hints,
    /// How many lines could not be sent.
    unsent: usize,
}

/// What a person is told once, if at all.
#[derive(Default)]
struct Hints {
    nobody: bool,
    silence: bool,
    transport: bool,
    trouble: Option<String>,
}

impl<T: Talk> Session<'_, T> {
    /// Sleeps until there is something to do, and does it.
    fn work(&mut self, deadline: Option<Instant>) -> Result<(), Failure> {
        if let Some(progress) = &mut self.progress {
            let seconds = self.output.started().elapsed().as_secs();
            progress.show(format_args!("dialling for {seconds} s"));
        }
        let show_at = self.progress.as_ref().and_then(Progress::due);
        let wake_at = [deadline, self.hint_at(), show_at].into_iter().flatten().min();
        for key in self.links.wait(wake_at)? {
            self.serve(key)?;
        }
        while let Some(arrival) = self.sources.next() {
            self.arrived(arrival)?;
        }
        self.pass_on_input()?;
        self.hint()
    }

    fn arrived(&mut self, arrival: Arrival) -> Result<(), Failure> {
        match arrival {
            Arrival::Link(connection) => {
                self.progress = None;
                let peer = connection.remote_address();
                let (kind, name) = match connection.who() {
                    Some(Who::Legacy(_)) => (Some("legacy"), None),
                    Some(Who::Instance(instance)) => (Some("extended"), Some(instance.to_string())),
                    None => (None, None),
                };
                let words = match (kind, &name) {
                    (Some(_), Some(name)) => format!("connected, instance {name}"),
                    (Some(_), None) => "connected, a legacy peer".to_owned(),
                    _ => "connected".to_owned(),
                };
                let fields = [("kind", kind.into()), ("instance", name.into())];
                let fields = if kind.is_some() { &fields[..] } else { &[] };
                self.tell("connected", peer, fields, Tone::Good, format_args!("{words}"))?;
                let key = self.links.add(connection)?;
                self.serve(key)
            }
            Arrival::Told(PeerEvent::Unreachable { address, reason }) => {
                let fields = [("error", reason.to_string().into())];
                let words = format_args!("can not be dialled: {reason}");
                self.tell("unreachable", address.into(), &fields, Tone::Attention, words)
            }
            Arrival::Told(_) => Ok(()),
            Arrival::Refused(error) => {
                let words = format!("a peer could not be let in: {error}");
                self.output.tell_programs_of_error(&words)?;
                remark(format_args!("{words}"));
                Ok(())
            }
            Arrival::Failed(failure) => Err(failure),
        }
    }

    /// Sends and receives on one link.
    fn serve(&mut self, key: usize) -> Result<(), Failure> {
        match self.links.transfer(key) {
            Some((peer, Some(reason))) => self.closed(peer, reason),
            Some((peer, None)) => self.show_messages(key, peer),
            None => Ok(()),
        }
    }

    /// Shows all messages that have come.
    fn show_messages(&mut self, key: usize, peer: SocketAddr) -> Result<(), Failure> {
        while let Some(message) = self.links.next(key) {
            match message {
                Ok(Shown { fields, words, looks_foreign }) => {
                    self.hints.silence = true;
                    self.tell("message", peer, &fields, Tone::Plain, format_args!("{words}"))?;
                    if looks_foreign {
                        self.hint_transport(peer)?;
                    }
                }
                Err(bad) => {
                    let fields = [("error", bad.to_string().into())];
                    let words = plain(&bad.to_string());
                    self.tell("error", peer, &fields, Tone::Bad, format_args!("{words}"))?;
                    if matches!(
                        bad,
                        BadMessage::Line { .. } | BadMessage::Binary | BadMessage::JsonText
                    ) {
                        self.hint_transport(peer)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn closed(&mut self, peer: SocketAddr, reason: LinkError) -> Result<(), Failure> {
        let tone = if links::is_error(reason) { Tone::Bad } else { Tone::Attention };
        let fields = [("reason", reason.to_string().into())];
        self.tell("closed", peer, &fields, tone, format_args!("closed: {reason}"))?;
        if matches!(reason, LinkError::FrameLength { .. }) {
            self.hint_transport(peer)?;
        }
        Ok(())
    }

    /// Sends what was typed, as long as the peers take it.
    fn pass_on_input(&mut self) -> Result<(), Failure> {
        let mut are_queued = false;
        loop {
            if self.links.are_full() {
                self.serve_all()?;
                if self.links.are_full() {
                    // They are served again when they can take more.
                    return Ok(());
                }
            }
            let message = match self.waiting.take() {
                Some(message) => message,
                None => match self.input.next() {
                    Some(Typed { number, line }) => match read::<T>(line) {
                        Ok(message) => message,
                        Err(error) => {
                            self.unsent += 1;
                            remark(format_args!("line {number} is not sent: {error}"));
                            continue;
                        }
                    },
                    None if are_queued => return self.serve_all(),
                    None => return Ok(()),
                },
            };
            if self.links.are_none() {
                self.waiting = Some(message);
                if !std::mem::replace(&mut self.told_to_wait, true) {
                    remark(format_args!("nobody is connected: what is typed waits for a peer"));
                }
                return Ok(());
            }
            self.told_to_wait = false;
            for (peer, error) in self.links.send(&message) {
                self.unsent += 1;
                remark(format_args!("not sent to {peer}: {error}"));
            }
            are_queued = true;
        }
    }

    fn serve_all(&mut self) -> Result<(), Failure> {
        for key in self.links.keys() {
            self.serve(key)?;
        }
        Ok(())
    }

    fn tell(
        &mut self,
        name: &'static str,
        peer: SocketAddr,
        fields: &[(&'static str, Value)],
        tone: Tone,
        words: fmt::Arguments<'_>,
    ) -> Result<(), Failure> {
        Ok(self.output.tell(&Event { name, peer: Some(address(peer)), fields, words, tone })?)
    }

    /// When somebody is to be told why nothing happens.
    fn hint_at(&self) -> Option<Instant> {
        match self.links.first_at() {
            Some(first) if !self.hints.silence => Some(first + PATIENCE),
            None if !self.hints.nobody => Some(self.output.started() + PATIENCE),
            _ => None,
        }
    }

    fn hint(&mut self) -> Result<(), Failure> {
        let trouble = self.sources.trouble();
        if trouble != self.hints.trouble {
            if let Some(trouble) = &trouble {
                self.output.tell_programs_of_error(trouble)?;
                remark(format_args!("{trouble}"));
            }
            self.hints.trouble = trouble;
        }
        if self.hint_at().is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        if self.links.first_at().is_none() {
            self.hints.nobody = true;
            remark(format_args!("nobody yet; {}", self.sources.advice()));
        } else {
            self.hints.silence = true;
            remark(format_args!(
                "no message yet; a peer that talks the other transport is understood with {}",
                T::OTHER
            ));
        }
        Ok(())
    }

    fn hint_transport(&mut self, peer: SocketAddr) -> Result<(), Failure> {
        self.hints.silence = true;
        if !std::mem::replace(&mut self.hints.transport, true) {
            // After what it is about.
            self.output.flush()?;
            remark(format_args!("does {peer} talk the other transport? Then say {}", T::OTHER));
        }
        Ok(())
    }

    /// Says goodbye: no more peers, then what is queued, then the end of the links.
    fn leave(mut self) -> Result<Outcome, Failure> {
        self.progress = None;
        self.sources.stop();
        let deadline = Instant::now() + FAREWELL;
        for key in self.links.keys() {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some((peer, unsent)) = self.links.close(key, left) else { continue };
            if let Err(unsent) = unsent {
                self.unsent += 1;
                remark(format_args!("{peer}: {unsent}"));
            }
            self.closed(peer, LinkError::Closed)?;
        }
        self.output.flush()?;
        if self.waiting.is_some() || !self.input.is_exhausted() {
            self.unsent += 1;
            remark(format_args!("not all of the input was sent"));
        }
        if self.links.first_at().is_none() {
            remark(format_args!("nobody was found; {}", self.sources.advice()));
            return Ok(Outcome::Fault);
        }
        let fine = self.unsent == 0 && !self.links.have_failed();
        Ok(if fine { Outcome::Fine } else { Outcome::Fault })
    }
}

fn read<T: Talk>(line: Result<Vec<u8>, BadLine>) -> Result<T::Typed, String> {
    T::read(&line.map_err(|bad| bad.to_string())?)
}
