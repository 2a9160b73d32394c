//! Options of a connector, and its start.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cable_car::discovery::{Config, SHORTEST_INTERVAL, Service};
use mio::{Poll, Token};

use super::background::Background;
use super::callbacks::{Callbacks, OnConnect, OnEvent};
use super::{BroadcastConnector, Event, Shared, StartError};
use crate::connection::Connection;
use crate::identity::random_instance;
use crate::interfaces::Choice;
use crate::watch::Waker;

/// How a [`BroadcastConnector`] is to look for peers.
///
/// ```no_run
/// use cable_car_std::BroadcastConnector;
/// use std::time::Duration;
///
/// let connector = BroadcastConnector::builder()
///     .udp_port(8226)
///     .tcp_port(8227)
///     .interval(Duration::from_secs(3))
///     .on_connect(|connection| println!("{} is here", connection.remote_address()))
///     .start()?;
/// # Ok::<(), cable_car_std::StartError>(())
/// ```
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    config: Config,
    interfaces: Choice,
    service_too_long: bool,
    on_connect: Option<OnConnect>,
    on_event: Option<OnEvent>,
    wake: Option<Waker>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            config: Config::new(random_instance()),
            interfaces: Choice::default(),
            service_too_long: false,
            on_connect: None,
            on_event: None,
            wake: None,
        }
    }
}

impl Builder {
    /// What the program is for, in at most 32 bytes: only programs of the same service find each
    /// other, and legacy peers. Default: none, so that the ports alone tell.
    ///
    /// ```
    /// # use cable_car_std::BroadcastConnector;
    /// let builder = BroadcastConnector::builder().service("pong");
    /// ```
    pub fn service(mut self, name: &str) -> Self {
        match Service::new(name) {
            Ok(service) => self.config.service = service,
            Err(_) => self.service_too_long = true,
        }
        self
    }

    /// The UDP port on which beacons are sent and heard. Default 8222.
    ///
    /// ```
    /// # use cable_car_std::BroadcastConnector;
    /// let builder = BroadcastConnector::builder().udp_port(8226);
    /// ```
    pub fn udp_port(mut self, port: u16) -> Self {
        self.config.udp_port = port;
        self
    }

    /// The TCP port on which peers dial this program, and on which it dials legacy peers. Where
    /// another program of this machine has it, any free one is used, which the beacons tell.
    /// Default 8223.
    ///
    /// ```
    /// # use cable_car_std::BroadcastConnector;
    /// let builder = BroadcastConnector::builder().tcp_port(8227);
    /// ```
    pub fn tcp_port(mut self, port: u16) -> Self {
        self.config.tcp_port = port;
        self
    }

    /// How often a beacon is sent. Default 1 s.
    ///
    /// ```
    /// # use cable_car_std::BroadcastConnector;
    /// # use std::time::Duration;
    /// let builder = BroadcastConnector::builder().interval(Duration::from_secs(3));
    /// ```
    pub fn interval(mut self, interval: Duration) -> Self {
        self.config.interval = interval;
        self
    }

    /// Whether this very program is a peer of itself, to try things out. Other programs on this
    /// machine are peers anyhow. Default no.
    ///
    /// ```
    /// # use cable_car_std::BroadcastConnector;
    /// let builder = BroadcastConnector::builder().allow_loopback(true);
    /// ```
    pub fn allow_loopback(mut self, allow: bool) -> Self {
        self.config.allow_loopback = allow;
        self
    }

    /// Takes part by these interfaces alone, each by its name or by an address that it has: beacons
    /// go there, and peers are heard and may dial from their subnets. `lo` is this machine. Default:
    /// all but that one.
    ///
    /// Interfaces may come later, go, and change their addresses: they are looked up at each
    /// interval. One that is not there is named by [`trouble`](BroadcastConnector::trouble).
    ///
    /// ```no_run
    /// # use cable_car_std::BroadcastConnector;
    /// let by_cable = BroadcastConnector::builder().interfaces(["eth0"]).start()?;
    /// if let Some(trouble) = by_cable.trouble() {
    ///     eprintln!("{trouble}"); // no interface called eth0 has an IPv4 address; there are ...
    /// }
    /// # Ok::<(), cable_car_std::StartError>(())
    /// ```
    pub fn interfaces(mut self, which: impl IntoIterator<Item = impl ToString>) -> Self {
        self.interfaces.wanted = which.into_iter().map(|one| one.to_string()).collect();
        self
    }

