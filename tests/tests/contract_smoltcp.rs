//! The socket contract on smoltcp: two stacks, joined by a wire in memory, first a good one, then one
//! with every fault that a cable can have.
//!
//! On a good wire all rules hold. On a bad one all that TCP promises holds, and with it everything
//! about messengers and direct connections. What is left out there, and why:
//!
//! - `udp::a_datagram_is_answered_to_where_it_came_from`, `udp::a_broadcast_arrives`,
//!   `udp::datagrams_keep_their_bounds`: each sends one datagram once, and a datagram may be lost or
//!   overtaken. Beacons are sent again and again for that reason.
//! - `tcp::accepted_connections_come_with_their_remote_address` holds but for the order in which
//!   they are accepted (see `Wired::local_address`).
//! - `discovery::two_connectors_find_each_other_once`: that the first dial makes the one link. A dial
//!   may fail and a link be replaced; there is one in the end (`..._in_the_end`).
//! - A flipped bit in an ARP answer is never noticed, since ARP has no checksum; a peer with a wrong
//!   hardware address can not be reached for up to a minute. A real cable's frames have a checksum
//!   of their own, so the seeds here may spare ARP.

use std::net::SocketAddr;

use cable_car_smoltcp::smoltcp::phy::Device;
use cable_car_tests::contract::{Network, messages, ready};
use cable_car_tests::wired::{Faults, FaultyEnd, Wired};
use embedded_nal::{UdpClientStack, UdpFullStack};

cable_car_tests::contract_tests!(Wired::new);

cable_car_tests::contract_tests! {
    Wired::new:
    discovery::two_connectors_find_each_other_once,
    discovery::two_connectors_find_each_other_in_the_end,
    discovery::a_connector_alone_finds_nobody,
}

/// What holds on any wire.
macro_rules! rules_for_bad_wires {
    ($network:path) => {
        cable_car_tests::contract_tests! {
            $network:
            tcp::connect_tells_its_progress_and_then_its_success,
            tcp::a_refused_connect_is_an_error_and_can_be_tried_again,
            tcp::accept_would_block_while_there_is_nobody,
            tcp::accepted_connections_come_with_their_remote_address,
            tcp::data_goes_both_ways_and_nothing_is_not_the_end,
            tcp::the_end_comes_after_all_data_and_stays,
            tcp::what_a_peer_does_not_read_is_not_taken_and_not_lost,
            tcp::close_delivers_what_was_sent,
            tcp::to_send_to_an_end_that_is_gone_is_an_error,
            tcp::connections_do_not_mix,
            tcp::a_port_in_use_is_an_error_and_comes_free,
            tcp::port_0_is_any_free_port,
            tcp::sockets_that_are_misused_say_so,
            udp::nothing_received_would_block,
            udp::a_socket_that_is_not_bound_says_so,
            messages::byte_messengers_exchange_many_messages_through_small_buffers,
            messages::json_messengers_exchange_many_messages_through_small_buffers,
            messages::a_direct_client_finds_a_direct_server,
            messages::a_direct_client_is_refused_and_dials_anew,
            messages::a_direct_server_takes_several_and_times_out,
            messages::shutdown_sends_all_and_the_peer_reads_all_before_the_end,
            messages::shutdown_gives_up_at_its_deadline,
            discovery::two_connectors_find_each_other_in_the_end,
            discovery::a_connector_alone_finds_nobody,
        }
    };
}

mod frames_are_lost {
    use super::*;

    pub(super) fn net() -> Wired<FaultyEnd> {
        Wired::faulty(2, Faults { drop: 5, ..Faults::default() })
    }

    rules_for_bad_wires!(net);
}

mod frames_are_damaged {
    use super::*;

    pub(super) fn net() -> Wired<FaultyEnd> {
        Wired::faulty(3, Faults { corrupt: 5, ..Faults::default() })
    }

    rules_for_bad_wires!(net);
}

