//! Firmware on an emulated board against the smoltcp backend in this process: the same core on both
//! sides of a cable, with no privileges and no sockets of the system.
#![cfg(target_os = "linux")]

use std::{net::Ipv4Addr, time::Duration};

use cable_car::{
    Identify, Join, LinkError, MessageSet, Outgoing, Quit, Retry, SendError,
    discovery::{Config, Instance, LinkId},
    nal::{BroadcastConnector, Connection, DirectClient, Event, Messenger},
};
use cable_car_smoltcp::TcpSocket;
use cable_car_tests::{
    desk::{Desk, DeskStack},
    firmware::{BEACON_PORT, CLIENT_PORT, Firmware, STATS_PORT},
    messages::{Client, Monitor, MsgStats, Numbered},
    process::PATIENCE,
    require::{Need, require},
};
use embedded_nal::{TcpClientStack, UdpClientStack, nb};

const DESK: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
const BOARD: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 2);
/// Messages each way.
const MANY: u32 = 10_000;

type Link<S> = Messenger<S, TcpSocket, [u8; 4096], [u8; 4096]>;

/// A desk and a board, joined by a cable.
fn start(options: &[&str]) -> (Desk, Firmware) {
    let (desk, far) = Desk::new(DESK);
    (desk, Firmware::on_socket(far, BOARD, options))
}

fn link<S: MessageSet>(connection: Connection<TcpSocket>) -> Link<S> {
    Messenger::new(connection, [0; 4096], [0; 4096])
}

fn dial<S: MessageSet>(desk: &mut Desk, port: u16) -> Link<S> {
    let deadline = desk.now() + PATIENCE;
    let mut client = DirectClient::new((BOARD, port).into(), deadline);
    // Refused while all that listen are taken: it is dialled anew.
    link(desk.run_until(PATIENCE, "a connection", |stack, now| client.poll(stack, now).ok()))
}

/// Finds the board by broadcast.
fn find(
    desk: &mut Desk,
    connector: &mut BroadcastConnector<DeskStack, 4>,
) -> (Link<Monitor>, LinkId) {
    let (connection, id) =
        desk.run_until(PATIENCE, "a machine", |stack, now| match connector.poll(stack, now) {
            Ok(Some(Event::Joined { connection, link, .. })) => Some((connection, link)),
            Ok(_) => None,
            Err(error) => panic!("{error}"),
        });
    (link(connection), id)
}

fn connector(desk: &Desk) -> BroadcastConnector<DeskStack, 4> {
    let config = Config {
        udp_port: BEACON_PORT,
        tcp_port: STATS_PORT,
        ..Config::new(Instance::new(0xdee5))
    };
    BroadcastConnector::new(config, desk.now()).alone_on_host()
}

fn send<S: MessageSet, M: Outgoing<S::Transport>>(peer: &mut Link<S>, message: &M) {
    peer.send(message).expect("room for a message");
}

