//! Datagrams: [`UdpClientStack`] and [`UdpFullStack`].

use std::net::SocketAddr;
use std::time::Duration;

use embedded_nal::{UdpClientStack, UdpFullStack, nb};

use super::{Network, ready, wait_for};

type LeftUdp<N> = <<N as Network>::Left as UdpClientStack>::UdpSocket;
type RightUdp<N> = <<N as Network>::Right as UdpClientStack>::UdpSocket;

/// A socket on either side, and their ports.
fn pair<N: Network>(net: &mut N) -> (LeftUdp<N>, u16, RightUdp<N>, u16) {
    let (left_port, right_port) = (net.port(), net.port());
    let mut left = net.left().socket().expect("a socket");
    net.left().bind(&mut left, left_port).expect("bind");
    let mut right = net.right().socket().expect("a socket");
    net.right().bind(&mut right, right_port).expect("bind");
    (left, left_port, right, right_port)
}

/// `receive` never waits.
pub fn nothing_received_would_block<N: Network>(net: &mut N) {
    let (mut left, _, mut right, _) = pair(net);
    let before = net.now();
    for _ in 0..3 {
        assert!(ready(net.left().receive(&mut left, &mut [0; 16])).is_none());
        assert!(ready(net.right().receive(&mut right, &mut [0; 16])).is_none());
    }
    assert!(net.now() - before < Duration::from_secs(1), "receive waits");
    net.left().close(left).expect("close");
    net.right().close(right).expect("close");
}

/// The address that comes with a datagram is the sender's, and can be answered.
pub fn a_datagram_is_answered_to_where_it_came_from<N: Network>(net: &mut N) {
    let (mut left, left_port, mut right, right_port) = pair(net);
    let to = SocketAddr::from((net.right_address(), right_port));
    let mut buffer = [0; 64];
    wait_for(net, "send", |net| ready(net.left().send_to(&mut left, to, b"beacon")));
    let (len, from) =
        wait_for(net, "receive", |net| ready(net.right().receive(&mut right, &mut buffer)));
    assert_eq!((&buffer[..len], from.port()), (&b"beacon"[..], left_port));
    wait_for(net, "send", |net| ready(net.right().send_to(&mut right, from, b"answer")));
    let (len, from) =
        wait_for(net, "receive", |net| ready(net.left().receive(&mut left, &mut buffer)));
    assert_eq!((&buffer[..len], from.port()), (&b"answer"[..], right_port));
}

/// Broadcast needs no further leave.
pub fn a_broadcast_arrives<N: Network>(net: &mut N) {
    let (mut left, left_port, mut right, right_port) = pair(net);
    let everybody = SocketAddr::from((net.broadcast_address(), right_port));
    let mut buffer = [0; 64];
    wait_for(net, "send", |net| ready(net.left().send_to(&mut left, everybody, b"BROADCAST")));
    let (len, from) =
        wait_for(net, "receive", |net| ready(net.right().receive(&mut right, &mut buffer)));
    assert_eq!((&buffer[..len], from.port()), (&b"BROADCAST"[..], left_port));
}

/// Datagrams come one by one, in order on one cable, and never glued together.
pub fn datagrams_keep_their_bounds<N: Network>(net: &mut N) {
    let (mut left, _, mut right, right_port) = pair(net);
    let to = SocketAddr::from((net.right_address(), right_port));
    for len in [1, 9, 60] {
        wait_for(net, "send", |net| {
            ready(net.left().send_to(&mut left, to, &vec![len; len.into()]))
        });
    }
    for expected in [1, 9, 60] {
        let mut buffer = [0; 64];
        let (len, _) =
            wait_for(net, "receive", |net| ready(net.right().receive(&mut right, &mut buffer)));
        assert_eq!(buffer[..len], vec![expected; expected.into()]);
    }
}

/// No panic, and no "would block" for ever.
pub fn a_socket_that_is_not_bound_says_so<N: Network>(net: &mut N) {
    let mut socket = net.left().socket().expect("a socket");
    let result = net.left().receive(&mut socket, &mut [0; 16]);
    assert!(matches!(result, Err(nb::Error::Other(_))));
    net.left().close(socket).expect("close");
}
