//! This project, by its public interface: typed messages, each of which is checked.

use std::time::{Duration, Instant};

use cable_car_std::{DirectClient, DirectServer, LinkError, MessageSet, Messenger, RecvError};
use cable_car_tests::sample::{Lines, Numbered, Samples};

use super::{ANY_PORT, BLOCK, Failure, address, answer, not_done};
use crate::{
    job::{Answer, Job, Part, Transport, Work},
    span::{Count, Until, p50_p99},
};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn take_part(job: &Job) -> Result<(), Failure> {
    match job.work {
        Work::OneWay { transport, .. }
        | Work::RoundTrip { transport }
        | Work::Backlog { transport, .. }
        | Work::Allocations { transport } => match transport {
            Transport::Byte => typed::<Samples>(job),
            Transport::Json => typed::<Lines<'static>>(job),
        },
        _ => not_done(job),
    }
}

fn typed<S: Numbered>(job: &Job) -> Result<(), Failure> {
    match (job.work, job.part) {
        (Work::OneWay { .. }, Part::Server) => receive::<S>(),
        (Work::OneWay { flush, .. }, Part::Client { port }) => send::<S>(flush, port, job.span),
        (Work::RoundTrip { .. }, Part::Server) => echo::<S>(),
        (Work::RoundTrip { .. }, Part::Client { port }) => ping::<S>(port, job.span),
        (Work::Backlog { messages, .. }, Part::Server) => backlog::<S>(messages),
        (Work::Allocations { .. }, Part::Server) => allocations::<S>(),
        _ => not_done(job),
    }
}

pub(crate) fn accept<S: MessageSet>() -> Result<Messenger<S>, Failure> {
    let mut server = DirectServer::bind(ANY_PORT)?;
    answer(&Answer::Port(server.local_address()?.port()))?;
    Ok(server.accept(Some(PATIENCE))?.into())
}

pub(crate) fn connect<S: MessageSet>(port: u16) -> Result<Messenger<S>, Failure> {
    Ok(DirectClient::new(address(port)).connect()?.into())
}

fn send<S: Numbered>(flush: u32, port: u16, span: Duration) -> Result<(), Failure> {
    let mut peer: Messenger<S> = connect(port)?;
    let until = Until::after(span);
    let mut number = 0;
    while !until.is_over() {
        for _ in 0..BLOCK / flush {
            for _ in 1..flush {
                peer.send(&S::numbered(number))?;
                number += 1;
            }
            peer.send_wait(&S::numbered(number), None)?;
            number += 1;
        }
    }
    peer.shutdown(PATIENCE)?;
    answer(&Answer::Sent(number))
}

fn receive<S: Numbered>() -> Result<(), Failure> {
    let mut peer: Messenger<S> = accept()?;
    let mut count = Count::default();
    loop {
        peer.wait(None)?;
        match peer.xfer() {
            Ok(()) => count.start(),
            Err(LinkError::ClosedByPeer) => break,
            Err(error) => return Err(error.into()),
        }
        while let Some(message) = peer.get() {
            count.check(|number| S::is(&message, number));
        }
    }
    answer(&Answer::Done { received: count.received(), values: vec![count.rate()] })
}

fn echo<S: Numbered>() -> Result<(), Failure> {
    let mut peer: Messenger<S> = accept()?;
    let mut count = Count::default();
    loop {
        match peer.recv(None) {
            Ok(message) => count.check(|number| S::is(&Ok(message), number)),
            Err(RecvError::Ended(LinkError::ClosedByPeer)) => break,
            Err(error) => return Err(error.into()),
        }
        peer.send(&S::numbered(count.received() - 1))?;
    }
    answer(&Answer::Sent(count.received()))
}

fn ping<S: Numbered>(port: u16, span: Duration) -> Result<(), Failure> {
    let mut peer: Messenger<S> = connect(port)?;
    let until = Until::after(span);
    let mut count = Count::default();
    let mut times = Vec::new();
    while !until.is_over() {
        let sent = Instant::now();
        peer.send(&S::numbered(count.received()))?;
        let back = Ok(peer.recv(None)?);
        times.push(sent.elapsed());
        count.check(|number| S::is(&back, number));
    }
    peer.close();
    let values = p50_p99(times).map(|time| time.as_secs_f64() * 1e6);
    answer(&Answer::Done { received: count.received(), values: values.into() })
}

/// All is queued before the first byte is read, by one thread. A second time is what is measured:
/// the memory is there by then.
fn backlog<S: Numbered>(messages: u32) -> Result<(), Failure> {
    let mut pair = Pair::<S>::new()?;
    pair.pass(messages.into())?;
    let start = Instant::now();
    pair.pass(messages.into())?;
    let time = start.elapsed().as_nanos() as f64 / f64::from(messages);
    answer(&Answer::Done { received: messages.into(), values: vec![time] })
}

/// Once the link has passed as many messages as it will be given at a time.
fn allocations<S: Numbered>() -> Result<(), Failure> {
    const MESSAGES: u64 = 1000;
    let mut pair = Pair::<S>::new()?;
    pair.pass(MESSAGES)?;
    let mut passed = Ok(());
    let used = allocation_counter::measure(|| passed = pair.pass(MESSAGES));
    passed?;
    let values = vec![used.count_total as f64 / MESSAGES as f64];
    answer(&Answer::Done { received: MESSAGES, values })
}

/// Both ends, in this process.
struct Pair<S: MessageSet> {
    here: Messenger<S>,
    there: Messenger<S>,
    count: Count,
}

impl<S: Numbered> Pair<S> {
    fn new() -> Result<Self, Failure> {
        let mut server = DirectServer::bind(ANY_PORT)?;
        let here = DirectClient::new(server.local_address()?).connect()?.into();
        let there = server.accept(Some(PATIENCE))?.into();
        Ok(Self { here, there, count: Count::default() })
    }

    /// Queues so many messages, then passes them on.
    fn pass(&mut self, messages: u64) -> Result<(), Failure> {
        let until = self.count.received() + messages;
        for number in self.count.received()..until {
            self.here.send(&S::numbered(number))?;
        }
        while self.count.received() < until {
            self.here.xfer()?;
            self.there.xfer()?;
            while let Some(message) = self.there.get() {
                self.count.check(|number| S::is(&message, number));
            }
        }
        Ok(())
    }
}
