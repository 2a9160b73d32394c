//! Where links come from: peers that are found, an address that is dialled, a port that is listened
//! on. All of it happens in the background and arrives at one place.

use std::io;
use std::net::{Ipv4Addr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use cable_car_std::cable_car::discovery::Service;
use cable_car_std::{
    BroadcastConnector, Connection, DirectClient, DirectServer, Event, StartError, Waker,
};

use crate::failure::Failure;
use crate::ports::{self, Protocol};

/// How long to leave the system alone when it refused a connection.
const TROUBLE_PAUSE: Duration = Duration::from_millis(100);

/// Where links are to come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Broadcast {
        service: Service,
        /// All where there are none.
        interfaces: Vec<String>,
        udp_port: u16,
        tcp_port: u16,
        loopback: bool,
        once: bool,
    },
    Dial {
        host: String,
        port: u16,
    },
    Port {
        port: u16,
        once: bool,
    },
}

/// Links, as they arrive, and what goes wrong.
pub(super) struct Sources {
    arrivals: Receiver<Arrival>,
    connector: Option<BroadcastConnector>,
    source: Source,
}

pub(super) enum Arrival {
    Link(Connection),
    Told(Event),
    /// One peer could not be let in; others may.
    Refused(io::Error),
    /// There will be no link.
    Failed(Failure),
}

impl Source {
    /// To dial `ADDRESS[:PORT]`.
    pub(crate) fn dial(address: &str, default_port: u16) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            Failure::Usage(format!(
                "{address:?} has no {what}: give an address or a host name, and a port if it is not \
                 {default_port}, such as 10.0.0.2, board.local:9000 or [::1]:9000"
            ))
        };
        let (host, port) = match address.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((host, ""))) => (host, None),
            Some(Some((host, rest))) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
            Some(None) => return Err(wrong("closing bracket")),
            None => match address.split_once(':') {
                // All of it is an IPv6 address.
                Some((_, rest)) if rest.contains(':') => (address, None),
                Some((host, port)) => (host, Some(port)),
                None => (address, None),
            },
        };
        let port = match port.map(|port| port.parse().ok().filter(|&port| port > 0)) {
            None => default_port,
            Some(port) => port.ok_or_else(|| wrong("port from 1 to 65535"))?,
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(wrong("host"));
        }
        Ok(Self::Dial { host: host.to_owned(), port })
    }

    /// Whether it brings one link, so that all is over when that ends.
    pub(super) fn is_only_one(&self) -> bool {
        match self {
            Self::Broadcast { once, .. } | Self::Port { once, .. } => *once,
            Self::Dial { .. } => true,
        }
    }
}

impl Sources {
    /// Begins; `waker` ends the wait of the program when something arrives.
    pub(super) fn start(source: Source, waker: Waker) -> Result<Self, Failure> {
        let (sender, arrivals) = channel();
        let mut connector = None;
        match source.clone() {
            Source::Broadcast { service, interfaces, udp_port, tcp_port, loopback, once } => {
                let builder = BroadcastConnector::builder()
                    .service(service.as_str())
                    .interfaces(interfaces)
                    .udp_port(udp_port)
                    .tcp_port(tcp_port)
                    .allow_loopback(loopback)
                    .once(once);
                connector = Some(find(builder, sender, waker)?);
            }
            Source::Dial { host, port } => {
                background(move || dial(&host, port), sender, waker)?;
            }
            Source::Port { port, .. } => listen(port, sender, waker)?,
        }
        Ok(Self { arrivals, connector, source })
    }

    pub(super) fn next(&self) -> Option<Arrival> {
        self.arrivals.try_recv().ok()
    }

    /// What keeps peers from being found at present.
    pub(super) fn trouble(&self) -> Option<String> {
        self.connector.as_ref()?.trouble()
    }

    /// No more links.
    pub(super) fn stop(&mut self) {
        // Dropped, it says goodbye.
        self.connector = None;
    }

    /// What is done while there is nobody.
    pub(super) fn waiting(&self) -> String {
        match &self.source {
            Source::Broadcast { service, udp_port, tcp_port, .. } => {
                let service = match service.as_str() {
                    "" => String::new(),
                    name => format!(" of service {name:?}"),
                };
                format!(
                    "looking for peers{service}: beacons on UDP {udp_port}, connections on TCP \
                     {tcp_port} (Ctrl-C ends)"
                )
            }
            Source::Dial { host, port } => format!("dialling {host}, TCP port {port}"),
            Source::Port { port, .. } => format!("listening on TCP port {port} (Ctrl-C ends)"),
        }
    }

    /// What to do where nobody comes.
    pub(super) fn advice(&self) -> &'static str {
        match &self.source {
            Source::Broadcast { .. } => {
                "`cable-car scout` shows who is there, `cable-car doctor` what is wrong"
            }
            Source::Dial { .. } => "is its address right, and is its program running?",
            Source::Port { .. } => "peers dial this port if they are told this machine's address",
        }
    }
}

