//! Discovery on a stack whose calls fail: the connector tells it, goes on, and keeps no socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cable_car::discovery::{Config, Hello, Instance, LONGEST, Service};
use cable_car::nal::{
    BroadcastConnector, ConnectError, Connection, ConnectorError, Event, Messenger,
};
use cable_car::{AnyByte, ByteFrame};
use cable_car_tests::contract::{Network, ready};
use cable_car_tests::mock::{Call, Mock, MockError, Pair, Say, TcpSocket};
use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack};

type Told = Result<Option<Event<TcpSocket, MockError>>, ConnectorError<MockError, MockError>>;

/// A connector on the left; the right is a legacy peer that listens, dials nobody, and sends beacons.
struct Setting {
    pair: Pair,
    connector: BroadcastConnector<Mock, 4>,
    listener: TcpSocket,
    connections: Vec<Connection<TcpSocket>>,
    unreachable: Vec<ConnectError<MockError>>,
    errors: Vec<ConnectorError<MockError, MockError>>,
    timed_out: usize,
}

const CONFIG: Config = Config::new(Instance::new(1));

impl Setting {
    fn new(config: Config) -> Self {
        let mut pair = Pair::new();
        let listener = cable_car_tests::contract::listen(&mut pair, 8223);
        Self {
            connector: BroadcastConnector::new(config, pair.now()).alone_on_host(),
            pair,
            listener,
            connections: Vec::new(),
            unreachable: Vec::new(),
            errors: Vec::new(),
            timed_out: 0,
        }
    }

    /// Lets so much time pass, polling every 10 ms until there is nothing to tell.
    fn run(&mut self, time: Duration) {
        let end = self.pair.now() + time;
        while self.pair.now() < end {
            for _ in 0..100 {
                let now = self.pair.now();
                let told = self.connector.poll(&mut self.pair.left, now);
                if !self.take(told) {
                    break;
                }
            }
            self.pair.memory.pass(Duration::from_millis(10));
        }
    }

    fn take(&mut self, told: Told) -> bool {
        match told {
            Ok(None) => return false,
            Ok(Some(Event::Joined { connection, .. })) => self.connections.push(connection),
            Ok(Some(Event::Unreachable { remote, reason })) => {
                assert_eq!(*remote.ip(), Pair::RIGHT);
                self.unreachable.push(reason);
            }
            Ok(Some(Event::TimedOut)) => self.timed_out += 1,
            Ok(Some(_)) => panic!("an event that this test does not know"),
            Err(error) => {
                self.errors.push(error);
                return false;
            }
        }
        true
    }

    /// The right sends a beacon.
    fn beacon(&mut self) {
        let right = &mut self.pair.right;
        let mut socket = UdpClientStack::socket(right).expect("a socket");
        UdpFullStack::bind(right, &mut socket, 999).expect("bind");
        let to = SocketAddr::from((Pair::LEFT, 8222));
        right.send_to(&mut socket, to, b"BROADCAST").expect("send");
        UdpClientStack::close(right, socket).expect("close");
    }

    /// The right dials; its connection stands, and is not accepted yet.
    fn call(&mut self) -> TcpSocket {
        let mut client = TcpClientStack::socket(&mut self.pair.right).expect("a socket");
        let to = SocketAddr::from((Pair::LEFT, 8223));
        while ready(TcpClientStack::connect(&mut self.pair.right, &mut client, to)).is_none() {
            self.pair.settle();
        }
        client
    }

    /// Ends all, and no socket may be left.
    fn end(mut self) {
        self.connector.stop(&mut self.pair.left);
        for connection in self.connections {
            // The mock's close may be scripted to fail.
            let _ = TcpClientStack::close(&mut self.pair.left, connection.socket);
        }
        assert_eq!(self.pair.left.open_sockets(), 0, "sockets were not given back");
    }
}

