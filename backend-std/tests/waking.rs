//! One thread waits for new peers, for messages and for other threads, all in one watch.

use std::thread;
use std::time::{Duration, Instant};

use cable_car_std::{BroadcastConnector, Join, Messenger, Watch, message_set};

message_set! {
    /// Messages of this test.
    #[derive(Debug)]
    enum Game: Byte { Join }
}

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ports that nobody else in the tests uses.
const UDP_PORT: u16 = 28_226;
const TCP_PORT: u16 = 28_227;

#[test]
fn another_thread_ends_a_wait() {
    let mut watch = Watch::new().unwrap();
    let waker = watch.waker();
    let thread = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        waker.wake();
    });
    let start = Instant::now();
    assert_eq!(watch.wait(Some(PATIENCE)).unwrap().count(), 0);
    assert!(start.elapsed() < PATIENCE);
    thread.join().unwrap();

    // What was woken once sleeps again.
    let start = Instant::now();
    assert_eq!(watch.wait(Some(Duration::from_millis(30))).unwrap().count(), 0);
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[test]
fn new_peers_and_messages_come_to_one_watch() {
    let mut watch = Watch::new().unwrap();
    let connector = BroadcastConnector::builder()
        .udp_port(UDP_PORT)
        .tcp_port(TCP_PORT)
        .allow_loopback(true)
        .wake(watch.waker())
        .start()
        .unwrap();
    let mut peers: Vec<Messenger<Game>> = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "no message from {peers:?}");
        let ready: Vec<usize> = watch.wait(Some(left)).unwrap().collect();
        while let Ok(mut peer) = connector.next_peer(Duration::ZERO) {
            peer.send(&Join).unwrap();
            peer.xfer().unwrap();
            watch.add(peers.len(), &mut peer).unwrap();
            peers.push(peer);
        }
        for key in ready {
            peers[key].xfer().unwrap();
            if let Some(message) = peers[key].get() {
                assert!(matches!(message, Ok(Game::Join(_))));
                return;
            }
        }
    }
}
