//! The socket contract on the system's sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::sleep;
use std::time::Duration;

use cable_car::Instant;
use cable_car::nal::LocalAddress;
use cable_car_std::{StdStack, TcpSocket};
use cable_car_tests::contract::Network;
use cable_car_tests::process::unused_tcp_port;

/// Two stacks on two addresses of the loopback interface.
struct Loopback {
    left: StdStack,
    right: StdStack,
    start: std::time::Instant,
}

const LEFT: Ipv4Addr = Ipv4Addr::LOCALHOST;
const RIGHT: Ipv4Addr = if cfg!(target_os = "linux") { Ipv4Addr::new(127, 0, 0, 2) } else { LEFT };

fn loopback() -> Loopback {
    Loopback {
        left: StdStack::new().with_local_address(LEFT),
        right: StdStack::new().with_local_address(RIGHT),
        start: std::time::Instant::now(),
    }
}

impl Network for Loopback {
    type Left = StdStack;
    type Right = StdStack;

    fn left(&mut self) -> &mut StdStack {
        &mut self.left
    }

    fn right(&mut self) -> &mut StdStack {
        &mut self.right
    }

    fn left_address(&self) -> Ipv4Addr {
        LEFT
    }

    fn right_address(&self) -> Ipv4Addr {
        RIGHT
    }

    fn broadcast_address(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, 255, 255, 255)
    }

    fn port(&mut self) -> u16 {
        unused_tcp_port()
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.start.elapsed().as_micros() as u64)
    }

    fn settle(&mut self) {
        sleep(Duration::from_millis(1));
    }

    fn local_address(&mut self, socket: &TcpSocket) -> Option<SocketAddr> {
        let address = self.left.local_address(socket);
        assert!(address.is_some(), "this stack can tell");
        address
    }
}

cable_car_tests::contract_tests!(loopback);