mod frames_overtake_each_other {
    use super::*;

    pub(super) fn net() -> Wired<FaultyEnd> {
        Wired::faulty(4, Faults { swap_every: 3, ..Faults::default() })
    }

    rules_for_bad_wires!(net);
}

mod frames_are_rationed {
    use super::*;

    pub(super) fn net() -> Wired<FaultyEnd> {
        Wired::faulty(5, Faults { ration: 8, ..Faults::default() })
    }

    rules_for_bad_wires!(net);
}

mod everything_goes_wrong {
    use super::*;

    pub(super) fn net() -> Wired<FaultyEnd> {
        Wired::faulty(6, Faults { drop: 2, corrupt: 2, swap_every: 5, repeat_every: 7, ration: 20 })
    }

    rules_for_bad_wires!(net);
}

const DATAGRAMS: usize = 200;

/// What arrives of so many numbered datagrams, some of which are on the wire at a time.
fn what_arrives<D: Device>(mut net: Wired<D>) -> Vec<u8> {
    let port = net.port();
    let mut right = UdpClientStack::socket(&mut net.right).expect("a socket");
    UdpFullStack::bind(&mut net.right, &mut right, port).expect("bind");
    let mut left = UdpClientStack::socket(&mut net.left).expect("a socket");
    let everybody = SocketAddr::from((net.broadcast_address(), port));
    let mut arrived = Vec::new();
    for number in 0..DATAGRAMS {
        let datagram = [number as u8; 40];
        ready(net.left.send_to(&mut left, everybody, &datagram)).expect("room");
        if number % 4 == 3 {
            net.settle();
        }
        let mut buffer = [0; 64];
        while let Some((len, _)) = ready(net.right.receive(&mut right, &mut buffer)) {
            assert_eq!(buffer[..len], [buffer[0]; 40], "a damaged datagram");
            arrived.push(buffer[0]);
        }
    }
    arrived
}

/// The bad wires are bad, and the good one is good.
#[test]
fn datagrams_suffer_as_the_wire_is_said_to_make_them() {
    let all: Vec<u8> = (0..DATAGRAMS as u8).collect();
    assert_eq!(what_arrives(Wired::new()), all);
    for net in [frames_are_lost::net, frames_are_damaged::net, frames_are_rationed::net] {
        let arrived = what_arrives(net());
        println!("{} of {DATAGRAMS} arrive", arrived.len());
        assert!(arrived.len() < DATAGRAMS * 99 / 100, "nothing is lost");
        assert!(arrived.len() > DATAGRAMS / 4, "nothing arrives");
        assert!(arrived.is_sorted(), "{arrived:?}");
    }
    let mut arrived = what_arrives(frames_overtake_each_other::net());
    assert!(!arrived.is_sorted(), "nothing is overtaken");
    arrived.sort_unstable();
    assert_eq!(arrived, all);
}

/// At 1, 5 and 15 in a hundred: once each, and in order.
#[test]
fn every_message_arrives_once_whatever_share_of_the_frames_suffers() {
    for percent in [1, 5, 15] {
        let every = 100 / u32::from(percent);
        let net = |faults| {
            println!("{faults:?}");
            Wired::faulty(percent.into(), faults)
        };
        let lost = Faults { drop: percent, ..Faults::default() };
        messages::byte_messengers_exchange_many_messages_through_small_buffers(&mut net(lost));
        let damaged = Faults { corrupt: percent, ..Faults::default() };
        messages::json_messengers_exchange_many_messages_through_small_buffers(&mut net(damaged));
        let swapped = Faults { swap_every: every, ..Faults::default() };
        messages::byte_messengers_exchange_many_messages_through_small_buffers(&mut net(swapped));
        let repeated = Faults { repeat_every: every, ..Faults::default() };
        messages::json_messengers_exchange_many_messages_through_small_buffers(&mut net(repeated));
    }
}
