//! What a person who writes a program gets wrong, and what a stranger may do to one: told by name, and
//! nothing else breaks.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use cable_car_std::{
    BadMessage, BroadcastConnector, BufferSize, Builder, ByteMessage, Connection, DecodeError,
    DirectClient, DirectServer, EncodeError, Identify, Join, LinkError, Messenger, Quit, Reader,
    RecvError, SendError, Writer, message_set,
};
use cable_car_tests::hostile::stranger::Stranger;
use cable_car_tests::process::{PATIENCE, unused_tcp_port, unused_udp_port};

message_set! { #[derive(Debug)] enum Bytes: Byte { Identify, Join, Quit } }
message_set! { #[derive(Debug)] enum Lines: Json { Identify, Join, Quit } }

/// A connection over loopback.
fn connected() -> (Connection, Connection) {
    let mut server = DirectServer::bind("127.0.0.1:0").unwrap();
    let here = DirectClient::new(server.local_address().unwrap()).connect().unwrap();
    (here, server.accept(Some(PATIENCE)).unwrap())
}

#[test]
fn two_transports_on_one_link_are_told_at_both_ends() {
    let (here, there) = connected();
    let (mut bytes, mut lines) = (Messenger::<Bytes>::new(here), Messenger::<Lines>::new(there));
    let ann = Identify::new("ann", "pc").unwrap();
    bytes.send(&ann).unwrap();
    lines.send(&ann).unwrap();
    bytes.xfer().unwrap();
    lines.xfer().unwrap();
    // Both ends wait for an answer; neither waits for ever.
    assert!(matches!(bytes.recv(Some(PATIENCE)), Err(RecvError::Bad(BadMessage::JsonText))));
    assert!(matches!(lines.recv(Some(PATIENCE)), Err(RecvError::Bad(BadMessage::Binary))));
}

#[test]
fn a_message_that_is_too_large_is_told_and_the_next_one_goes() {
    struct Large(usize);

    impl ByteMessage<'_> for Large {
        const CODE: u8 = 0x10;

        fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
            (0..self.0).try_for_each(|_| payload.u8(0))
        }

        fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
            Err(DecodeError::Invalid("is only sent"))
        }
    }

    let (here, there) = connected();
    let (mut here, mut there) = (Messenger::<Bytes>::new(here), Messenger::<Bytes>::new(there));
    let error = here.send(&Large(253)).unwrap_err();
    assert_eq!(error, SendError::TooLong { limit: 254 });
    assert_eq!(
        error.to_string(),
        "message does not fit into the longest frame, which has 254 bytes"
    );
    assert_eq!(here.queued(), 0);
    here.send(&Large(252)).unwrap();
    here.send(&Join).unwrap();
    here.xfer().unwrap();
    assert!(matches!(
        there.recv(Some(PATIENCE)),
        Err(RecvError::Bad(BadMessage::UnknownCode { .. }))
    ));
    assert!(matches!(there.recv(Some(PATIENCE)), Ok(Bytes::Join(_))));

    let (here, there) = connected();
    let size = BufferSize { initial: 64, limit: 1000 };
    let mut here = Messenger::<Lines>::with_buffers(here, size);
    let mut there = Messenger::<Lines>::new(there);
    let long = "x".repeat(1000);
    assert_eq!(
        here.send_json(
            "MsgLong",
            &[("text", &long)].into_iter().collect::<std::collections::BTreeMap<_, _>>()
        ),
        Err(SendError::TooLong { limit: 1000 })
    );
    here.send(&Join).unwrap();
    here.xfer().unwrap();
    assert!(matches!(there.recv(Some(PATIENCE)), Ok(Lines::Join(_))));
}