/// More than a legacy peer has to dial before it is dialled.
const WAITS: Duration = Duration::from_millis(2500);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn without_faults_a_peer_is_dialled() {
    let mut setting = Setting::new(CONFIG);
    setting.run(seconds(1));
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.connections.len(), 1);
    assert!(setting.errors.is_empty() && setting.unreachable.is_empty());
    assert_eq!(setting.pair.left.count(Call::UdpSend), 5, "four beacons and an answer");
    setting.end();
}

#[test]
fn sockets_that_can_not_be_opened_are_told_and_tried_again() {
    let scripted = MockError::Scripted;
    let cases = [
        (Call::UdpSocket, ConnectorError::Udp(scripted(Call::UdpSocket))),
        (Call::UdpBind, ConnectorError::Udp(scripted(Call::UdpBind))),
        (Call::Socket, ConnectorError::Listen(ConnectError::NoSocket(scripted(Call::Socket)))),
        (Call::Bind, ConnectorError::Listen(ConnectError::Listen(scripted(Call::Bind)))),
        (Call::Listen, ConnectorError::Listen(ConnectError::Listen(scripted(Call::Listen)))),
    ];
    for (call, expected) in cases {
        let mut setting = Setting::new(CONFIG);
        setting.pair.left.script(call, [Say::Fail; 3]);
        for _ in 0..3 {
            let now = setting.pair.now();
            let error = setting.connector.poll(&mut setting.pair.left, now).expect_err("scripted");
            assert_eq!(error, expected);
            assert!(!error.to_string().is_empty());
            assert_eq!(setting.pair.left.open_sockets(), 0, "{call:?}");
        }
        setting.run(seconds(1));
        assert!(setting.errors.is_empty(), "{call:?} goes on: {:?}", setting.errors);
        setting.beacon();
        setting.run(WAITS);
        assert_eq!(setting.connections.len(), 1, "{call:?}");
        setting.end();
    }
}

/// With others on its host it has a UDP socket of its own beside the one that it shares with them.
#[test]
fn where_its_own_socket_can_not_be_had_none_is_kept() {
    for call in [Call::UdpSocket, Call::UdpBind] {
        let mut pair = Pair::new();
        let mut connector: BroadcastConnector<Mock, 4> =
            BroadcastConnector::new(CONFIG, pair.now());
        pair.left.script(call, [Say::Truth, Say::Fail]);
        let now = pair.now();
        let error = connector.poll(&mut pair.left, now).expect_err("scripted");
        assert_eq!(error, ConnectorError::Udp(MockError::Scripted(call)));
        assert_eq!(pair.left.open_sockets(), 0, "{call:?}");
        assert!(connector.poll(&mut pair.left, now).is_ok(), "{call:?} goes on");
        assert_eq!(pair.left.open_sockets(), 3, "shared, own, and the listener");
        connector.stop(&mut pair.left);
        assert_eq!(pair.left.open_sockets(), 0, "{call:?}");
    }
}

#[test]
fn time_runs_out_though_no_socket_can_be_had() {
    for call in [Call::UdpSocket, Call::UdpBind, Call::Socket, Call::Bind, Call::Listen] {
        let mut setting = Setting::new(Config { timeout: Some(seconds(3)), ..CONFIG });
        setting.pair.left.always(call, Say::Fail);
        setting.run(seconds(2));
        assert_eq!((setting.timed_out, setting.connector.is_stopped()), (0, false));
        setting.run(seconds(2));
        assert_eq!((setting.timed_out, setting.connector.is_stopped()), (1, true), "{call:?}");
        assert!(!setting.errors.is_empty());
        setting.end();
    }
}

#[test]
fn an_accept_that_fails_stops_nothing_else() {
    let mut setting = Setting::new(Config { timeout: Some(seconds(10)), ..CONFIG });
    setting.pair.left.always(Call::Accept, Say::Fail);
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.errors[0], ConnectorError::Accept(MockError::Scripted(Call::Accept)));
    assert!(setting.pair.left.count(Call::UdpSend) > 0, "beacons go out");
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.connections.len(), 1, "others are dialled");
    setting.run(seconds(8));
    assert_eq!(setting.timed_out, 1);
    setting.end();
}

