//! Connections: [`TcpClientStack`] and [`TcpFullStack`].

use std::net::SocketAddr;
use std::time::Duration;

use cable_car::Moved;
use cable_car::nal::{received, sent};
use embedded_nal::{TcpClientStack, TcpFullStack, nb};

use super::{LeftSocket, Network, RightSocket, connected, dial, listen, ready, wait_for};

/// Sends all of it from the left.
fn send<N: Network>(net: &mut N, socket: &mut LeftSocket<N>, bytes: &[u8]) {
    let mut rest = bytes;
    wait_for(net, "send", |net| {
        while !rest.is_empty() {
            let count = ready(net.left().send(socket, rest))?;
            rest = &rest[count..];
        }
        Some(())
    });
}

/// Receives so many bytes on the right.
fn receive<N: Network>(net: &mut N, socket: &mut RightSocket<N>, count: usize) -> Vec<u8> {
    let mut all = Vec::new();
    wait_for(net, "receive", |net| {
        while all.len() < count {
            let mut buffer = [0; 1000];
            let space = buffer.len().min(count - all.len());
            let len = ready(net.right().receive(socket, &mut buffer[..space]))?;
            assert_ne!(len, 0, "the end, after {} of {count} bytes", all.len());
            all.extend_from_slice(&buffer[..len]);
        }
        Some(())
    });
    all
}

/// `connect` never waits: it says "would block" until the connection stands.
pub fn connect_tells_its_progress_and_then_its_success<N: Network>(net: &mut N) {
    let port = net.port();
    let mut listener = listen(net, port);
    let remote = SocketAddr::from((net.right_address(), port));
    let mut client = net.left().socket().expect("a socket");
    let before = net.now();
    let first = net.left().connect(&mut client, remote);
    assert!(net.now() - before < Duration::from_secs(1), "connect waits");
    assert!(matches!(first, Ok(()) | Err(nb::Error::WouldBlock)), "{first:?}");
    if first.is_err() {
        wait_for(net, "connect", |net| ready(net.left().connect(&mut client, remote)));
    }
    let accepted = wait_for(net, "accept", |net| ready(net.right().accept(&mut listener)));
    send(net, &mut client, b"hello");
    let mut socket = accepted.0;
    assert_eq!(receive(net, &mut socket, 5), b"hello");
}

/// A port where nobody listens refuses: an error, not "would block" for ever; and the same again.
pub fn a_refused_connect_is_an_error_and_can_be_tried_again<N: Network>(net: &mut N) {
    let port = net.port();
    let remote = SocketAddr::from((net.right_address(), port));
    let mut client = net.left().socket().expect("a socket");
    for _ in 0..2 {
        wait_for(net, "a refusal", |net| match net.left().connect(&mut client, remote) {
            Err(nb::Error::Other(_)) => Some(()),
            Err(nb::Error::WouldBlock) => None,
            Ok(()) => panic!("connected with nobody"),
        });
    }
    net.left().close(client).expect("close");
}

/// `accept` never waits.
pub fn accept_would_block_while_there_is_nobody<N: Network>(net: &mut N) {
    let port = net.port();
    let mut listener = listen(net, port);
    let before = net.now();
    for _ in 0..3 {
        assert!(ready(net.right().accept(&mut listener)).is_none());
    }
    assert!(net.now() - before < Duration::from_secs(1), "accept waits");
    net.right().close(listener).expect("close");
}

/// Who was accepted is known by address and port.
pub fn accepted_connections_come_with_their_remote_address<N: Network>(net: &mut N) {
    let port = net.port();
    let mut listener = listen(net, port);
    let one = dial(net, port);
    let other = dial(net, port);
    let mut remotes = Vec::new();
    for client in [&one, &other] {
        let accepted = wait_for(net, "accept", |net| ready(net.right().accept(&mut listener)));
        let remote = accepted.1;
        assert_eq!(remote.ip(), net.left_address());
        assert_ne!(remote.port(), 0);
        if let Some(local) = net.local_address(client) {
            assert_eq!(local, remote, "accepted in another order than dialled");
        }
        assert!(!remotes.contains(&remote), "two connections from {remote}");
        remotes.push(remote);
    }
}

/// While nothing has come, `receive` says "would block"; `Ok(0)` it says of the end alone.
pub fn data_goes_both_ways_and_nothing_is_not_the_end<N: Network>(net: &mut N) {
    let (mut client, _listener, mut accepted) = connected(net);
    let mut buffer = [0; 16];
    for _ in 0..3 {
        let nothing = received(net.left().receive(&mut client, &mut buffer));
        assert_eq!(nothing, Moved::Idle);
        let before = net.now();
        let nothing = received(net.right().receive(&mut accepted, &mut buffer));
        assert_eq!(nothing, Moved::Idle);
        assert!(net.now() - before < Duration::from_secs(1), "receive waits");
        net.settle();
    }
    send(net, &mut client, b"ping");
    assert_eq!(receive(net, &mut accepted, 4), b"ping");
    wait_for(net, "send", |net| ready(net.right().send(&mut accepted, b"pong")));
    let len = wait_for(net, "receive", |net| ready(net.left().receive(&mut client, &mut buffer)));
    assert_eq!(&buffer[..len], b"pong");
    assert_eq!(received(net.left().receive(&mut client, &mut buffer)), Moved::Idle);
}

/// Once the peer has closed: first what it sent, then `Ok(0)` as often as one asks.
pub fn the_end_comes_after_all_data_and_stays<N: Network>(net: &mut N) {
    let (mut client, _listener, mut accepted) = connected(net);
    send(net, &mut client, b"last words");
    net.left().close(client).expect("close");
    assert_eq!(receive(net, &mut accepted, 10), b"last words");
    for _ in 0..3 {
        wait_for(net, "the end", |net| {
            match received(net.right().receive(&mut accepted, &mut [0; 4])) {
                Moved::Closed => Some(()),
                Moved::Idle => None,
                other => panic!("{other:?}"),
            }
        });
    }
}

