//! `tokio_util`'s codecs on a runtime of one thread: `LengthDelimitedCodec` with a header of one
//! byte, and `LinesCodec` with `serde_json`.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use cable_car_tests::sample::{Line, Sample};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};
use tokio_util::{
    bytes::{BufMut as _, Bytes, BytesMut},
    codec::{Framed, LengthDelimitedCodec, LinesCodec},
};

use super::{ANY_PORT, BLOCK, Failure, address, answer, not_done};
use crate::{
    job::{Answer, Job, Part, Transport, Work},
    span::{Count, Until, p50_p99},
};

pub(crate) fn take_part(job: &Job) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match job.work {
        Work::OneWay { transport, .. }
        | Work::RoundTrip { transport }
        | Work::Allocations { transport } => match transport {
            Transport::Byte => typed::<Bytewise>(job, &runtime),
            Transport::Json => typed::<Linewise>(job, &runtime),
        },
        _ => not_done(job),
    }
}

fn typed<F: Format>(job: &Job, runtime: &Runtime) -> Result<(), Failure> {
    match (job.work, job.part) {
        (Work::OneWay { .. }, Part::Server) => runtime.block_on(receive::<F>()),
        (Work::OneWay { flush, .. }, Part::Client { port }) => {
            runtime.block_on(send::<F>(flush, port, job.span))
        }
        (Work::RoundTrip { .. }, Part::Server) => runtime.block_on(echo::<F>()),
        (Work::RoundTrip { .. }, Part::Client { port }) => {
            runtime.block_on(ping::<F>(port, job.span))
        }
        (Work::Allocations { .. }, Part::Server) => allocations::<F>(runtime),
        _ => not_done(job),
    }
}

/// What a message is for a codec.
trait Format {
    type Item: Debug;
    type Sent;
    type Codec;

    fn framed(stream: TcpStream) -> impl Framing<Self> + Unpin;
    fn numbered(number: u64) -> Result<Self::Sent, Failure>;
    fn is(item: &Self::Item, number: u64) -> bool;
}

/// A stream of messages of some format, and where they are sent.
trait Framing<F: Format + ?Sized>:
    Stream<Item = Result<F::Item, Self::Broken>> + Sink<F::Sent, Error = Self::Broken>
{
    type Broken: std::error::Error + 'static;
}

impl Framing<Bytewise> for Framed<TcpStream, LengthDelimitedCodec> {
    type Broken = std::io::Error;
}

impl Framing<Linewise> for Framed<TcpStream, LinesCodec> {
    type Broken = tokio_util::codec::LinesCodecError;
}

struct Bytewise;

impl Format for Bytewise {
    type Item = BytesMut;
    type Sent = Bytes;
    type Codec = LengthDelimitedCodec;

    fn framed(stream: TcpStream) -> impl Framing<Self> + Unpin {
        let codec = LengthDelimitedCodec::builder().length_field_length(1).new_codec();
        Framed::new(stream, codec)
    }

    /// Code and payload.
    fn numbered(number: u64) -> Result<Bytes, Failure> {
        let mut message = BytesMut::with_capacity(Sample::FRAME - 1);
        message.put_u8(0x10);
        message.put_slice(&Sample::numbered(number).payload());
        Ok(message.freeze())
    }

    fn is(item: &BytesMut, number: u64) -> bool {
        let Some((0x10, payload)) = item.split_first().map(|(code, payload)| (*code, payload))
        else {
            return false;
        };
        Sample::from_payload(payload) == Some(Sample::numbered(number))
    }
}

struct Linewise;

impl Format for Linewise {
    type Item = String;
    type Sent = String;
    type Codec = LinesCodec;

    fn framed(stream: TcpStream) -> impl Framing<Self> + Unpin {
        Framed::new(stream, LinesCodec::new())
    }

    fn numbered(number: u64) -> Result<String, Failure> {
        Ok(serde_json::to_string(&("MsgSample", Line::numbered(number)))?)
    }

    fn is(item: &String, number: u64) -> bool {
        serde_json::from_str::<(&str, Line<'_>)>(item)
            .is_ok_and(|message| message == ("MsgSample", Line::numbered(number)))
    }
}

async fn accept() -> Result<TcpStream, Failure> {
    let listener = TcpListener::bind(ANY_PORT).await?;
    answer(&Answer::Port(listener.local_addr()?.port()))?;
    let stream = listener.accept().await?.0;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn connect(port: u16) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address(port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn send<F: Format>(flush: u32, port: u16, span: Duration) -> Result<(), Failure> {
    let mut peer = F::framed(connect(port).await?);
    let until = Until::after(span);
    let mut number = 0;
    while !until.is_over() {
        for _ in 0..BLOCK / flush {
            for _ in 0..flush {
                peer.feed(F::numbered(number)?).await?;
                number += 1;
            }
            peer.flush().await?;
        }
    }
    drop(peer);
    answer(&Answer::Sent(number))
}

async fn receive<F: Format>() -> Result<(), Failure> {
    let mut peer = F::framed(accept().await?);
    let mut count = Count::default();
    while let Some(message) = peer.next().await {
        let message = message?;
        count.start();
        count.check(|number| F::is(&message, number));
    }
    answer(&Answer::Done { received: count.received(), values: vec![count.rate()] })
}

async fn echo<F: Format>() -> Result<(), Failure> {
    let mut peer = F::framed(accept().await?);
    let mut count = Count::default();
    while let Some(message) = peer.next().await {
        let message = message?;
        count.check(|number| F::is(&message, number));
        peer.send(F::numbered(count.received() - 1)?).await?;
    }
    answer(&Answer::Sent(count.received()))
}

async fn ping<F: Format>(port: u16, span: Duration) -> Result<(), Failure> {
    let mut peer = F::framed(connect(port).await?);
    let until = Until::after(span);
    let mut count = Count::default();
    let mut times = Vec::new();
    while !until.is_over() {
        let sent = Instant::now();
        peer.send(F::numbered(count.received())?).await?;
        let back = peer.next().await.ok_or("the link has ended")??;
        times.push(sent.elapsed());
        count.check(|number| F::is(&back, number));
    }
    drop(peer);
    let values = p50_p99(times).map(|time| time.as_secs_f64() * 1e6);
    answer(&Answer::Done { received: count.received(), values: values.into() })
}

fn allocations<F: Format>(runtime: &Runtime) -> Result<(), Failure> {
    const MESSAGES: u64 = 1000;
    let listener = runtime.block_on(TcpListener::bind(ANY_PORT))?;
    let here = runtime.block_on(connect(listener.local_addr()?.port()))?;
    let there = runtime.block_on(listener.accept())?.0;
    let (mut here, mut there) = (F::framed(here), F::framed(there));
    let mut count = Count::default();
    let mut pass = || -> Result<(), Failure> {
        runtime.block_on(async {
            for number in 0..MESSAGES {
                here.feed(F::numbered(number + count.received() / MESSAGES * MESSAGES)?).await?;
            }
            here.flush().await?;
            for _ in 0..MESSAGES {
                let message = there.next().await.ok_or("the link has ended")??;
                count.check(|number| F::is(&message, number));
            }
            Ok(())
        })
    };
    pass()?;
    let mut passed = Ok(());
    let used = allocation_counter::measure(|| passed = pass());
    passed?;
    let values = vec![used.count_total as f64 / MESSAGES as f64];
    answer(&Answer::Done { received: count.received(), values })
}