/// Peers that are found by broadcast.
fn find(
    builder: cable_car_std::Builder,
    sender: Sender<Arrival>,
    waker: Waker,
) -> Result<BroadcastConnector, Failure> {
    let (told, wake) = (sender.clone(), waker.clone());
    let started = builder
        .wake(waker.clone())
        .on_event(move |event| match event {
            // Its connection says as much.
            Event::Joined { .. } => {}
            event => {
                drop(told.send(Arrival::Told(event)));
                wake.wake();
            }
        })
        .on_connect(move |connection| {
            drop(sender.send(Arrival::Link(connection)));
            waker.wake();
        })
        .start();
    started.map_err(|error| Failure::Start(with_holder(&error)))
}

/// The error, and which program is in the way.
fn with_holder(error: &StartError) -> String {
    match error {
        StartError::BeaconPort(port, _) => match ports::holders(Protocol::Udp, *port) {
            None => format!("{error} (--udp-port)"),
            Some(holder) => format!(
                "{error} (--udp-port), or end {holder}; if that is the peer that you look for, say \
                 `cable-car connect 127.0.0.1`, which needs no beacon"
            ),
        },
        StartError::TcpPort(..) => format!("{error} (--tcp-port)"),
        error => error.to_string(),
    }
}

fn dial(host: &str, port: u16) -> Arrival {
    match DirectClient::new((host, port)).connect() {
        Ok(connection) => Arrival::Link(connection),
        Err(error) => Arrival::Failed(Failure::NoPeer(dial_failure(host, port, &error))),
    }
}

/// Why a dial failed, and what to do.
fn dial_failure(host: &str, port: u16, error: &io::Error) -> String {
    if (host, port).to_socket_addrs().is_err() {
        return format!("the name {host:?} is not known: {error}; try an address such as 10.0.0.2");
    }
    let advice = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "no program listens on that port: start it, or give its port as ADDRESS:PORT"
        }
        io::ErrorKind::TimedOut => {
            "no answer: is the address right and the machine up, does a firewall there let the port \
             through?"
        }
        _ => "is the address right, and is this machine on a network that leads there?",
    };
    format!("{error}: {advice}")
}

/// Peers that dial a port.
fn listen(port: u16, sender: Sender<Arrival>, waker: Waker) -> Result<(), Failure> {
    let mut server = DirectServer::bind((Ipv4Addr::UNSPECIFIED, port)).map_err(|error| {
        let holder = ports::holders(Protocol::Tcp, port);
        let holder = holder.map_or_else(String::new, |holder| format!(" it is held by {holder}:"));
        Failure::Start(format!(
            "TCP port {port} can not be listened on:{holder} {error}; choose another --tcp-port"
        ))
    })?;
    let accept = move || {
        // What goes on being refused is told once.
        let mut refused = None;
        loop {
            let arrival = match server.accept(None) {
                Ok(connection) => {
                    refused = None;
                    Arrival::Link(connection)
                }
                Err(error) => {
                    std::thread::sleep(TROUBLE_PAUSE);
                    if refused.replace(error.kind()) == Some(error.kind()) {
                        continue;
                    }
                    Arrival::Refused(error)
                }
            };
            if sender.send(arrival).is_err() {
                return;
            }
            waker.wake();
        }
    };
    std::thread::Builder::new().name("listener".into()).spawn(accept)?;
    Ok(())
}

/// Does what waits on a thread of its own.
fn background(
    work: impl FnOnce() -> Arrival + Send + 'static,
    sender: Sender<Arrival>,
    waker: Waker,
) -> Result<(), Failure> {
    let work = move || {
        // The program may have ended meanwhile.
        drop(sender.send(work()));
        waker.wake();
    };
    std::thread::Builder::new().name("dial".into()).spawn(work)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_port() {
        for (text, host, port) in [
            ("10.0.0.2", "10.0.0.2", 8223),
            ("10.0.0.2:9000", "10.0.0.2", 9000),
            ("board.local", "board.local", 8223),
            ("board.local:9000", "board.local", 9000),
            ("::1", "::1", 8223),
            ("[::1]", "::1", 8223),
            ("[::1]:9000", "::1", 9000),
            ("fe80::1%eth0", "fe80::1%eth0", 8223),
            ("[fe80::1%eth0]:9000", "fe80::1%eth0", 9000),
        ] {
            let source = Source::dial(text, 8223);
            let Ok(Source::Dial { host: to, port: at }) = source else { panic!("{source:?}") };
            assert_eq!((to.as_str(), at), (host, port), "{text}");
        }
        for (text, words) in [
            ("", "has no host"),
            (":9000", "no host"),
            ("[]:9000", "no host"),
            ("pc:x", "no port from 1 to 65535"),
            ("pc:0", "no port"),
            ("pc:65536", "no port"),
            ("pc:", "no port"),
            ("http://pc", "no port"),
            ("[::1]9000", "no port"),
            ("[::1", "no closing bracket"),
        ] {
            let error = Source::dial(text, 8223).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("such as 10.0.0.2"), "{text}: {error}");
        }
    }
}
