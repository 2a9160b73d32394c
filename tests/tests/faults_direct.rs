//! Direct connections and messengers on a stack whose calls fail.

use std::net::SocketAddr;
use std::time::Duration;

use cable_car::nal::{ConnectError, Connection, DirectClient, DirectServer, Messenger, Unsent};
use cable_car::{AnyByte, ByteFrame, Identify, Join, LinkError, Quit, SendError};
use cable_car_tests::contract::{Network, connected, ready};
use cable_car_tests::mock::{Call, MockError, Pair, Say, TcpSocket};
use embedded_nal::{TcpClientStack, nb};

type Link = Messenger<AnyByte, TcpSocket, [u8; 64], [u8; 64]>;

/// A messenger on the left, and the bare socket at its other end.
fn messenger() -> (Pair, Link, TcpSocket) {
    let mut pair = Pair::new();
    let (socket, listener, accepted) = connected(&mut pair);
    TcpClientStack::close(&mut pair.right, listener).expect("close");
    let remote = SocketAddr::from((Pair::RIGHT, 1));
    let link = Messenger::new(Connection::new(socket, remote), [0; 64], [0; 64]);
    assert_eq!(pair.left.open_sockets(), 1);
    (pair, link, accepted)
}

/// The other end sends these bytes.
fn feed(pair: &mut Pair, accepted: &mut TcpSocket, bytes: &[u8]) {
    assert_eq!(TcpClientStack::send(&mut pair.right, accepted, bytes), Ok(bytes.len()));
}

/// All codes that are there to be got.
fn codes(link: &mut Link) -> Vec<u8> {
    let mut codes = Vec::new();
    while let Some(message) = link.get() {
        codes.push(message.expect("a good message").code);
    }
    codes
}

fn error_of<T, E>(result: nb::Result<T, E>) -> Option<E> {
    match result {
        Err(nb::Error::Other(error)) => Some(error),
        _ => None,
    }
}

#[test]
fn a_client_gives_its_socket_back_whatever_fails() {
    let remote = SocketAddr::from((Pair::RIGHT, 8223));
    let mut pair = Pair::new();
    let start = pair.now();
    let mut client = DirectClient::new(remote, start + Duration::from_secs(2));
    pair.left.script(Call::Socket, [Say::Fail]);
    let error = error_of(client.poll(&mut pair.left, start));
    assert_eq!(error, Some(ConnectError::NoSocket(MockError::Scripted(Call::Socket))));
    pair.left.script(Call::Connect, [Say::WouldBlock, Say::Fail]);
    assert!(matches!(client.poll(&mut pair.left, start), Err(nb::Error::WouldBlock)));
    assert_eq!(pair.left.open_sockets(), 1);
    let error = error_of(client.poll(&mut pair.left, start));
    assert_eq!(error, Some(ConnectError::Connect(MockError::Scripted(Call::Connect))));
    assert_eq!(pair.left.open_sockets(), 0);
    pair.left.always(Call::Connect, Say::WouldBlock);
    pair.left.always(Call::Close, Say::Fail);
    for millis in [0, 1000, 1999] {
        let now = start + Duration::from_millis(millis);
        assert!(matches!(client.poll(&mut pair.left, now), Err(nb::Error::WouldBlock)));
    }
    let error = error_of(client.poll(&mut pair.left, start + Duration::from_secs(2)));
    assert_eq!(error, Some(ConnectError::TimedOut));
    assert_eq!(pair.left.open_sockets(), 0);
    assert!(matches!(client.poll(&mut pair.left, start), Err(nb::Error::WouldBlock)));
    client.close(&mut pair.left);
    assert_eq!(pair.left.open_sockets(), 0, "given up while it dials");
}

#[test]
fn a_server_gives_its_socket_back_whatever_fails() {
    let cases = [
        (Call::Socket, ConnectError::NoSocket(MockError::Scripted(Call::Socket))),
        (Call::Bind, ConnectError::Listen(MockError::Scripted(Call::Bind))),
        (Call::Listen, ConnectError::Listen(MockError::Scripted(Call::Listen))),
        (Call::Accept, ConnectError::Connect(MockError::Scripted(Call::Accept))),
    ];
    for (call, expected) in cases {
        let mut pair = Pair::new();
        let now = pair.now();
        let mut server = DirectServer::new(8223, None);
        pair.right.script(call, [Say::Fail, Say::Fail]);
        for _ in 0..2 {
            assert_eq!(error_of(server.poll(&mut pair.right, now)), Some(expected));
            assert_eq!(pair.right.open_sockets(), usize::from(call == Call::Accept));
        }
        assert!(matches!(server.poll(&mut pair.right, now), Err(nb::Error::WouldBlock)));
        let _client = cable_car_tests::contract::dial(&mut pair, 8223);
        let connection = ready(server.poll(&mut pair.right, now)).expect("it goes on");
        assert_eq!(pair.right.open_sockets(), 2);
        server.close(&mut pair.right);
        TcpClientStack::close(&mut pair.right, connection.socket).expect("close");
        assert_eq!(pair.right.open_sockets(), 0);
    }
}

#[test]
fn what_came_before_a_failure_is_got_before_it_is_told() {
    for (say, end) in [
        (Say::Fail, LinkError::Broken),
        (Say::PipeClosed, LinkError::ClosedByPeer),
        (Say::Zero, LinkError::ClosedByPeer),
    ] {
        let (mut pair, mut link, mut accepted) = messenger();
        feed(&mut pair, &mut accepted, &[2, 2, 3, 9, 1, 2, 4]);
        pair.left.script(Call::Receive, [Say::Truth, say]);
        assert_eq!(link.xfer(&mut pair.left), Ok(()), "messages wait");
        assert!(!link.is_closed());
        assert_eq!(codes(&mut link), [2, 9, 4]);
        assert_eq!(link.xfer(&mut pair.left), Err(end));
        assert!(link.is_closed());
        assert_eq!(pair.left.open_sockets(), 0);
        assert_eq!(link.xfer(&mut pair.left), Err(end), "it is told again");
        assert_eq!(link.send(&Join), Err(SendError::Ended(end)));
    }
}