/// A peer that does not read: `send` takes a part, then says "would block"; all arrives in the end.
pub fn what_a_peer_does_not_read_is_not_taken_and_not_lost<N: Network>(net: &mut N) {
    let (mut client, _listener, mut accepted) = connected(net);
    let block: Vec<u8> = (0..=250).cycle().take(100_000).collect();
    let mut count = 0;
    let mut blocked = 0;
    while blocked < 20 {
        assert!(count < 100_000_000, "takes more than it can hold");
        match net.left().send(&mut client, &block[count % block.len()..]) {
            Ok(len) => {
                assert_ne!(len, 0, "0 taken is said as \"would block\"");
                count += len;
                blocked = 0;
            }
            Err(nb::Error::WouldBlock) => {
                blocked += 1;
                net.settle();
            }
            Err(nb::Error::Other(error)) => panic!("{error:?}"),
        }
    }
    assert_ne!(count, 0);
    let all = receive(net, &mut accepted, count);
    assert!(all.chunks(block.len()).all(|chunk| chunk == &block[..chunk.len()]), "not in order");
    wait_for(net, "send again", |net| match sent(net.left().send(&mut client, b"x")) {
        Moved::Some(1) => Some(()),
        Moved::Idle => None,
        other => panic!("{other:?}"),
    });
    assert_eq!(receive(net, &mut accepted, 1), b"x");
}

/// `close` does not take back what `send` took.
pub fn close_delivers_what_was_sent<N: Network>(net: &mut N) {
    let (mut client, _listener, mut accepted) = connected(net);
    let block = vec![7; 50_000];
    let mut count = 0;
    while let Some(len) = ready(net.left().send(&mut client, &block[count..])) {
        count += len;
        if count == block.len() {
            break;
        }
    }
    net.left().close(client).expect("close");
    assert_eq!(receive(net, &mut accepted, count), &block[..count]);
    wait_for(net, "the end", |net| {
        (received(net.right().receive(&mut accepted, &mut [0; 4])) == Moved::Closed).then_some(())
    });
}

/// To send to a peer that has gone ends in an error, and so does to receive, or in the end.
pub fn to_send_to_an_end_that_is_gone_is_an_error<N: Network>(net: &mut N) {
    let (mut client, _listener, accepted) = connected(net);
    send(net, &mut client, b"never read");
    net.settle();
    net.right().close(accepted).expect("close");
    wait_for(net, "an error", |net| match net.left().send(&mut client, &[0; 100]) {
        Err(nb::Error::Other(_)) => Some(()),
        Ok(_) | Err(nb::Error::WouldBlock) => None,
    });
    wait_for(net, "an end", |net| match received(net.left().receive(&mut client, &mut [0; 4])) {
        Moved::Closed | Moved::Failed => Some(()),
        Moved::Idle => None,
        other => panic!("{other:?}"),
    });
    net.left().close(client).expect("close");
}

/// Several connections at once.
pub fn connections_do_not_mix<N: Network>(net: &mut N) {
    let (mut one, _keep, mut one_accepted) = connected(net);
    let (mut other, _keep, mut other_accepted) = connected(net);
    send(net, &mut other, b"other");
    send(net, &mut one, b"one");
    assert_eq!(receive(net, &mut other_accepted, 5), b"other");
    net.left().close(other).expect("close");
    assert_eq!(receive(net, &mut one_accepted, 3), b"one");
    send(net, &mut one, b"more");
    assert_eq!(receive(net, &mut one_accepted, 4), b"more");
}

/// A second listener on a port fails, in `bind` or in `listen`, until the first one is closed.
pub fn a_port_in_use_is_an_error_and_comes_free<N: Network>(net: &mut N) {
    let port = net.port();
    let first = listen(net, port);
    let mut second = net.right().socket().expect("a socket");
    let stack = net.right();
    let error = stack.bind(&mut second, port).and_then(|()| stack.listen(&mut second));
    assert!(error.is_err(), "two listen on one port");
    net.right().close(second).expect("close");
    net.right().close(first).expect("close");
    wait_for(net, "the port", |net| {
        let stack = net.right();
        let mut third = stack.socket().expect("a socket");
        let listens = stack.bind(&mut third, port).and_then(|()| stack.listen(&mut third));
        listens.is_ok().then_some(())
    });
}

/// Port 0 stands for a free one, more than once.
pub fn port_0_is_any_free_port<N: Network>(net: &mut N) {
    let one = listen(net, 0);
    let other = listen(net, 0);
    net.right().close(one).expect("close");
    net.right().close(other).expect("close");
}

/// Calls that make no sense are errors, neither panics nor "would block" for ever.
pub fn sockets_that_are_misused_say_so<N: Network>(net: &mut N) {
    fn fails<T, E>(result: &nb::Result<T, E>) -> bool {
        matches!(result, Err(nb::Error::Other(_)))
    }
    let mut socket = net.left().socket().expect("a socket");
    assert!(fails(&net.left().send(&mut socket, b"x")));
    assert!(fails(&net.left().receive(&mut socket, &mut [0; 4])));
    assert!(fails(&net.left().accept(&mut socket)));
    net.left().close(socket).expect("close");
    let port = net.port();
    let mut listener = listen(net, port);
    assert!(fails(&net.right().send(&mut listener, b"x")));
    assert!(fails(&net.right().receive(&mut listener, &mut [0; 4])));
    net.right().close(listener).expect("close");
}
