//! What the core does on a stack: direct connections and messengers.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use cable_car::nal::{ConnectError, Connection, DirectClient, DirectServer, Messenger, Unsent};
use cable_car::{
    AnyByte, AnyJson, ByteFrame, ByteMessage, DecodeError, EncodeError, Join, JsonFrame, LinkError,
    MessageSet, Outgoing, Reader, SendError, Writer,
};
use embedded_nal::nb;

use super::{LeftSocket, Network, RightSocket, connected, ready, wait_for};

/// Number so and so, with padding of a size that depends on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numbered(pub(super) u32);

impl Numbered {
    fn padding(self) -> usize {
        self.0 as usize % 120
    }
}

impl ByteMessage<'_> for Numbered {
    const CODE: u8 = 0x30;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.u32(self.0)?;
        (0..self.padding()).try_for_each(|_| payload.u8(self.0 as u8))
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let message = Self(payload.u32()?);
        let padding = payload.bytes(message.padding())?;
        if padding.iter().any(|&byte| byte != message.0 as u8) {
            return Err(DecodeError::Invalid("other padding"));
        }
        Ok(message)
    }
}

impl Outgoing<cable_car::Json> for Numbered {
    fn write_frame(&self, space: &mut [u8]) -> Result<usize, EncodeError> {
        cable_car::write_line("N", &Line { n: self.0, pad: "é".repeat(self.padding() / 8) }, space)
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Line {
    n: u32,
    pad: String,
}

/// How the number comes out again.
trait Numbers: for<'a> MessageSet<Message<'a> = <Self as Numbers>::Frame<'a>> {
    type Frame<'a>;
    fn number(frame: Self::Frame<'_>) -> u32;
}

impl Numbers for AnyByte {
    type Frame<'a> = ByteFrame<'a>;

    fn number(frame: ByteFrame<'_>) -> u32 {
        frame.decode::<Numbered>().expect("as it was sent").0
    }
}

impl Numbers for AnyJson {
    type Frame<'a> = JsonFrame<'a>;

    fn number(frame: JsonFrame<'_>) -> u32 {
        let line: Line = frame.attributes("N").expect("as it was sent");
        assert_eq!(line.pad, "é".repeat(Numbered(line.n).padding() / 8));
        line.n
    }
}

type Left<S, N, const SIZE: usize> = Messenger<S, LeftSocket<N>, [u8; SIZE], [u8; SIZE]>;
type Right<S, N, const SIZE: usize> = Messenger<S, RightSocket<N>, [u8; SIZE], [u8; SIZE]>;

/// Two messengers that are connected, and the listener, which stays open.
fn messengers<S: MessageSet, N: Network, const SIZE: usize>(
    net: &mut N,
) -> (Left<S, N, SIZE>, Right<S, N, SIZE>, RightSocket<N>) {
    let (client, listener, accepted) = connected(net);
    // Who is at the other end is for the program to know.
    let remote = SocketAddr::from(([127, 0, 0, 1], 1));
    let left = Messenger::new(Connection::new(client, remote), [0; SIZE], [0; SIZE]);
    let right = Messenger::new(Connection::new(accepted, remote), [0; SIZE], [0; SIZE]);
    assert_eq!(left.remote_address(), remote);
    (left, right, listener)
}

fn exchange<S: Numbers, N: Network, const SIZE: usize>(net: &mut N, count: u32)
where
    Numbered: Outgoing<S::Transport>,
{
    let (mut left, mut right, _listener) = messengers::<S, N, SIZE>(net);
    let mut to_send = [0, 0];
    let mut to_get = [0, 0];
    let taken = |sent: Result<(), SendError>| match sent {
        Ok(()) => true,
        Err(SendError::WouldBlock) => false,
        Err(error) => panic!("{error}"),
    };
    let mut moved_at = net.now();
    while to_get != [count, count] {
        let before = to_get;
        while to_send[0] < count && taken(left.send(&Numbered(to_send[0]))) {
            to_send[0] += 1;
        }
        while to_send[1] < count && taken(right.send(&Numbered(to_send[1]))) {
            to_send[1] += 1;
        }
        assert_eq!(left.xfer(net.left()), Ok(()));
        assert_eq!(right.xfer(net.right()), Ok(()));
        while let Some(message) = left.get() {
            assert_eq!(S::number(message.expect("a good message")), to_get[0]);
            to_get[0] += 1;
        }
        while let Some(message) = right.get() {
            assert_eq!(S::number(message.expect("a good message")), to_get[1]);
            to_get[1] += 1;
        }
        if to_get == before {
            assert!(net.now() < moved_at + net.patience(), "stuck after {to_get:?} messages");
            net.settle();
        } else {
            moved_at = net.now();
        }
    }
    left.close(net.left());
    assert!(left.is_closed());
    wait_for(net, "the end", |net| right.xfer(net.right()).err().map(drop));
    assert!(right.is_closed());
}

/// 10,000 messages each way at once.
pub fn byte_messengers_exchange_many_messages_through_small_buffers<N: Network>(net: &mut N) {
    exchange::<AnyByte, N, 128>(net, 10_000);
}

/// 10,000 lines each way at once.
pub fn json_messengers_exchange_many_messages_through_small_buffers<N: Network>(net: &mut N) {
    exchange::<AnyJson, N, 160>(net, 10_000);
}

/// An address that is known is dialled, and who dialled is known.
pub fn a_direct_client_finds_a_direct_server<N: Network>(net: &mut N) {
    let port = net.port();
    let mut server = DirectServer::new(port, None);
    assert_eq!(server.poll_at(), None);
    let now = net.now();
    assert!(matches!(server.poll(net.right(), now), Err(nb::Error::WouldBlock)));
    let remote = SocketAddr::from((net.right_address(), port));
    let mut client = DirectClient::new(remote, now + net.patience() / 4);
    let here = wait_for(net, "the client", |net| {
        let now = net.now();
        ready(client.poll(net.left(), now))
    });
    let there = wait_for(net, "the server", |net| {
        let now = net.now();
        ready(server.poll(net.right(), now))
    });
    assert_eq!(here.remote, remote);
    assert_eq!(there.remote.ip(), net.left_address());
    let mut here: Messenger<AnyByte, _, _, _> = Messenger::new(here, [0; 64], [0; 64]);
    let mut there: Messenger<AnyByte, _, _, _> = Messenger::new(there, [0; 64], [0; 64]);
    assert_eq!(here.send(&Join), Ok(()));
    assert_eq!(here.xfer(net.left()), Ok(()));
    wait_for(net, "the message", |net| {
        assert_eq!(there.xfer(net.right()), Ok(()));
        there.get().map(|message| assert_eq!(message, Ok(ByteFrame { code: 2, payload: &[] })))
    });
    server.close(net.right());
}

/// A refusal is told at once, and the next call dials anew.
pub fn a_direct_client_is_refused_and_dials_anew<N: Network>(net: &mut N) {
    let port = net.port();
    let remote = SocketAddr::from((net.right_address(), port));
    let deadline = net.now() + net.patience() * 3;
    let mut client = DirectClient::new(remote, deadline);
    assert_eq!(client.poll_at(), deadline);
    wait_for(net, "a refusal", |net| {
        let now = net.now();
        match client.poll(net.left(), now) {
            Err(nb::Error::Other(ConnectError::Connect(_))) => Some(()),
            Err(nb::Error::WouldBlock) => None,
            other => panic!("{:?}", other.map(|_| ())),
        }
    });
    let mut server = DirectServer::new(port, None);
    let now = net.now();
    assert!(matches!(server.poll(net.right(), now), Err(nb::Error::WouldBlock)));
    wait_for(net, "the connection", |net| {
        let now = net.now();
        ready(client.poll(net.left(), now))
    });
    client.close(net.left());
    server.close(net.right());
}

/// One after the other, until its time is over.
pub fn a_direct_server_takes_several_and_times_out<N: Network>(net: &mut N) {
    let port = net.port();
    // Long enough for two to connect, which on a bad wire takes its time.
    let deadline = net.now() + net.patience() * 3 / 20;
    let mut server = DirectServer::new(port, Some(deadline));
    for _ in 0..2 {
        let now = net.now();
        let remote = SocketAddr::from((net.right_address(), port));
        let mut client = DirectClient::new(remote, now + net.patience() / 4);
        let mut dialled = None;
        let accepted = wait_for(net, "both", |net| {
            let now = net.now();
            let accepted = ready(server.poll(net.right(), now));
            if dialled.is_none() {
                let now = net.now();
                dialled = ready(client.poll(net.left(), now));
            }
            accepted
        });
        assert_eq!(accepted.remote.ip(), net.left_address());
    }
    assert_eq!(server.poll_at(), Some(deadline));
    wait_for(net, "the end of the time", |net| {
        let now = net.now();
        match server.poll(net.right(), now) {
            Err(nb::Error::Other(ConnectError::TimedOut)) if deadline <= now => Some(()),
            Err(nb::Error::WouldBlock) if now < deadline => None,
            other => panic!("{:?}", other.map(|_| ())),
        }
    });
    server.close(net.right());
}

/// More than the buffer is sent before the end, and read before the end is told.
pub fn shutdown_sends_all_and_the_peer_reads_all_before_the_end<N: Network>(net: &mut N) {
    let (mut left, mut right, _listener) = messengers::<AnyByte, N, 256>(net);
    let mut expected: VecDeque<u32> = VecDeque::new();
    for number in 0.. {
        if left.send(&Numbered(number)).is_err() {
            break;
        }
        expected.push_back(number);
    }
    let deadline = net.now() + net.patience() / 2;
    wait_for(net, "shutdown", |net| {
        let now = net.now();
        ready(left.shutdown(net.left(), now, deadline))
    });
    assert!(left.is_closed());
    assert_eq!(left.send(&Join), Err(SendError::Ended(LinkError::Closed)));
    let end = wait_for(net, "the end", |net| {
        let end = right.xfer(net.right()).err();
        if end.is_some() {
            assert!(right.get().is_none(), "the end was told before the last message");
        }
        while let Some(message) = right.get() {
            assert_eq!(Some(AnyByte::number(message.expect("good"))), expected.pop_front());
        }
        end
    });
    assert_eq!((end, expected.len()), (LinkError::ClosedByPeer, 0));
}

/// A peer that does not read can not hold a shutdown up, and what was lost is told.
pub fn shutdown_gives_up_at_its_deadline<N: Network>(net: &mut N) {
    let (mut left, _right, _listener) = messengers::<AnyByte, N, 4096>(net);
    let mut full = 0;
    while full < 20 {
        if left.send(&Numbered(119)).is_err() {
            let before = left.send(&Numbered(119));
            assert_eq!(left.xfer(net.left()), Ok(()));
            net.settle();
            full = if before.is_ok() { 0 } else { full + 1 };
            if left.send(&Numbered(119)).is_ok() {
                full = 0;
            }
        }
    }
    // Well before a stack asks again whether there is room, by which some find more.
    let deadline = net.now() + Duration::from_millis(20);
    let lost = wait_for(net, "the deadline", |net| {
        let now = net.now();
        match left.shutdown(net.left(), now, deadline) {
            Err(nb::Error::WouldBlock) if now < deadline => None,
            Err(nb::Error::Other(Unsent { bytes })) => Some(bytes),
            other => panic!("{other:?}"),
        }
    });
    assert!(lost > 0 && lost <= 4096, "{lost} bytes");
    assert!(left.is_closed());
}