#[test]
fn sending_after_the_end_says_which_end_it_was() {
    let (here, there) = connected();
    let (mut here, mut there) = (Messenger::<Bytes>::new(here), Messenger::<Bytes>::new(there));
    here.close();
    assert_eq!(here.send(&Join), Err(SendError::Ended(LinkError::Closed)));
    assert_eq!(here.xfer(), Err(LinkError::Closed));
    assert!(here.wait(Some(PATIENCE)).unwrap(), "there is nothing to wait for");
    assert!(here.get().is_none());
    here.close();
    assert!(there.wait(Some(PATIENCE)).unwrap());
    assert_eq!(there.xfer(), Err(LinkError::ClosedByPeer));
    assert_eq!(there.send(&Join), Err(SendError::Ended(LinkError::ClosedByPeer)));
    assert_eq!(there.send_wait(&Join, None), Err(SendError::Ended(LinkError::ClosedByPeer)));
    assert_eq!(
        there.send(&Join).unwrap_err().to_string(),
        "the link has ended: the peer closed the link"
    );
}

#[test]
fn a_stranger_that_hangs_up_at_once_is_no_error_of_a_server() {
    let mut server = DirectServer::bind("127.0.0.1:0").unwrap();
    let address = server.local_address().unwrap();
    for _ in 0..20 {
        let stranger = TcpStream::connect(address).unwrap();
        // Resets the connection when it is dropped.
        socket2::SockRef::from(&stranger).set_linger(Some(Duration::ZERO)).unwrap();
    }
    let here = DirectClient::new(address).connect().unwrap();
    let there = server.accept(Some(PATIENCE)).expect("the one that is good");
    assert_eq!(there.remote_address(), here.local_address());
}

#[test]
fn an_address_that_can_not_be_listened_on_or_dialled_is_named() {
    let port = unused_tcp_port();
    let address = format!("127.0.0.1:{port}");
    let refused = DirectClient::new(&address).connect().unwrap_err();
    assert!(refused.to_string().starts_with(&address), "{refused}");
    let _server = DirectServer::bind(&address).unwrap();
    let in_use = DirectServer::bind(&address).unwrap_err();
    assert!(in_use.to_string().starts_with(&address), "{in_use}");
    let no_port = DirectServer::bind("127.0.0.1").unwrap_err().to_string();
    assert!(no_port.ends_with("give a host and a port, such as 192.168.1.7:8223"), "{no_port}");
    assert_eq!(DirectClient::new("127.0.0.1").connect().unwrap_err().to_string(), no_port);
}

/// A connector that no other test meets.
fn options() -> Builder {
    let interval = Duration::from_millis(50);
    BroadcastConnector::builder()
        .udp_port(unused_udp_port())
        .tcp_port(unused_tcp_port())
        .interval(interval)
}

#[test]
fn every_option_that_can_not_be_is_told_with_what_to_do() {
    let zero = Duration::ZERO;
    for (builder, told) in [
        (
            options().udp_port(0),
            "udp_port is 0: choose the port that the peers use, 8222 by default",
        ),
        (
            options().tcp_port(0),
            "tcp_port is 0: choose the port that the peers use, 8223 by default",
        ),
        (options().interval(zero), "interval is under 10 ms: beacons would flood the network"),
        (options().connect_timeout(zero), "connect_timeout is 0: no dial could succeed"),
        (
            options().timeout(zero),
            "timeout is 0: no peer could be found; to look for ever, leave it out",
        ),
        (options().service(&"x".repeat(33)), "the service name is longer than 32 bytes"),
    ] {
        assert_eq!(builder.start().unwrap_err().to_string(), told);
    }
    assert_eq!(
        options().connect().unwrap_err().to_string(),
        "connect would never return: set once or timeout"
    );
    assert!(options().service(&"x".repeat(32)).start().is_ok());
}

#[test]
fn an_interface_that_is_not_there_is_told_as_soon_as_a_connector_has_started() {
    for _ in 0..20 {
        let connector = options().interfaces(["misspelt0"]).start().unwrap();
        let trouble = connector.trouble().expect("it has looked");
        assert!(trouble.starts_with("no interface called misspelt0"), "{trouble}");
    }
}

