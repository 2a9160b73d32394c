//! Discovery on two stacks with addresses of their own, from which datagrams really come: not two on
//! one loopback interface.

use std::time::Duration;

use cable_car::discovery::{Config, Instance};
use cable_car::nal::{BroadcastConnector, Connection, Event, LocalAddress, Messenger};
use cable_car::{AnyByte, ByteFrame, Instant, Join};
use embedded_nal::{TcpFullStack, UdpFullStack};

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
