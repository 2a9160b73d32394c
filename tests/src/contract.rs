//! The socket contract, one function a rule: what the core expects of an embedded-nal stack beyond
//! what its traits say (see [`cable_car::nal`]), and that messengers and connectors work on it.
//!
//! Every rule takes a [`Network`] of two stacks, so that it can run on any: the system's sockets,
//! stacks in memory with a clock of their own, or two different ones. [`contract_tests!`] makes
//! tests of them.
//!
//! [`contract_tests!`]: crate::contract_tests

pub mod discovery;
pub mod messages;
pub mod tcp;
pub mod udp;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cable_car::Instant;
use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack, nb};

/// Two stacks that reach each other. Left dials, right listens.
pub trait Network {
    /// The stack that dials.
    type Left: TcpFullStack + UdpFullStack;
    /// The stack that listens.
    type Right: TcpFullStack + UdpFullStack;

    /// The stack that dials.
    fn left(&mut self) -> &mut Self::Left;

    /// The stack that listens.
    fn right(&mut self) -> &mut Self::Right;

    /// The address of the stack that dials.
    fn left_address(&self) -> Ipv4Addr;

    /// The address of the stack that listens.
    fn right_address(&self) -> Ipv4Addr;

    /// Where a datagram goes that is for everybody.
    fn broadcast_address(&self) -> Ipv4Addr {
        Ipv4Addr::BROADCAST
    }

    /// A port that nobody uses on either side.
    fn port(&mut self) -> u16;

    /// The time.
    fn now(&self) -> Instant;

    /// Lets a little time pass, at most 10 ms, and all that is on the way move on.
    fn settle(&mut self);

    /// How long anything may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    /// The address of left's end of a connection, where its stack can tell.
    fn local_address(&mut self, socket: &LeftSocket<Self>) -> Option<SocketAddr> {
        let _ = socket;
        None
    }
}

/// A TCP socket of the stack that dials.
pub type LeftSocket<N> = <<N as Network>::Left as TcpClientStack>::TcpSocket;

/// A TCP socket of the stack that listens.
pub type RightSocket<N> = <<N as Network>::Right as TcpClientStack>::TcpSocket;

/// Tries until it works, letting time pass.
///
/// # Panics
///
/// Where it never does.
#[track_caller]
pub fn wait_for<N: Network, T>(
    net: &mut N,
    what: &str,
    mut attempt: impl FnMut(&mut N) -> Option<T>,
) -> T {
    let deadline = net.now() + net.patience();
    loop {
        if let Some(result) = attempt(net) {
            return result;
        }
        assert!(net.now() < deadline, "in vain: {what}");
        net.settle();
    }
}

/// `None` for "would block".
///
/// # Panics
///
/// Where it failed.
#[track_caller]
pub fn ready<T, E: std::fmt::Debug>(result: nb::Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(nb::Error::WouldBlock) => None,
        Err(nb::Error::Other(error)) => panic!("failed: {error:?}"),
    }
}

/// Listens on the right.
///
/// # Panics
///
/// Where that fails.
#[track_caller]
pub fn listen<N: Network>(net: &mut N, port: u16) -> RightSocket<N> {
    let stack = net.right();
    let mut socket = TcpClientStack::socket(stack).expect("a socket");
    TcpFullStack::bind(stack, &mut socket, port).expect("bind");
    stack.listen(&mut socket).expect("listen");
    socket
}

/// A connection: left's socket, right's listener, right's socket.
///
/// # Panics
///
/// Where it does not come about.
#[track_caller]
pub fn connected<N: Network>(net: &mut N) -> (LeftSocket<N>, RightSocket<N>, RightSocket<N>) {
    let port = net.port();
    let mut listener = listen(net, port);
    let client = dial(net, port);
    let accepted = wait_for(net, "accept", |net| ready(net.right().accept(&mut listener)));
    (client, listener, accepted.0)
}

/// A socket on the left that is connected with `port` on the right.
///
/// # Panics
///
/// Where it does not come about.
#[track_caller]
pub fn dial<N: Network>(net: &mut N, port: u16) -> LeftSocket<N> {
    let remote = SocketAddr::from((net.right_address(), port));
    let mut client = TcpClientStack::socket(net.left()).expect("a socket");
    wait_for(net, "connect", |net| ready(TcpClientStack::connect(net.left(), &mut client, remote)));
    client
}

/// Makes a test of every rule: `contract_tests!(network: rule, rule, ...)`, where `network` is a
/// function that makes a [`Network`], and each rule a path below [`contract`](crate::contract).
#[macro_export]
macro_rules! contract_tests {
    ($network:path: $($module:ident::$rule:ident),+ $(,)?) => {
        $(
            #[test]
            fn $rule() {
                $crate::contract::$module::$rule(&mut $network());
            }
        )+
    };
    // All of them.
    ($network:path) => {
        $crate::contract_tests! {
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
            udp::a_datagram_is_answered_to_where_it_came_from,
            udp::a_broadcast_arrives,
            udp::datagrams_keep_their_bounds,
            udp::a_socket_that_is_not_bound_says_so,
            messages::byte_messengers_exchange_many_messages_through_small_buffers,
            messages::json_messengers_exchange_many_messages_through_small_buffers,
            messages::a_direct_client_finds_a_direct_server,
            messages::a_direct_client_is_refused_and_dials_anew,
            messages::a_direct_server_takes_several_and_times_out,
            messages::shutdown_sends_all_and_the_peer_reads_all_before_the_end,
            messages::shutdown_gives_up_at_its_deadline,
        }
    };
}