    /// How long a dial may take. Default 2 s.
    ///
    /// ```
    /// # use cable_car_std::BroadcastConnector;
    /// # use std::time::Duration;
    /// let builder = BroadcastConnector::builder().connect_timeout(Duration::from_millis(500));
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout;
        self
    }

    /// When to stop looking for peers, counted from the start. Default never.
    ///
    /// ```
    /// # use cable_car_std::BroadcastConnector;
    /// # use std::time::Duration;
    /// let builder = BroadcastConnector::builder().timeout(Duration::from_secs(60));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout = Some(timeout);
        self
    }

    /// Stops to look for peers once there is one. Default no.
    ///
    /// ```
    /// # use cable_car_std::BroadcastConnector;
    /// let builder = BroadcastConnector::builder().once(true);
    /// ```
    pub fn once(mut self, once: bool) -> Self {
        self.config.once = once;
        self
    }

    /// Hands each connection to `callback` rather than to the table. It runs on a thread of its
    /// own, one call at a time: discovery goes on while it is slow, and also if it panics. It may
    /// stop or drop the connector. While 1024 calls wait for it, connections that come are closed,
    /// and events are not told, which [`trouble`](BroadcastConnector::trouble) is.
    ///
    /// ```
    /// use cable_car_std::{AnyByte, BroadcastConnector, Messenger};
    ///
    /// let builder = BroadcastConnector::builder().on_connect(|connection| {
    ///     let mut peer: Messenger<AnyByte> = connection.into();
    ///     std::thread::spawn(move || {
    ///         while let Ok(message) = peer.recv(None) {
    ///             println!("{message:?}");
    ///         }
    ///     });
    /// });
    /// ```
    pub fn on_connect(mut self, callback: impl FnMut(Connection) + Send + 'static) -> Self {
        self.on_connect = Some(Box::new(callback));
        self
    }

    /// Tells `callback` what happens to peers. It runs on the same thread as that of
    /// [`on_connect`](Self::on_connect).
    ///
    /// ```
    /// use cable_car_std::{BroadcastConnector, Event};
    ///
    /// let builder = BroadcastConnector::builder().on_event(|event| match event {
    ///     Event::Unreachable { .. } => eprintln!("{event}: is there a firewall?"),
    ///     event => println!("{event}"),
    /// });
    /// ```
    pub fn on_event(mut self, callback: impl FnMut(Event) + Send + 'static) -> Self {
        self.on_event = Some(Box::new(callback));
        self
    }

    /// Wakes a [`Watch`](crate::Watch) when a connection waits in the table, and when
    /// [trouble](BroadcastConnector::trouble) comes or goes, so that one thread can wait for new
    /// peers and for messages alike.
    ///
    /// ```no_run
    /// use cable_car_std::{AnyJson, BroadcastConnector, Messenger, Watch};
    /// use std::time::Duration;
    ///
    /// let mut watch = Watch::new()?;
    /// let connector = BroadcastConnector::builder().wake(watch.waker()).start()?;
    /// let mut peers: Vec<Messenger<AnyJson>> = Vec::new();
    /// loop {
    ///     let ready: Vec<usize> = watch.wait(None)?.collect();
    ///     while let Ok(mut peer) = connector.next_peer(Duration::ZERO) {
    ///         watch.add(peers.len(), &mut peer)?;
    ///         peers.push(peer);
    ///     }
    ///     for key in ready {
    ///         // xfer and get, as with any watch.
    ///     }
    /// }
    /// # #[allow(unreachable_code)]
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wake(mut self, waker: Waker) -> Self {
        self.wake = Some(waker);
        self
    }

    /// Starts in the background.
    ///
    /// ```
    /// use cable_car_std::{BroadcastConnector, StartError};
    ///
    /// let misspelt = BroadcastConnector::builder().udp_port(0).start();
    /// let Err(error @ StartError::Config(_)) = misspelt else { panic!() };
    /// println!("{error}"); // udp_port is 0: choose the port that the peers use, 8222 by default
    /// ```
    ///
    /// # Errors
    /// [`StartError`], at once: a port that is in use, no network, an option that can not be.
    pub fn start(self) -> Result<BroadcastConnector, StartError> {
        if self.service_too_long {
            return Err(StartError::Config("the service name is longer than 32 bytes"));
        }
        check(&self.config)?;
        let poll = Poll::new().map_err(StartError::System)?;
        let waker = mio::Waker::new(poll.registry(), Token(1)).map_err(StartError::System)?;
        let shared = Arc::new(Shared::new(waker, self.wake));
        let callbacks =
            Callbacks::start(self.on_connect, self.on_event).map_err(StartError::System)?;
        let background =
            Background::open(self.config, self.interfaces, poll, Arc::clone(&shared), callbacks)?;
        let thread = std::thread::Builder::new()
            .name("cable-car discovery".into())
            .spawn(move || background.run())
            .map_err(StartError::System)?;
        Ok(BroadcastConnector { shared, thread: Some(thread) })
    }

    /// Starts, and waits until the connector stops by itself: at the first connection or when the
    /// timeout is over, at least one of which must be set. What it found is in the table then.
    ///
    /// ```
    /// use cable_car_std::BroadcastConnector;
    /// use std::time::Duration;
    ///
    /// let connector = BroadcastConnector::builder()
    ///     .interfaces(["127.0.0.1"])
    ///     .service("docs of connect")
    ///     .once(true)
    ///     .timeout(Duration::from_millis(10))
    ///     .connect()?; // 10 ms later, or with the first peer
    /// assert!(connector.is_stopped());
    /// # Ok::<(), cable_car_std::StartError>(())
    /// ```
    ///
    /// # Errors
    /// As [`start`](Self::start), and where the connector would never stop.
    pub fn connect(self) -> Result<BroadcastConnector, StartError> {
        if !self.config.once && self.config.timeout.is_none() {
            return Err(StartError::Config("connect would never return: set once or timeout"));
        }
        let mut connector = self.start()?;
        connector.join();
        Ok(connector)
    }
}

fn check(config: &Config) -> Result<(), StartError> {
    let fault = if config.udp_port == 0 {
        "udp_port is 0: choose the port that the peers use, 8222 by default"
    } else if config.tcp_port == 0 {
        "tcp_port is 0: choose the port that the peers use, 8223 by default"
    } else if config.interval < SHORTEST_INTERVAL {
        "interval is under 10 ms: beacons would flood the network"
    } else if config.connect_timeout.is_zero() {
        "connect_timeout is 0: no dial could succeed"
    } else if config.timeout.is_some_and(|timeout| timeout.is_zero()) {
        "timeout is 0: no peer could be found; to look for ever, leave it out"
    } else {
        return Ok(());
    };
    Err(StartError::Config(fault))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .field("interfaces", &self.interfaces.wanted)
            .field("on_connect", &self.on_connect.is_some())
            .finish()
    }
}