/// The next message, whatever it is.
fn next<S, R>(
    desk: &mut Desk,
    peer: &mut Link<S>,
    mut read: impl FnMut(S::Message<'_>) -> Option<R>,
) -> R
where
    S: MessageSet,
{
    desk.run_until(PATIENCE, "a message", |stack, _| {
        peer.xfer(stack).unwrap_or_else(|end| panic!("{end}"));
        while let Some(message) = peer.get() {
            if let Some(result) = read(message.unwrap_or_else(|bad| panic!("{bad}"))) {
                return Some(result);
            }
        }
        None
    })
}

fn end<S: MessageSet>(desk: &mut Desk, peer: &mut Link<S>) -> LinkError {
    desk.run_until(PATIENCE, "the end of the link", |stack, _| {
        while peer.get().is_some() {}
        peer.xfer(stack).err()
    })
}

/// Sends numbered messages and gets all of them back, in order.
fn echo(desk: &mut Desk, peers: &mut [Link<Client>], count: u32) {
    let mut sent = vec![0; peers.len()];
    let mut received = vec![0; peers.len()];
    desk.run_until(4 * PATIENCE, "every echo", |stack, _| {
        for ((peer, sent), received) in peers.iter_mut().zip(&mut sent).zip(&mut received) {
            while *sent < count {
                match peer.send(&Numbered(*sent)) {
                    Ok(()) => *sent += 1,
                    Err(SendError::WouldBlock) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            peer.xfer(stack).unwrap_or_else(|end| panic!("{end} after {received}"));
            while let Some(message) = peer.get() {
                match message {
                    Ok(Client::Numbered(Numbered(n))) if n == *received => *received += 1,
                    other => panic!("{other:?} after {received}"),
                }
            }
        }
        received.iter().all(|&received| received == count).then_some(())
    });
}

/// What the board says when a client's link has ended.
fn gone(board: &mut Firmware) -> String {
    board
        .process()
        .expect_line(PATIENCE, |line| line.starts_with("client") && line.contains("gone"))
}

#[test]
fn each_finds_the_other_by_broadcast() {
    if !require(Need::Firmware) {
        return;
    }
    let (mut desk, mut board) = start(&["--name", "tank"]);
    let mut connector = connector(&desk);
    let (mut peer, _) = find(&mut desk, &mut connector);
    board.says("machine 10.78.0.1:");
    send(&mut peer, &MsgStats::idle("desk"));
    for _ in 0..2 {
        let stats = next(&mut desk, &mut peer, |message| match message {
            Monitor::MsgStats(stats) => Some(stats),
            other => panic!("{other:?}"),
        });
        assert_eq!(stats.host, "tank");
        assert!((0.0..=100.0).contains(&stats.cpu_percent), "{stats:?}");
        assert!(stats.memory_percent > 1.0 && stats.memory_percent < 100.0, "{stats:?}");
        assert_eq!(stats.memory_total, 256 << 10);
    }
    let heard = board.says("stats from 10.78.0.1:");
    assert!(heard.contains("desk cpu 0.5 %, memory 12.5 % of 17179869184 bytes"), "{heard}");

    send(&mut peer, &Quit);
    next(&mut desk, &mut peer, |message| matches!(message, Monitor::Quit(_)).then_some(()));
    assert_eq!(end(&mut desk, &mut peer), LinkError::ClosedByPeer);
    board.says("machine 10.78.0.1:");
}

#[test]
fn standard_messages_are_answered() {
    if !require(Need::Firmware) {
        return;
    }
    let (mut desk, mut board) = start(&["--name", "tank"]);
    let mut peer: Link<Client> = dial(&mut desk, CLIENT_PORT);
    send(&mut peer, &Identify::new("ann", "pc").expect("plain names"));
    let who = next(&mut desk, &mut peer, |message| match message {
        Client::Identify(who) => Some(who),
        other => panic!("{other:?}"),
    });
    assert_eq!((who.username(), who.hostname()), ("firmware", "tank"));
    board.says("identify from 10.78.0.1:");
    send(&mut peer, &Join);
    next(&mut desk, &mut peer, |message| matches!(message, Client::Join(_)).then_some(()));
    send(&mut peer, &Retry);
    next(&mut desk, &mut peer, |message| matches!(message, Client::Join(_)).then_some(()));
    send(&mut peer, &Quit);
    next(&mut desk, &mut peer, |message| matches!(message, Client::Quit(_)).then_some(()));
    assert_eq!(end(&mut desk, &mut peer), LinkError::ClosedByPeer);
}

#[test]
fn ten_thousand_messages_come_back_in_order() {
    if !require(Need::Firmware) {
        return;
    }
    let (mut desk, mut board) = start(&["--no-broadcast"]);
    let mut peers = [dial(&mut desk, CLIENT_PORT)];
    echo(&mut desk, &mut peers, MANY);
    peers[0].close(&mut desk.stack);
    desk.run(Duration::from_millis(100));
    let gone = gone(&mut board);
    assert!(gone.contains("(echoed 10000, bad 0)"), "{gone}");
}

#[test]
fn clients_are_served_side_by_side_as_many_as_there_are_places() {
    if !require(Need::Firmware) {
        return;
    }
    let (mut desk, mut board) = start(&["--no-broadcast"]);
    let mut peers: Vec<Link<Client>> = (0..4).map(|_| dial(&mut desk, CLIENT_PORT)).collect();
    echo(&mut desk, &mut peers, 500);
    let mut late: Link<Client> = dial(&mut desk, CLIENT_PORT);
    assert_eq!(end(&mut desk, &mut late), LinkError::ClosedByPeer);
    board.says("no room for 10.78.0.1:");
    peers[0].close(&mut desk.stack);
    desk.run(Duration::from_millis(200));
    peers[0] = dial(&mut desk, CLIENT_PORT);
    echo(&mut desk, &mut peers, 500);
}

#[test]
fn a_dead_client_frees_its_place() {
    if !require(Need::Firmware) {
        return;
    }
    let (mut desk, mut board) = start(&["--no-broadcast"]);
    let mut peers = [dial(&mut desk, CLIENT_PORT)];
    echo(&mut desk, &mut peers, 1);
    board.set_cable(false);
    board.says("link down");
    board.set_cable(true);
    board.says("link up");
    // A short break costs nothing; a long silence ends the link.
    echo(&mut desk, &mut peers, 1);
    std::thread::sleep(Duration::from_secs(4));
    let gone = gone(&mut board);
    assert!(gone.contains("broke"), "{gone}");
    let mut peers = [dial(&mut desk, CLIENT_PORT)];
    echo(&mut desk, &mut peers, 10);
}

#[test]
fn nonsense_is_survived() {
    if !require(Need::Firmware) {
        return;
    }
    let (mut desk, mut board) = start(&[]);
    let mut random = 0x1234_5678_9abc_def1_u64;
    let mut byte = move || {
        // Marsaglia's xorshift: any stream will do that is the same each time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 32) as u8
    };

    let mut witness: [Link<Client>; 1] = [dial(&mut desk, CLIENT_PORT)];
    // Frames of all lengths, addressed to the board, to everybody, to nobody; some nearly IPv4.
    for round in 0..2_000_u32 {
        // Not 0: the emulator takes an empty datagram for the end of the cable.
        let len = 1 + usize::from(byte()) * 6 % 1_514;
        let mut frame: Vec<u8> = (0..len).map(|_| byte()).collect();
        if round % 3 > 0 && len > 40 {
            let mac = [0x02, 0, 10, 78, 0, 2];
            frame[..6].copy_from_slice(if round % 2 == 0 { &mac } else { &[0xff; 6] });
            frame[12..14].copy_from_slice(if round % 5 == 0 { &[8, 6] } else { &[8, 0] });
            frame[14] = 0x45;
        }
        desk.send_raw(&frame);
        if round % 100 == 0 {
            desk.run(Duration::from_millis(10));
        }
    }
    // Datagrams on the beacon port, empty ones and long ones.
    let mut socket = UdpClientStack::socket(&mut desk.stack).expect("a socket");
    for round in 0..200_usize {
        let datagram: Vec<u8> = (0..round % 250).map(|_| byte()).collect();
        let sent = desk.stack.send_to_board(&mut socket, &datagram);
        assert!(matches!(sent, Ok(()) | Err(nb::Error::WouldBlock)), "{sent:?}");
        desk.run(Duration::from_millis(2));
    }
    // Streams of bytes on both ports, with and without an end to the line.
    for port in [CLIENT_PORT, STATS_PORT, CLIENT_PORT, STATS_PORT] {
        let mut bytes: Vec<u8> = (0..20_000).map(|_| byte()).collect();
        if port == STATS_PORT {
            bytes.extend_from_slice(br#"["MsgStats",{"host":[[[[[["#);
            bytes.extend_from_slice(&[b'['; 3000]);
            bytes.extend_from_slice(b"\n[\"MsgStats\",{\"host\":\"\\ud83d\\n\\u0000x\"}]\n");
        }
        let mut peer: Option<Connection<TcpSocket>> = None;
        let mut client = DirectClient::new((BOARD, port).into(), desk.now() + PATIENCE);
        let mut at = 0;
        desk.run_until(PATIENCE, "nonsense is sent", |stack, now| {
            let Some(connection) = &mut peer else {
                peer = client.poll(stack, now).ok();
                return None;
            };
            match TcpClientStack::send(stack, &mut connection.socket, &bytes[at..]) {
                Ok(len) => at += len,
                Err(nb::Error::WouldBlock) => {}
                // The board may hang up.
                Err(nb::Error::Other(_)) => return Some(()),
            }
            // What the board has to say (its figures) is read and forgotten.
            let _ = TcpClientStack::receive(stack, &mut connection.socket, &mut [0; 4096]);
            (at == bytes.len()).then_some(())
        });
        desk.run(Duration::from_millis(50));
        if let Some(connection) = peer {
            TcpClientStack::close(&mut desk.stack, connection.socket).expect("an open socket");
        }
    }
    echo(&mut desk, &mut witness, 1_000);
    assert!(board.process().wait(Duration::ZERO).is_none(), "the firmware runs");
}

/// Datagrams to the board's beacon port.
trait SendToBoard: UdpClientStack {
    fn send_to_board(
        &mut self,
        socket: &mut Self::UdpSocket,
        datagram: &[u8],
    ) -> nb::Result<(), Self::Error>;
}

impl<T: embedded_nal::UdpFullStack> SendToBoard for T {
    fn send_to_board(
        &mut self,
        socket: &mut Self::UdpSocket,
        datagram: &[u8],
    ) -> nb::Result<(), Self::Error> {
        self.send_to(socket, (BOARD, BEACON_PORT).into(), datagram)
    }
}

#[test]
fn a_restarted_board_is_found_again() {
    if !require(Need::Firmware) {
        return;
    }
    let (mut desk, far) = Desk::new(DESK);
    let again = far.try_clone().expect("a second handle");
    let board = Firmware::on_socket(far, BOARD, &["--seed", "1"]);
    let mut connector = connector(&desk);
    let (mut peer, id) = find(&mut desk, &mut connector);
    drop(board);

    let mut board = Firmware::on_socket(again, BOARD, &["--seed", "2"]);
    end(&mut desk, &mut peer);
    let now = desk.now();
    connector.unlinked(now, id);
    let (mut peer, _) = find(&mut desk, &mut connector);
    board.says("machine 10.78.0.1:");
    next(&mut desk, &mut peer, |message| matches!(message, Monitor::MsgStats(_)).then_some(()));
}

#[test]
fn a_board_that_is_told_an_address_dials_it() {
    if !require(Need::Firmware) {
        return;
    }
    let (mut desk, far) = Desk::new(DESK);
    let options = ["--no-broadcast", "--name", "tank", "--connect", "10.78.0.1:9000"];
    let mut board = Firmware::on_socket(far, BOARD, &options);
    let mut server = cable_car::nal::DirectServer::new(9000, None);
    for _ in 0..2 {
        // Also when the link has ended.
        let connection =
            desk.run_until(PATIENCE, "a call", |stack, now| server.poll(stack, now).ok());
        let mut peer: Link<Monitor> = link(connection);
        let host = next(&mut desk, &mut peer, |message| match message {
            Monitor::MsgStats(stats) => Some(stats.host),
            other => panic!("{other:?}"),
        });
        assert_eq!(host, "tank");
        peer.close(&mut desk.stack);
    }
    board.says("machine 10.78.0.1:9000 gone");
}
