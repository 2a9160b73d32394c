//! What the storage costs, as its documentation says.

use cable_car_smoltcp::smoltcp::storage::RingBuffer;
use cable_car_smoltcp::{Stack, storage, wire::WireEnd};

/// Slots alone: the difference that one more makes, without its buffers.
fn cost<One, Two>() -> usize {
    size_of::<Two>() - size_of::<One>()
}

type OnePeer = storage!(peers: 1, listeners: 0, udp_sockets: 0, tcp_rx: 0, tcp_tx: 0);
type TwoPeers = storage!(peers: 2, listeners: 0, udp_sockets: 0, tcp_rx: 0, tcp_tx: 0);
type OneUdp = storage!(
    peers: 1, listeners: 0, udp_sockets: 1, tcp_rx: 0, tcp_tx: 0, udp_rx_bytes: 0, udp_tx_bytes: 0
);

/// The bounds are the table of `Storage`'s documentation; `--nocapture` prints the figures.
#[test]
fn slots_cost_what_the_documentation_says() {
    let tcp = cost::<OnePeer, TwoPeers>();
    let udp = cost::<OnePeer, OneUdp>();
    let stack = size_of::<Stack<WireEnd>>() - size_of::<WireEnd>();
    let all = size_of::<storage!()>();
    println!(
        "a TCP socket {tcp}, a UDP socket {udp}, the stack {stack}, the default storage {all}"
    );
    if cfg!(target_pointer_width = "64") {
        // Another package in the same build may want smoltcp with an allocator, whose rings could
        // grow: 8 bytes more for each.
        let growable = size_of::<RingBuffer<u8>>() - 32;
        assert!(tcp <= 480 + 2 * growable, "{tcp}");
        assert!(udp <= 1288 + 4 * growable, "{udp}");
        assert!(stack <= 632 + growable, "{stack}");
    }
}

#[test]
fn buffers_cost_their_bytes() {
    type Small = storage!(peers: 2, listeners: 1, backlog: 2, tcp_rx: 512, tcp_tx: 256);
    type Large = storage!(peers: 2, listeners: 1, backlog: 2, tcp_rx: 1024, tcp_tx: 512);
    assert_eq!(cost::<Small, Large>(), 4 * (512 + 256));
}
