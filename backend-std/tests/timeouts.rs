//! The longest timeout that can be written is no limit.

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use cable_car_std::{
    AnyByte, BroadcastConnector, Connection, DirectClient, DirectServer, Join, Messenger, NoPeer,
    Watch,
};

const FOREVER: Duration = Duration::MAX;

#[test]
fn waiting_forever_for_messages() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut here: Messenger<AnyByte> = Connection::try_from(stream).unwrap().into();
    let other = Connection::try_from(listener.accept().unwrap().0).unwrap();
    let mut there: Messenger<AnyByte> = other.into();
    let sender = thread::spawn(move || {
        for _ in 0..3 {
            // Later than the other end begins to wait, most of the time.
            thread::sleep(Duration::from_millis(20));
            there.send_wait(&Join, Some(FOREVER)).unwrap();
        }
        there.shutdown(FOREVER).unwrap();
    });
    assert!(here.wait(Some(FOREVER)).unwrap());
    assert_eq!(here.get().unwrap().unwrap().code, 2);
    assert_eq!(here.recv(Some(FOREVER)).unwrap().code, 2);
    let mut watch = Watch::new().unwrap();
    watch.add(0, &mut here).unwrap();
    assert_eq!(watch.wait(Some(FOREVER)).unwrap().next(), Some(0));
    sender.join().unwrap();
}

#[test]
fn waiting_forever_for_peers() {
    let mut server = DirectServer::bind("127.0.0.1:0").unwrap();
    let client = DirectClient::new(server.local_address().unwrap()).timeout(FOREVER);
    let client = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        client.connect().unwrap()
    });
    let connection = server.accept(Some(FOREVER)).unwrap();
    assert_eq!(client.join().unwrap().local_address(), connection.remote_address());

    let builder = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("timeouts");
    let mut connector =
        builder.udp_port(28_230).timeout(FOREVER).connect_timeout(FOREVER).start().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| connector.next_connection(FOREVER));
        thread::sleep(Duration::from_millis(20));
        assert!(!waiting.is_finished());
        let other = BroadcastConnector::builder().interfaces(["127.0.0.1"]).service("timeouts");
        let _other = other.udp_port(28_230).start().unwrap();
        assert!(waiting.join().unwrap().is_ok());
    });
    connector.stop();
    assert_eq!(connector.next_connection(FOREVER).err(), Some(NoPeer::Stopped));
}
