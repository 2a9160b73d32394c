//! How a program takes part in discovery.

use core::time::Duration;

use super::wire::{Instance, Service};

/// The UDP port that beacons go to unless told otherwise.
///
/// ```
/// use cable_car::discovery::{Config, Instance, UDP_PORT};
///
/// let config = Config { udp_port: UDP_PORT + 10, ..Config::new(Instance::new(7)) };
/// ```
pub const UDP_PORT: u16 = 8222;

/// The TCP port that peers are dialled at unless told otherwise.
///
/// ```
/// use cable_car::discovery::TCP_PORT;
/// use core::net::{Ipv4Addr, SocketAddrV4};
///
/// let server = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), TCP_PORT);
/// assert_eq!(server.to_string(), "10.0.0.2:8223");
/// ```
pub const TCP_PORT: u16 = 8223;

/// How a program takes part in discovery.
///
/// ```
/// use cable_car::discovery::{Config, Instance};
/// use core::time::Duration;
///
/// let random = 0x1dea_5eed; // another one at each start
/// let config = Config {
///     interval: Duration::from_secs(3),
///     once: true,
///     ..Config::new(Instance::new(random))
/// };
/// assert_eq!(config.udp_port, 8222);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Who this program is, for as long as it runs.
    pub instance: Instance,
    /// What it is for: it finds programs of the same service, and legacy peers. Default: none.
    pub service: Service,
    /// Where beacons are sent and heard. Default 8222.
    pub udp_port: u16,
    /// Where this program is dialled, if the port is free, and where legacy peers are. Default 8223.
    pub tcp_port: u16,
    /// How often a beacon is sent. Default 1 s, at least
    /// [`SHORTEST_INTERVAL`](super::SHORTEST_INTERVAL).
    pub interval: Duration,
    /// Whether this very program is a peer of itself. Default no.
    pub allow_loopback: bool,
    /// How long a dial may take. Default 2 s.
    pub connect_timeout: Duration,
    /// When to stop looking for peers. Default never.
    pub timeout: Option<Duration>,
    /// Whether to stop looking once there is one link. Default no.
    pub once: bool,
}

impl Config {
    /// The defaults, for a program that is known as `instance`.
    ///
    /// ```
    /// use cable_car::discovery::{Config, Instance};
    ///
    /// let config = Config::new(Instance::new(7));
    /// assert_eq!((config.udp_port, config.tcp_port), (8222, 8223));
    /// ```
    pub const fn new(instance: Instance) -> Self {
        Self {
            instance,
            service: Service::NONE,
            udp_port: UDP_PORT,
            tcp_port: TCP_PORT,
            interval: Duration::from_secs(1),
            allow_loopback: false,
            connect_timeout: Duration::from_secs(2),
            timeout: None,
            once: false,
        }
    }
}