#[test]
fn an_accept_that_fails_once_is_made_up_for() {
    let mut setting = Setting::new(CONFIG);
    setting.run(seconds(1));
    let _client = setting.call();
    setting.pair.left.script(Call::Accept, [Say::Fail, Say::WouldBlock, Say::Fail]);
    setting.run(seconds(1));
    assert_eq!((setting.errors.len(), setting.connections.len()), (2, 1));
    assert_eq!(setting.connections[0].remote.ip(), Pair::RIGHT);
    setting.end();
}

#[test]
fn beacons_that_can_not_be_heard_stop_nothing_else() {
    let mut setting = Setting::new(Config { timeout: Some(seconds(4)), ..CONFIG });
    setting.pair.left.always(Call::UdpReceive, Say::Fail);
    setting.run(seconds(2));
    assert_eq!(setting.errors[0], ConnectorError::Hear(MockError::Scripted(Call::UdpReceive)));
    assert_eq!(setting.pair.left.count(Call::UdpSend), 2, "beacons go out");
    let _client = setting.call();
    setting.run(seconds(1));
    assert_eq!(setting.connections.len(), 1, "others are accepted");
    setting.run(seconds(2));
    assert_eq!(setting.timed_out, 1);
    setting.end();
}

#[test]
fn beacons_that_can_not_be_sent_are_sent_at_the_next_interval() {
    let mut setting = Setting::new(CONFIG);
    setting.pair.left.script(Call::UdpSend, [Say::Fail, Say::WouldBlock, Say::Truth]);
    setting.run(seconds(3));
    assert_eq!(setting.errors, [ConnectorError::Beacon(MockError::Scripted(Call::UdpSend))]);
    assert_eq!(setting.pair.left.count(Call::UdpSend), 3);
    // Of several destinations one is enough.
    setting.connector.set_destinations([Ipv4Addr::BROADCAST, Pair::RIGHT, Pair::LEFT]);
    setting.pair.left.script(Call::UdpSend, [Say::Fail, Say::Truth, Say::Fail]);
    setting.run(seconds(1));
    assert_eq!(setting.errors.len(), 1);
    // An answer that is lost costs no more than time.
    setting.pair.left.script(Call::UdpSend, [Say::Fail]);
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.connections.len(), 1);
    setting.end();
}

#[test]
fn a_dial_without_a_socket_is_told_and_tried_again() {
    let mut setting = Setting::new(CONFIG);
    setting.run(seconds(1));
    setting.pair.left.script(Call::Socket, [Say::Fail]);
    setting.beacon();
    setting.run(WAITS);
    let expected = ConnectError::NoSocket(MockError::Scripted(Call::Socket));
    assert_eq!(setting.unreachable, [expected]);
    setting.run(seconds(1));
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.connections.len(), 1);
    setting.end();
}

#[test]
fn a_dial_that_fails_late_is_told_and_tried_again() {
    let mut setting = Setting::new(CONFIG);
    setting.run(seconds(1));
    setting.pair.left.script(Call::Connect, [Say::WouldBlock, Say::WouldBlock, Say::Fail]);
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.unreachable, [ConnectError::Connect(MockError::Scripted(Call::Connect))]);
    setting.run(seconds(1));
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.connections.len(), 1);
    setting.end();
}

#[test]
fn a_dial_that_never_ends_is_given_up() {
    let mut setting = Setting::new(CONFIG);
    setting.pair.left.always(Call::Connect, Say::WouldBlock);
    setting.run(seconds(1));
    setting.beacon();
    setting.run(WAITS + CONFIG.connect_timeout);
    assert_eq!(setting.unreachable, [ConnectError::TimedOut]);
    assert_eq!(setting.pair.left.open_sockets(), 2, "the two that it listens on");
    setting.end();
}

#[test]
fn a_peer_that_was_faster_leaves_no_dial_behind() {
    let mut setting = Setting::new(CONFIG);
    setting.pair.left.always(Call::Connect, Say::WouldBlock);
    setting.run(seconds(1));
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.pair.left.open_sockets(), 3, "dialling");
    let _client = setting.call();
    setting.run(seconds(1));
    assert_eq!(setting.connections.len(), 1);
    assert_eq!(setting.pair.left.open_sockets(), 3, "two to listen on, and the link");
    setting.end();
}

