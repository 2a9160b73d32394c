//! Plain sockets of the standard library: what anything over TCP can come to at the most.
//!
//! No receiver could check these messages one by one and be the limit as well: it checks how many
//! bytes come, and one byte of each read.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use cable_car_tests::sample::{Line, Sample};

use super::{ANY_PORT, BLOCK, Failure, address, answer, not_done};
use crate::{
    job::{Answer, Job, Part, Subject, Transport, Work},
    span::{Count, Until, p50_p99},
};

const BUFFER: usize = 64 << 10;

pub(crate) fn take_part(job: &Job) -> Result<(), Failure> {
    match (job.work, job.part) {
        (Work::OneWay { transport, .. }, Part::Server) => receive(transport),
        (Work::OneWay { transport, flush }, Part::Client { port }) => {
            let frame = frame(transport);
            let a_write = match job.subject {
                Subject::Raw => BUFFER / frame.len(),
                _ => flush as usize,
            };
            send(&frame, a_write, port, job.span)
        }
        (Work::RoundTrip { transport }, Part::Server) => echo(frame(transport).len()),
        (Work::RoundTrip { transport }, Part::Client { port }) => {
            ping(&frame(transport), port, job.span)
        }
        (Work::Backlog { transport, messages }, Part::Server) => backlog(transport, messages),
        _ => not_done(job),
    }
}

/// The bytes of a message as they are on the wire.
pub(crate) fn frame(transport: Transport) -> Vec<u8> {
    match transport {
        Transport::Byte => {
            let mut frame = vec![Sample::FRAME as u8, 0x10];
            frame.extend(Sample::numbered(0).payload());
            frame
        }
        Transport::Json => {
            let mut line = vec![0; 2 * Line::FRAME];
            let len = cable_car::write_line("MsgSample", &Line::numbered(0), &mut line);
            line.truncate(len.expect("there is room"));
            line
        }
    }
}

pub(crate) fn accept() -> Result<TcpStream, Failure> {
    let listener = TcpListener::bind(ANY_PORT)?;
    answer(&Answer::Port(listener.local_addr()?.port()))?;
    let stream = listener.accept()?.0;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(crate) fn connect(port: u16) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address(port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn send(frame: &[u8], a_write: usize, port: u16, span: Duration) -> Result<(), Failure> {
    let mut stream = connect(port)?;
    let until = Until::after(span);
    let bytes = frame.repeat(a_write);
    let mut writes = 0_u64;
    while !until.is_over() {
        for _ in 0..(BLOCK as usize).div_ceil(a_write) {
            stream.write_all(&bytes)?;
            writes += 1;
        }
    }
    answer(&Answer::Sent(writes * a_write as u64))
}

fn receive(transport: Transport) -> Result<(), Failure> {
    let frame = frame(transport);
    let mut stream = accept()?;
    let mut buffer = vec![0; BUFFER];
    let mut count = Count::default();
    let mut bytes = 0;
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            break;
        }
        count.start();
        assert_eq!(buffer[0], frame[bytes % frame.len()], "byte {bytes} is another one");
        bytes += len;
    }
    assert_eq!(bytes % frame.len(), 0, "whole messages come");
    count.add((bytes / frame.len()) as u64);
    answer(&Answer::Done { received: count.received(), values: vec![count.rate()] })
}

/// Sends back what comes.
fn echo(len: usize) -> Result<(), Failure> {
    let mut stream = accept()?;
    let mut message = vec![0; len];
    let mut echoed = 0;
    loop {
        match stream.read_exact(&mut message) {
            Ok(()) => stream.write_all(&message)?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error.into()),
        }
        echoed += 1;
    }
    answer(&Answer::Sent(echoed))
}

fn ping(frame: &[u8], port: u16, span: Duration) -> Result<(), Failure> {
    let mut stream = connect(port)?;
    let until = Until::after(span);
    let mut back = vec![0; frame.len()];
    let mut times = Vec::new();
    while !until.is_over() {
        let sent = Instant::now();
        stream.write_all(frame)?;
        stream.read_exact(&mut back)?;
        times.push(sent.elapsed());
        assert_eq!(frame, back, "the message comes back");
    }
    drop(stream);
    let received = times.len() as u64;
    let values = p50_p99(times).map(|time| time.as_secs_f64() * 1e6);
    answer(&Answer::Done { received, values: values.into() })
}

/// All is queued before the first byte is read, by one thread; the second time is measured.
fn backlog(transport: Transport, messages: u32) -> Result<(), Failure> {
    let frame = frame(transport);
    let listener = TcpListener::bind(ANY_PORT)?;
    let mut here = connect(listener.local_addr()?.port())?;
    let mut there = listener.accept()?.0;
    here.set_nonblocking(true)?;
    there.set_nonblocking(true)?;
    let mut buffer = vec![0; BUFFER];
    let mut queue = Vec::new();
    let mut pass = || -> Result<(), Failure> {
        queue.clear();
        (0..messages).for_each(|_| queue.extend(&frame));
        let (mut sent, mut came) = (0, 0);
        while came < queue.len() {
            if sent < queue.len() {
                sent += now(here.write(&queue[sent..]))?;
            }
            came += now(there.read(&mut buffer))?;
        }
        Ok(())
    };
    pass()?;
    let start = Instant::now();
    pass()?;
    let time = start.elapsed().as_nanos() as f64 / f64::from(messages);
    answer(&Answer::Done { received: messages.into(), values: vec![time] })
}

/// What a call moved that does not wait.
fn now(moved: std::io::Result<usize>) -> Result<usize, Failure> {
    match moved {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        other => Ok(other?),
    }
}
