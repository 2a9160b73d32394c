//! `message_io` with its framed TCP, whose thread of its own hands messages to ours. It sends each
//! message at once.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use cable_car_tests::sample::Sample;
use message_io::{
    network::{Endpoint, NetEvent, SendStatus, Transport::FramedTcp},
    node::{self, NodeHandler, NodeListener},
};

use super::{ANY_PORT, BLOCK, Failure, address, answer, not_done};
use crate::{
    job::{Answer, Job, Part, Transport, Work},
    span::{Count, Until, p50_p99},
};

pub(crate) fn take_part(job: &Job) -> Result<(), Failure> {
    match (job.work, job.part) {
        (Work::OneWay { transport: Transport::Byte, .. }, Part::Server) => serve(false),
        (Work::OneWay { transport: Transport::Byte, .. }, Part::Client { port }) => {
            send(port, job.span)
        }
        (Work::RoundTrip { transport: Transport::Byte }, Part::Server) => serve(true),
        (Work::RoundTrip { transport: Transport::Byte }, Part::Client { port }) => {
            ping(port, job.span)
        }
        _ => not_done(job),
    }
}

/// Receives until the peer has gone, and sends back what comes, or takes the time.
fn serve(echo: bool) -> Result<(), Failure> {
    let (handler, listener) = node::split::<()>();
    let (_, address) = handler.network().listen(FramedTcp, ANY_PORT)?;
    answer(&Answer::Port(address.port()))?;
    let mut count = Count::default();
    listener.for_each(|event| match event.network() {
        NetEvent::Message(endpoint, data) => {
            count.start();
            let sample = Sample::from_payload(data);
            count.check(|number| sample == Some(Sample::numbered(number)));
            if echo {
                assert_eq!(handler.network().send(endpoint, data), SendStatus::Sent);
            }
        }
        NetEvent::Disconnected(_) => handler.stop(),
        NetEvent::Connected(..) | NetEvent::Accepted(..) => {}
    });
    if echo {
        return answer(&Answer::Sent(count.received()));
    }
    answer(&Answer::Done { received: count.received(), values: vec![count.rate()] })
}

fn connect(port: u16) -> Result<(NodeHandler<()>, NodeListener<()>, Endpoint), Failure> {
    let (handler, listener) = node::split::<()>();
    let (endpoint, _) = handler.network().connect_sync(FramedTcp, address(port))?;
    Ok((handler, listener, endpoint))
}

fn send(port: u16, span: Duration) -> Result<(), Failure> {
    let (handler, listener, endpoint) = connect(port)?;
    let _task = listener.for_each_async(|_| ());
    let until = Until::after(span);
    let mut number = 0;
    while !until.is_over() {
        for _ in 0..BLOCK / 10 {
            let payload = Sample::numbered(number).payload();
            assert_eq!(handler.network().send(endpoint, &payload), SendStatus::Sent);
            number += 1;
        }
    }
    handler.stop();
    answer(&Answer::Sent(number))
}

fn ping(port: u16, span: Duration) -> Result<(), Failure> {
    let (handler, listener, endpoint) = connect(port)?;
    let until = Until::after(span);
    let times = RefCell::new(Vec::new());
    let mut count = Count::default();
    let sent = Cell::new(Instant::now());
    let send = |number| {
        sent.set(Instant::now());
        let payload = Sample::numbered(number).payload();
        assert_eq!(handler.network().send(endpoint, &payload), SendStatus::Sent);
    };
    send(0);
    listener.for_each(|event| {
        if let NetEvent::Message(_, data) = event.network() {
            times.borrow_mut().push(sent.get().elapsed());
            let sample = Sample::from_payload(data);
            count.check(|number| sample == Some(Sample::numbered(number)));
            if until.is_over() {
                handler.stop();
            } else {
                send(count.received());
            }
        }
    });
    handler.network().remove(endpoint.resource_id());
    let values = p50_p99(times.into_inner()).map(|time| time.as_secs_f64() * 1e6);
    answer(&Answer::Done { received: count.received(), values: values.into() })
}