#[test]
fn stopping_gives_everything_back_though_close_fails() {
    for (once, dialling) in [(true, false), (false, true), (false, false)] {
        let mut setting = Setting::new(Config { once, ..CONFIG });
        setting.pair.left.always(Call::Close, Say::Fail);
        if dialling {
            setting.pair.left.always(Call::Connect, Say::WouldBlock);
        }
        setting.run(seconds(1));
        setting.beacon();
        setting.run(WAITS);
        let listening = setting.pair.left.open_sockets();
        assert_eq!(listening, if once { 1 } else { 3 });
        assert_eq!(setting.connector.is_stopped(), once);
        setting.end();
    }
}

#[test]
fn who_dials_while_it_stops_is_not_kept() {
    let mut setting = Setting::new(Config { once: true, ..CONFIG });
    setting.run(seconds(1));
    setting.beacon();
    setting.run(WAITS);
    assert_eq!(setting.connections.len(), 1);
    let accepted = ready(setting.pair.right.accept(&mut setting.listener));
    assert!(accepted.is_some());
    setting.run(seconds(1));
    setting.end();
}

/// Whoever is not wanted, or has hung up, or has said nothing yet, is let go of.
#[test]
fn callers_that_are_no_link_leave_nothing_behind() {
    let service = Service::NONE;
    let hello = Hello { welcome: false, from: Instance::new(2), to: CONFIG.instance, service };
    let mut space = [0; LONGEST];
    let (_, all_but_one) = hello.write(&mut space).split_last().expect("some bytes");
    let cases: [(&str, &[u8], bool); 4] = [
        ("talks nonsense", &[0, 255], false),
        ("hangs up", &[], true),
        ("begins a hello", &[0], false),
        ("does not end its hello", all_but_one, false),
    ];
    for (what, says, hangs_up) in cases {
        let mut setting = Setting::new(CONFIG);
        setting.run(seconds(1));
        let mut client = setting.call();
        if !says.is_empty() {
            let sent = TcpClientStack::send(&mut setting.pair.right, &mut client, says);
            assert_eq!(sent, Ok(says.len()));
        }
        if hangs_up {
            TcpClientStack::close(&mut setting.pair.right, client).expect("close");
        }
        setting.run(seconds(1));
        assert!(setting.connections.is_empty(), "one that {what} is a peer");
        assert_eq!(setting.pair.left.open_sockets(), 2, "one that {what} keeps its socket");
        setting.end();
    }

    let mut setting = Setting::new(CONFIG);
    setting.run(seconds(1));
    let _client = setting.call();
    setting.run(Duration::from_millis(50));
    assert_eq!(setting.pair.left.open_sockets(), 3, "it may say hello still");
    setting.end();
}

/// A stranger that speaks at once is known for what it is by its first byte, which is not lost.
#[test]
fn the_first_message_of_a_stranger_that_says_no_hello_arrives_whole() {
    let mut setting = Setting::new(CONFIG);
    setting.run(seconds(1));
    let mut client = setting.call();
    let sent = TcpClientStack::send(&mut setting.pair.right, &mut client, &[2, 2, 3, 0x11, 7]);
    assert_eq!(sent, Ok(5));
    setting.run(seconds(1));
    let connection = setting.connections.pop().expect("a link");
    let mut peer: Messenger<AnyByte, _, _, _> = Messenger::new(connection, [0; 64], [0; 64]);
    assert_eq!(peer.xfer(&mut setting.pair.left), Ok(()));
    assert_eq!(peer.get(), Some(Ok(ByteFrame { code: 2, payload: &[] })));
    assert_eq!(peer.get(), Some(Ok(ByteFrame { code: 0x11, payload: &[7] })));
    assert_eq!(peer.get(), None);
    peer.close(&mut setting.pair.left);
    setting.end();
}