#[test]
fn a_callback_may_stop_or_drop_its_own_connector() {
    type Slot = Arc<Mutex<Option<BroadcastConnector>>>;
    fn stop(slot: &Slot) {
        if let Some(connector) = slot.lock().unwrap().as_mut() {
            connector.stop();
            assert!(connector.is_stopped());
        }
    }
    fn drop_it(slot: &Slot) {
        drop(slot.lock().unwrap().take());
    }
    fn look(slot: &Slot) {
        if let Some(connector) = slot.lock().unwrap().as_ref() {
            assert!(connector.next_connection(Duration::ZERO).is_err());
            let _ = (connector.addresses(), connector.trouble());
        }
    }
    for (name, action) in [("stops", stop as fn(&Slot)), ("drops", drop_it), ("looks", look)] {
        let slot = Slot::default();
        let (done, dones) = mpsc::channel();
        let inside = Arc::clone(&slot);
        let on_connect = move |connection: Connection| {
            action(&inside);
            drop(done.send(connection));
        };
        // Held until the slot is filled, so that the callback finds the connector there.
        let mut filled = slot.lock().unwrap();
        *filled = Some(options().allow_loopback(true).on_connect(on_connect).start().unwrap());
        drop(filled);
        let call = dones.recv_timeout(PATIENCE);
        assert!(call.is_ok(), "a callback that {name} it returns");
        drop_it(&slot);
    }
}

#[test]
fn a_peer_that_links_again_and_again_has_one_link_at_a_time() {
    let udp_port = unused_udp_port();
    let connector = options().udp_port(udp_port).start().unwrap();
    let stranger = Stranger::ask(Ipv4Addr::LOCALHOST, udp_port);
    let mut streams: Vec<_> =
        (0..50).map(|_| stranger.say_hello(Ipv4Addr::LOCALHOST, 1).unwrap()).collect();
    let mut last = streams.pop().unwrap();
    last.write_all(&[2, 2]).unwrap();
    // Which it learns of in the background: one that is gone by now may still be given.
    let mut peer: Messenger<Bytes> = connector.next_peer(PATIENCE).unwrap();
    let mut gone = 0;
    while let Err(error) = peer.recv(Some(PATIENCE)) {
        assert!(matches!(error, RecvError::Ended(LinkError::ClosedByPeer)), "{error}");
        gone += 1;
        peer = connector.next_peer(PATIENCE).unwrap();
    }
    assert!(gone <= 1, "{gone} that were replaced were given");
    assert!(connector.next_connection(Duration::ZERO).is_err(), "those before it are gone");
    for mut stream in streams {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "closed");
    }

    // One that has been taken ends as well.
    let _again = stranger.say_hello(Ipv4Addr::LOCALHOST, 1).unwrap();
    assert!(peer.wait(Some(PATIENCE)).unwrap());
    assert_eq!(peer.xfer(), Err(LinkError::ClosedByPeer));
}

#[test]
fn another_machine_can_not_end_a_link_in_the_peers_name() {
    let udp_port = unused_udp_port();
    let connector = options().udp_port(udp_port).start().unwrap();
    let stranger = Stranger::ask(Ipv4Addr::LOCALHOST, udp_port);
    let mut honest = stranger.say_hello(Ipv4Addr::LOCALHOST, 1).unwrap();
    let mut peer: Messenger<Bytes> = connector.next_peer(PATIENCE).unwrap();
    let _other = stranger.say_hello(Ipv4Addr::new(127, 0, 0, 2), 1).unwrap();
    let _taken: Messenger<Bytes> = connector.next_peer(PATIENCE).unwrap();
    honest.write_all(&[2, 2]).unwrap();
    assert!(matches!(peer.recv(Some(PATIENCE)), Ok(Bytes::Join(_))));
}
