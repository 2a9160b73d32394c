//! ZeroMQ, the library of C++, which has a thread for its sockets beside ours. It does not flush:
//! it sends as soon as it can.

use std::time::{Duration, Instant};

use cable_car_tests::sample::Sample;
use zmq::{Context, Socket, SocketType};

use super::{BLOCK, Failure, answer, not_done};
use crate::{
    job::{Answer, Job, Part, Transport, Work},
    span::{Count, Until, p50_p99},
};

pub(crate) fn take_part(job: &Job) -> Result<(), Failure> {
    match (job.work, job.part) {
        (Work::OneWay { transport: Transport::Byte, .. }, Part::Server) => receive(),
        (Work::OneWay { transport: Transport::Byte, .. }, Part::Client { port }) => {
            send(port, job.span)
        }
        (Work::RoundTrip { transport: Transport::Byte }, Part::Server) => echo(),
        (Work::RoundTrip { transport: Transport::Byte }, Part::Client { port }) => {
            ping(port, job.span)
        }
        _ => not_done(job),
    }
}

fn listen(kind: SocketType) -> Result<Socket, Failure> {
    let socket = Context::new().socket(kind)?;
    socket.bind("tcp://127.0.0.1:*")?;
    let endpoint = socket.get_last_endpoint()?.map_err(|_| "an endpoint is text")?;
    let port = endpoint.rsplit(':').next().ok_or("an endpoint has a port")?.parse()?;
    answer(&Answer::Port(port))?;
    Ok(socket)
}

fn connect(kind: SocketType, port: u16) -> Result<Socket, Failure> {
    let socket = Context::new().socket(kind)?;
    socket.connect(&format!("tcp://127.0.0.1:{port}"))?;
    Ok(socket)
}

/// An empty message is the last one: the end of a connection is not told.
fn send(port: u16, span: Duration) -> Result<(), Failure> {
    let socket = connect(zmq::PUSH, port)?;
    let until = Until::after(span);
    let mut number = 0;
    while !until.is_over() {
        for _ in 0..BLOCK {
            socket.send(&Sample::numbered(number).payload()[..], 0)?;
            number += 1;
        }
    }
    socket.send(&[][..], 0)?;
    answer(&Answer::Sent(number))
}

fn receive() -> Result<(), Failure> {
    let socket = listen(zmq::PULL)?;
    let mut count = Count::default();
    let mut message = zmq::Message::new();
    loop {
        socket.recv(&mut message, 0)?;
        count.start();
        if message.is_empty() {
            break;
        }
        let sample = Sample::from_payload(&message);
        count.check(|number| sample == Some(Sample::numbered(number)));
    }
    answer(&Answer::Done { received: count.received(), values: vec![count.rate()] })
}

fn echo() -> Result<(), Failure> {
    let socket = listen(zmq::PAIR)?;
    let mut count = Count::default();
    let mut message = zmq::Message::new();
    loop {
        socket.recv(&mut message, 0)?;
        if message.is_empty() {
            break;
        }
        let sample = Sample::from_payload(&message);
        count.check(|number| sample == Some(Sample::numbered(number)));
        socket.send(&message[..], 0)?;
    }
    answer(&Answer::Sent(count.received()))
}

fn ping(port: u16, span: Duration) -> Result<(), Failure> {
    let socket = connect(zmq::PAIR, port)?;
    let until = Until::after(span);
    let mut count = Count::default();
    let mut times = Vec::new();
    let mut message = zmq::Message::new();
    while !until.is_over() {
        let sent = Instant::now();
        socket.send(&Sample::numbered(count.received()).payload()[..], 0)?;
        socket.recv(&mut message, 0)?;
        times.push(sent.elapsed());
        let sample = Sample::from_payload(&message);
        count.check(|number| sample == Some(Sample::numbered(number)));
    }
    socket.send(&[][..], 0)?;
    let values = p50_p99(times).map(|time| time.as_secs_f64() * 1e6);
    answer(&Answer::Done { received: count.received(), values: values.into() })
}
