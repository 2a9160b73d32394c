//! Many peers, served by one thread that waits for all of them at once.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use cable_car_std::{Connection, LinkError, Messenger, Watch};
use cable_car_tests::sample::{Numbered as _, Sample, Samples};
use mio::{Events, Interest, Poll, Token, net};

use super::{ANY_PORT, Failure, answer, not_done, raw};
use crate::{
    job::{Answer, Job, Part, Subject, Transport},
    span::{Count, Until},
};

/// Messages that a peer sends when it is its turn.
const FLUSH: u64 = 10;

pub(crate) fn take_part(job: &Job, peers: u32) -> Result<(), Failure> {
    match (job.subject, job.part) {
        (Subject::CableCar, Part::Server) => serve(peers),
        (Subject::CableCar, Part::Client { port }) => send(peers, port, job.span),
        (Subject::Raw, Part::Server) => serve_raw(peers),
        (Subject::Raw, Part::Client { port }) => send_raw(peers, port, job.span),
        _ => not_done(job),
    }
}

/// Listens, and accepts so many. Each is greeted by a byte, for which it waits: no queue of the
/// system's overflows.
fn accept(peers: u32) -> Result<Vec<TcpStream>, Failure> {
    let listener = TcpListener::bind(ANY_PORT)?;
    answer(&Answer::Port(listener.local_addr()?.port()))?;
    let accept = |_| {
        let mut stream = listener.accept()?.0;
        stream.write_all(&[0])?;
        Ok(stream)
    };
    (0..peers).map(accept).collect()
}

fn dial(peers: u32, port: u16) -> Result<Vec<TcpStream>, Failure> {
    let dial = |_| {
        let mut stream = raw::connect(port)?;
        stream.read_exact(&mut [0])?;
        Ok(stream)
    };
    (0..peers).map(dial).collect()
}

fn done(count: &Count, start: Option<Instant>) -> Result<(), Failure> {
    let time = start.ok_or("nothing came")?.elapsed().as_nanos() as f64;
    let received = count.received();
    answer(&Answer::Done { received, values: vec![time / received as f64] })
}

fn serve(peers: u32) -> Result<(), Failure> {
    let mut watch = Watch::new()?;
    let mut messengers: Vec<Messenger<Samples>> = Vec::new();
    for stream in accept(peers)? {
        let mut messenger = Connection::try_from(stream)?.into();
        watch.add(messengers.len(), &mut messenger)?;
        messengers.push(messenger);
    }
    let mut counts: Vec<u64> = vec![0; messengers.len()];
    let mut count = Count::default();
    let mut start = None;
    let mut open = messengers.len();
    while open > 0 {
        let ready = watch.wait(None)?;
        start.get_or_insert_with(Instant::now);
        for key in ready {
            let peer = &mut messengers[key];
            match peer.xfer() {
                Ok(()) => {}
                Err(LinkError::ClosedByPeer) => {
                    open -= 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            while let Some(message) = peer.get() {
                count.check(|_| Samples::is(&message, counts[key]));
                counts[key] += 1;
            }
        }
    }
    done(&count, start)
}

fn send(peers: u32, port: u16, span: Duration) -> Result<(), Failure> {
    let mut messengers: Vec<Messenger<Samples>> = Vec::new();
    for stream in dial(peers, port)? {
        messengers.push(Connection::try_from(stream)?.into());
    }
    let until = Until::after(span);
    let mut number = 0;
    while !until.is_over() {
        for peer in &mut messengers {
            for number in number..number + FLUSH - 1 {
                peer.send(&Sample::numbered(number))?;
            }
            peer.send_wait(&Sample::numbered(number + FLUSH - 1), None)?;
        }
        number += FLUSH;
    }
    for peer in &mut messengers {
        peer.shutdown(Duration::from_secs(20))?;
    }
    answer(&Answer::Sent(number * u64::from(peers)))
}

/// The same with plain sockets, where only bytes are counted.
fn serve_raw(peers: u32) -> Result<(), Failure> {
    let mut poll = Poll::new()?;
    let mut streams = Vec::new();
    for stream in accept(peers)? {
        stream.set_nonblocking(true)?;
        let mut stream = net::TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(streams.len()), Interest::READABLE)?;
        streams.push(Some(stream));
    }
    let mut events = Events::with_capacity(Watch::BATCH);
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0;
    let mut start = None;
    let mut open = streams.len();
    while open > 0 {
        poll.poll(&mut events, None)?;
        start.get_or_insert_with(Instant::now);
        for event in &events {
            let place = &mut streams[event.token().0];
            while let Some(stream) = place {
                match stream.read(&mut buffer) {
                    Ok(0) => {
                        *place = None;
                        open -= 1;
                    }
                    Ok(len) => bytes += len,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    assert_eq!(bytes % Sample::FRAME, 0, "whole messages come");
    let mut count = Count::default();
    count.add((bytes / Sample::FRAME) as u64);
    done(&count, start)
}

fn send_raw(peers: u32, port: u16, span: Duration) -> Result<(), Failure> {
    let mut streams = dial(peers, port)?;
    let bytes = raw::frame(Transport::Byte).repeat(FLUSH as usize);
    let until = Until::after(span);
    let mut sent = 0;
    while !until.is_over() {
        for stream in &mut streams {
            stream.write_all(&bytes)?;
            sent += FLUSH;
        }
    }
    answer(&Answer::Sent(sent))
}
