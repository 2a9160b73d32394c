//! What a program can choose about the stack when it starts.

use core::time::Duration;

/// Settings of a [`Stack`](crate::Stack), for its whole life.
///
/// ```
/// use cable_car_smoltcp::Config;
/// use core::time::Duration;
///
/// let mut config = Config::new([0x02, 0, 0, 0, 0, 1], 0x1234_5678);
/// config.dead_peer_timeout = Some(Duration::from_secs(10));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The hardware (MAC) address, unicast. Devices without Ethernet headers ignore it.
    pub mac: [u8; 6],
    /// Where ephemeral ports and TCP sequence numbers begin.
    ///
    /// It must differ from one start to the next (a hardware random source, an uptime of the
    /// last run, an ADC's noise): with a fixed one a restarted program uses the ports of its last
    /// life, whose connections its peers still hold, and about half of its connects wait a second.
    pub seed: u64,
    /// How long a connected peer may be silent before its socket fails with
    /// [`TimedOut`](crate::Error::TimedOut). Default 3 s, at least 1 s is sensible.
    ///
    /// An idle peer is probed (TCP keep-alive) every third of this time. A peer that answers but
    /// takes no data (a closed window) is probed ever more seldom, as TCP demands, and is given
    /// the longer time. `None` never probes and never gives a silent peer up.
    pub dead_peer_timeout: Option<Duration>,
    /// How long `connect` waits for an answer. Default 5 s.
    pub connect_timeout: Duration,
    /// How long a connection that a client began and did not complete may hold a listening socket.
    /// Default 2 s, which allows for one lost packet.
    pub half_open_timeout: Duration,
    /// How long a closed socket may go on sending what was queued and wait for the peer to close
    /// as well, before its slot is taken back. Default 5 s.
    pub close_timeout: Duration,
    /// Whether a broadcast to 255.255.255.255 may leave before the stack has an address, with
    /// 0.0.0.0 as its source. Default no: a receiver that answers to the source address, as
    /// cable-car peers do, would talk to itself. Without it such a send fails with
    /// [`NoAddress`](crate::Error::NoAddress). Receiving needs no address either way.
    pub broadcast_without_address: bool,
}

impl Config {
    /// The defaults, with a hardware address and a [`seed`](Self::seed) that differs at each start.
    ///
    /// ```
    /// use cable_car_smoltcp::Config;
    ///
    /// let seed = 0x1dea_5eed; // another one at each start
    /// let config = Config::new([0x02, 0, 0, 0, 0, 1], seed);
    /// ```
    #[must_use]
    pub const fn new(mac: [u8; 6], seed: u64) -> Self {
        Self {
            mac,
            seed,
            dead_peer_timeout: Some(Duration::from_secs(3)),
            connect_timeout: Duration::from_secs(5),
            half_open_timeout: Duration::from_secs(2),
            close_timeout: Duration::from_secs(5),
            broadcast_without_address: false,
        }
    }
}
