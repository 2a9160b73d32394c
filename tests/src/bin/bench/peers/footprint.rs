//! What a program takes while it does nothing, and how soon it has a peer.

use std::{
    fs,
    net::Ipv4Addr,
    process, thread,
    time::{Duration, Instant},
};

use cable_car_std::{BroadcastConnector, Connection, Messenger, RecvError};
use cable_car_tests::{
    process::unused_udp_port,
    sample::{Numbered as _, Sample, Samples},
};
use std::net::{TcpListener, TcpStream};

use super::{ANY_PORT, Failure, answer};
use crate::job::{Answer, Job, Part};

const PATIENCE: Duration = Duration::from_secs(20);

/// The server looks for peers; the client is started later, and takes the time of its first one.
pub(crate) fn discovery(job: &Job) -> Result<(), Failure> {
    match job.part {
        Part::Server => {
            let port = unused_udp_port();
            let connector = connector(port)?;
            answer(&Answer::Port(port))?;
            let mut peer: Messenger<Samples> = connector.next_peer(PATIENCE)?;
            let message = peer.recv(Some(PATIENCE))?;
            assert!(Samples::is(&Ok(message), 0), "the message is another one");
            peer.send_wait(&Sample::numbered(1), Some(PATIENCE))?;
            assert!(matches!(peer.recv(Some(PATIENCE)), Err(RecvError::Ended(_))));
            answer(&Answer::Sent(1))
        }
        Part::Client { port } => {
            let start = Instant::now();
            let connector = connector(port)?;
            let mut peer: Messenger<Samples> = connector.next_peer(PATIENCE)?;
            let time = start.elapsed();
            peer.send(&Sample::numbered(0))?;
            let message = peer.recv(Some(PATIENCE))?;
            assert!(Samples::is(&Ok(message), 1), "the message is another one");
            answer(&Answer::Done { received: 1, values: vec![time.as_secs_f64() * 1e3] })
        }
    }
}

fn connector(udp_port: u16) -> Result<BroadcastConnector, Failure> {
    Ok(BroadcastConnector::builder().udp_port(udp_port).service("bench").start()?)
}

/// A program that looks for peers, and waits in a thread for the messages of another.
pub(crate) fn at_rest() -> Result<(), Failure> {
    const SPAN: Duration = Duration::from_secs(1);
    let connector = connector(unused_udp_port())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut quiet = TcpStream::connect(listener.local_addr()?)?;
    let mut peer: Messenger<Samples> = Connection::try_from(listener.accept()?.0)?.into();
    let waiting = thread::spawn(move || peer.recv(None).is_ok());
    // Beacons at the start come at once.
    thread::sleep(Duration::from_millis(200));
    let before = processor_time()?;
    thread::sleep(SPAN);
    let used = processor_time()? - before;
    assert!(!waiting.is_finished(), "it waits for messages");
    std::io::Write::write_all(&mut quiet, &super::raw::frame(crate::job::Transport::Byte))?;
    assert!(waiting.join().is_ok_and(|received| received), "the message that comes then is got");
    drop(connector);
    let values = vec![used.as_secs_f64() * 1e6 / SPAN.as_secs_f64()];
    answer(&Answer::Done { received: 1, values })
}

/// Of all threads of this process but the first, which does nothing but measure; as exact as the
/// system has it.
fn processor_time() -> Result<Duration, Failure> {
    let first = process::id().to_string();
    let mut nanos = 0_u64;
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?;
        if task.file_name() == *first {
            continue;
        }
        let text = fs::read_to_string(task.path().join("schedstat"))?;
        nanos += text.split_whitespace().next().ok_or("no time in schedstat")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// Both ends of many links, each of which has passed a message: what one end takes.
pub(crate) fn memory() -> Result<(), Failure> {
    const LINKS: usize = 200;
    let listener = TcpListener::bind(ANY_PORT)?;
    let mut sockets = Vec::new();
    for _ in 0..LINKS {
        let here = TcpStream::connect(listener.local_addr()?)?;
        sockets.push((here, listener.accept()?.0));
    }
    let before = resident()?;
    let mut links = Vec::new();
    for (here, there) in sockets {
        let mut here: Messenger<Samples> = Connection::try_from(here)?.into();
        let mut there: Messenger<Samples> = Connection::try_from(there)?.into();
        here.send_wait(&Sample::numbered(0), Some(PATIENCE))?;
        assert!(Samples::is(&Ok(there.recv(Some(PATIENCE))?), 0), "the message is another one");
        there.send_wait(&Sample::numbered(1), Some(PATIENCE))?;
        assert!(Samples::is(&Ok(here.recv(Some(PATIENCE))?), 1), "the message is another one");
        links.push((here, there));
    }
    let used = resident()?.saturating_sub(before);
    let received = 2 * links.len() as u64;
    answer(&Answer::Done { received, values: vec![used as f64 / received as f64] })
}

/// Memory of this process, in KiB.
fn resident() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
    Ok(number.parse()?)
}