#[test]
fn a_failure_at_once_leaves_nothing_open() {
    for call in [Call::Send, Call::Receive] {
        let (mut pair, mut link, _accepted) = messenger();
        assert_eq!(link.send(&Join), Ok(()));
        pair.left.script(call, [Say::Fail]);
        pair.left.always(Call::Close, Say::Fail);
        assert_eq!(link.xfer(&mut pair.left), Err(LinkError::Broken));
        assert_eq!(pair.left.open_sockets(), 0);
    }
}

#[test]
fn what_came_is_got_though_sending_failed() {
    let (mut pair, mut link, mut accepted) = messenger();
    feed(&mut pair, &mut accepted, &[2, 2, 2, 3]);
    assert_eq!(link.send(&Join), Ok(()));
    pair.left.script(Call::Send, [Say::Fail]);
    assert_eq!(link.xfer(&mut pair.left), Ok(()), "messages wait");
    assert_eq!(codes(&mut link), [2, 3]);
    assert_eq!(link.xfer(&mut pair.left), Err(LinkError::Broken));
    assert_eq!(pair.left.open_sockets(), 0);
}

#[test]
fn a_send_of_nothing_is_tried_again_and_does_not_spin() {
    let (mut pair, mut link, mut accepted) = messenger();
    assert_eq!(link.send(&Join), Ok(()));
    pair.left.script(Call::Send, [Say::Zero, Say::Zero]);
    for calls in 1..=2 {
        assert_eq!(link.xfer(&mut pair.left), Ok(()));
        assert_eq!(pair.left.count(Call::Send), calls);
    }
    assert_eq!(link.xfer(&mut pair.left), Ok(()));
    let mut buffer = [0; 8];
    assert_eq!(TcpClientStack::receive(&mut pair.right, &mut accepted, &mut buffer), Ok(2));
}

#[test]
fn byte_by_byte_all_arrives() {
    let (mut pair, mut link, mut accepted) = messenger();
    pair.left.always(Call::Send, Say::OneByte);
    pair.left.always(Call::Receive, Say::OneByte);
    let ann = Identify::new("ann", "pc").expect("short names");
    assert_eq!((link.send(&ann), link.send(&Quit)), (Ok(()), Ok(())));
    feed(&mut pair, &mut accepted, b"\x02\x03\x08\x01ann@pc\x02\x04");
    assert_eq!(link.xfer(&mut pair.left), Ok(()));
    assert_eq!(link.get(), Some(Ok(ByteFrame { code: 3, payload: &[] })));
    assert_eq!(link.get(), Some(Ok(ByteFrame { code: 1, payload: b"ann@pc" })));
    assert_eq!(codes(&mut link), [4]);
    let mut buffer = [0; 16];
    assert_eq!(TcpClientStack::receive(&mut pair.right, &mut accepted, &mut buffer), Ok(10));
    assert_eq!(buffer[..10], *b"\x08\x01ann@pc\x02\x04");
}

#[test]
fn shutdown_tells_what_could_not_be_sent() {
    let (mut pair, mut link, _accepted) = messenger();
    let start = pair.now();
    let deadline = start + Duration::from_secs(1);
    assert_eq!((link.send(&Join), link.send(&Quit)), (Ok(()), Ok(())));
    pair.left.script(Call::Send, [Say::WouldBlock, Say::OneByte, Say::WouldBlock, Say::WouldBlock]);
    for _ in 0..2 {
        let blocked = link.shutdown(&mut pair.left, start, deadline);
        assert_eq!(blocked, Err(nb::Error::WouldBlock));
    }
    let lost = link.shutdown(&mut pair.left, deadline, deadline);
    assert_eq!(lost, Err(nb::Error::Other(Unsent { bytes: 3 })));
    assert_eq!((pair.left.open_sockets(), link.is_closed()), (0, true));

    let (mut pair, mut link, _accepted) = messenger();
    assert_eq!(link.send(&Join), Ok(()));
    pair.left.script(Call::Send, [Say::Fail]);
    let lost = link.shutdown(&mut pair.left, start, deadline);
    assert_eq!(lost, Err(nb::Error::Other(Unsent { bytes: 2 })), "it need not wait");
    assert_eq!((pair.left.open_sockets(), link.is_closed()), (0, true));
}

#[test]
fn a_stream_out_of_step_gives_its_socket_back() {
    let (mut pair, mut link, mut accepted) = messenger();
    feed(&mut pair, &mut accepted, &[2, 2, 1, 7]);
    assert_eq!(link.xfer(&mut pair.left), Ok(()));
    assert_eq!(codes(&mut link), [2]);
    assert_eq!(link.xfer(&mut pair.left), Err(LinkError::FrameLength { length: 1 }));
    assert_eq!(pair.left.open_sockets(), 0);
}

#[test]
fn close_gives_the_socket_back_at_once() {
    let (mut pair, mut link, mut accepted) = messenger();
    feed(&mut pair, &mut accepted, &[2, 2]);
    assert_eq!(link.xfer(&mut pair.left), Ok(()));
    link.close(&mut pair.left);
    assert_eq!(pair.left.open_sockets(), 0);
    assert_eq!(link.get(), None);
    assert_eq!(link.xfer(&mut pair.left), Err(LinkError::Closed));
    link.close(&mut pair.left);
}
