//! Discovery on two stacks with addresses of their own, from which datagrams really come: not two on
//! one loopback interface.

use std::net::Ipv4Addr;
use std::time::Duration;

use cable_car::discovery::{Config, Instance, LinkId};
use cable_car::nal::{BroadcastConnector, Connection, Event, LocalAddress, Messenger};
use cable_car::{AnyByte, ByteFrame, Instant, Join};
use embedded_nal::{TcpFullStack, UdpFullStack};

use super::messages::Numbered;
use super::{Network, wait_for};

/// How these rules take part in discovery, as the instance of this number.
pub fn config<N: Network>(net: &mut N, instance: u64) -> Config {
    let instance = Instance::new(instance);
    Config { udp_port: net.port(), tcp_port: net.port(), ..Config::new(instance) }
}

/// All connections that a connector has to tell of now.
///
/// # Panics
///
/// Where it fails.
pub fn poll<T: TcpFullStack + UdpFullStack + LocalAddress, const PEERS: usize>(
    connector: &mut BroadcastConnector<T, PEERS>,
    stack: &mut T,
    now: Instant,
) -> Vec<Connection<T::TcpSocket>> {
    let mut connections = Vec::new();
    while let Some(event) = connector.poll(stack, now).unwrap_or_else(|error| panic!("{error}")) {
        match event {
            Event::Joined { connection, .. } => connections.push(connection),
            Event::Unreachable { remote, reason } => panic!("{remote}: {reason}"),
            _ => panic!("the time is over"),
        }
    }
    connections
}

/// Two connectors find each other and end with one link, over which messages go both ways.
pub fn two_connectors_find_each_other_once<N: Network>(net: &mut N)
where
    N::Left: LocalAddress,
    N::Right: LocalAddress,
{
    let of_left = config(net, 1);
    let of_right = Config { instance: Instance::new(2), ..of_left.clone() };
    let start = net.now();
    let mut left: BroadcastConnector<N::Left, 4> = BroadcastConnector::new(of_left, start);
    let mut right: BroadcastConnector<N::Right, 4> = BroadcastConnector::new(of_right, start);
    left.set_destinations([net.broadcast_address()]);
    right.set_destinations([net.broadcast_address()]);
    let (mut here, mut there) = (Vec::new(), Vec::new());
    wait_for(net, "some seconds", |net| {
        let now = net.now();
        here.extend(poll(&mut left, net.left(), now));
        there.extend(poll(&mut right, net.right(), now));
        (now > start + Duration::from_secs(5)).then_some(())
    });
    assert_eq!((here.len(), there.len()), (1, 1), "one link, known to both");
    assert!(left.linked().map(|(_, address)| address).eq([net.right_address()]));
    assert!(right.linked().map(|(_, address)| address).eq([net.left_address()]));
    let here = here.remove(0);
    let there = there.remove(0);
    assert_eq!(
        (here.remote.ip(), there.remote.ip()),
        (net.right_address().into(), net.left_address().into())
    );
    let mut here: Messenger<AnyByte, _, _, _> = Messenger::new(here, [0; 64], [0; 64]);
    let mut there: Messenger<AnyByte, _, _, _> = Messenger::new(there, [0; 64], [0; 64]);
    assert_eq!((here.send(&Join), there.send(&Join)), (Ok(()), Ok(())));
    let join = Some(Ok(ByteFrame { code: 2, payload: &[] }));
    let mut got = [false; 2];
    wait_for(net, "messages", |net| {
        assert_eq!((here.xfer(net.left()), there.xfer(net.right())), (Ok(()), Ok(())));
        got[0] |= here.get() == join;
        got[1] |= there.get() == join;
        (got == [true; 2]).then_some(())
    });
    here.close::<N::Left>(net.left());
    there.close::<N::Right>(net.right());
    left.stop(net.left());
    right.stop(net.right());
}

/// Its own beacon is nobody's, where loopback is not allowed.
pub fn a_connector_alone_finds_nobody<N: Network>(net: &mut N)
where
    N::Left: LocalAddress,
{
    let config = config(net, 1);
    let start = net.now();
    let mut left: BroadcastConnector<N::Left, 4> = BroadcastConnector::new(config, start);
    left.set_destinations([net.broadcast_address()]);
    wait_for(net, "some seconds", |net| {
        let now = net.now();
        assert!(poll(&mut left, net.left(), now).is_empty());
        (now > start + Duration::from_secs(3)).then_some(())
    });
    assert_eq!(left.linked().count(), 0);
    left.stop(net.left());
}

/// Two connectors end with one link whatever the wire does: 1000 messages go each way over it, each
/// of them once and in order. Dials may fail meanwhile, and links be replaced.
pub fn two_connectors_find_each_other_in_the_end<N: Network>(net: &mut N)
where
    N::Left: LocalAddress,
    N::Right: LocalAddress,
{
    // The lower one dials.
    let of_left = config(net, 2);
    let of_right = Config { instance: Instance::new(1), ..of_left.clone() };
    let mut left = Node::new(of_left, net.now(), net.broadcast_address());
    let mut right = Node::new(of_right, net.now(), net.broadcast_address());
    wait_for(net, "a thousand messages each way", |net| {
        let now = net.now();
        left.step(net.left(), now);
        right.step(net.right(), now);
        (left.has_got(1000) && right.has_got(1000)).then_some(())
    });
    assert!(left.connector.linked().map(|(_, address)| address).eq([net.right_address()]));
    assert!(right.connector.linked().map(|(_, address)| address).eq([net.left_address()]));
}

/// A program that counts its peer up, on the newest link alone.
struct Node<T: TcpFullStack + UdpFullStack> {
    connector: BroadcastConnector<T, 4>,
    peer: Option<Peer<T::TcpSocket>>,
}

struct Peer<Socket> {
    link: LinkId,
    messenger: Messenger<AnyByte, Socket, [u8; 256], [u8; 256]>,
    sent: u32,
    got: u32,
}

impl<T: TcpFullStack + UdpFullStack + LocalAddress> Node<T> {
    fn new(config: Config, now: Instant, everybody: Ipv4Addr) -> Self {
        let mut connector = BroadcastConnector::new(config, now).alone_on_host();
        connector.set_destinations([everybody]);
        Self { connector, peer: None }
    }

    fn step(&mut self, stack: &mut T, now: Instant) {
        while let Some(event) = self.connector.poll(stack, now).expect("no trouble of its own") {
            let Event::Joined { connection, link, replaces, .. } = event else { continue };
            let messenger = Messenger::new(connection, [0; 256], [0; 256]);
            let old = self.peer.replace(Peer { link, messenger, sent: 0, got: 0 });
            assert_eq!(replaces, old.as_ref().map(|old| old.link), "one link at a time");
            if let Some(mut old) = old {
                old.messenger.close(stack);
            }
        }
        let Some(peer) = &mut self.peer else { return };
        while peer.messenger.send(&Numbered(peer.sent)).is_ok() {
            peer.sent += 1;
        }
        let status = peer.messenger.xfer(stack);
        while let Some(message) = peer.messenger.get() {
            let message = message.expect("a good message").decode::<Numbered>();
            assert_eq!(message, Ok(Numbered(peer.got)), "once, and in order");
            peer.got += 1;
        }
        if status.is_err() {
            self.connector.unlinked(now, peer.link);
            self.peer = None;
        }
    }

    fn has_got(&self, count: u32) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.got >= count)
    }
}
