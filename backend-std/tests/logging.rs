//! What goes to the log with the feature `log`, and at which level.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::net::{TcpListener, UdpSocket};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use cable_car_std::{BroadcastConnector, Builder, Join, Messenger, RecvError, Retry, message_set};
use log::{Level, LevelFilter, Log, Metadata, Record};

const PATIENCE: Duration = Duration::from_secs(20);

message_set! { enum Small: Byte { Join } }

struct Lines(Mutex<Vec<(Level, String)>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("cable_car_std")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.lock().unwrap().push((record.level(), record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

/// Waits for a line that holds these words.
fn expect(level: Level, words: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let lines = LINES.0.lock().unwrap();
        let fits = |text: &str| words.iter().all(|word| text.contains(word));
        if lines.iter().any(|(found, text)| *found == level && fits(text)) {
            return;
        }
        assert!(Instant::now() < deadline, "no {level} of {words:?} in {lines:#?}");
        drop(lines);
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_log_tells_what_happens_to_peers() {
    log::set_logger(&LINES).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let udp_port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let builder = || -> Builder { BroadcastConnector::builder().udp_port(udp_port).service("log") };

    let connector = builder().start().unwrap();
    let other = builder().start().unwrap();
    let mut peer: Messenger<Small> = connector.next_peer(PATIENCE).unwrap();
    expect(Level::Info, &["instance", "joined"]);

    let mut far: Messenger<Small> = other.next_peer(PATIENCE).unwrap();
    far.send_wait(&Retry, Some(PATIENCE)).unwrap();
    far.send_wait(&Retry, Some(PATIENCE)).unwrap();
    assert!(matches!(peer.recv(Some(PATIENCE)), Err(RecvError::Bad(_))));
    expect(Level::Debug, &["unknown message code 0x03"]);
    LINES.0.lock().unwrap().clear();
    peer.wait(Some(PATIENCE)).unwrap();
    peer.xfer().unwrap();
    assert!(peer.get().unwrap().is_err());
    expect(Level::Debug, &["unknown message code 0x03"]);
    far.send_wait(&Join, Some(PATIENCE)).unwrap();
    assert!(peer.recv(Some(PATIENCE)).is_ok());
    drop((far, other));
    assert!(peer.recv(Some(PATIENCE)).is_err());
    expect(Level::Info, &["instance", "left"]);

    // Somebody whose TCP port nobody listens on any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut beacon = b"BROADCAST\x01\0\0\0\0\0\0\0\0\x07".to_vec();
    beacon.extend_from_slice(&port.to_be_bytes());
    beacon.extend_from_slice(b"\x03log");
    nobody.send_to(&beacon, ("127.0.0.1", udp_port)).unwrap();
    expect(Level::Warn, &["can't be dialled", &port.to_string()]);
    drop(connector);
    expect(Level::Info, &["looking for peers has ended"]);
}
