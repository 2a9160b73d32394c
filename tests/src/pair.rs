//! A messenger of ours and a Python program, connected on 127.0.0.1.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use cable_car_std::{
    AnyJson, Connection, DirectServer, JsonFrame, LinkError, MessageSet, Messenger, RecvError,
};
use serde_json::Value;

use crate::{process::PATIENCE, python::Peer};

/// Our end waits, a Python client dials; `options` are those of [`Peer`].
///
/// # Panics
///
/// If they do not meet; ask for `Need::Peer` first.
#[must_use]
pub fn connection(transport: &str, options: &[&str]) -> (Connection, Peer) {
    let mut server = DirectServer::bind("127.0.0.1:0").expect("an unused port");
    let port = server.local_address().expect("a bound port").port().to_string();
    let mut args = vec!["client", "127.0.0.1", &port, "--transport", transport];
    args.extend(options);
    let mut peer = Peer::spawn(&args);
    let connection = server.accept(Some(PATIENCE));
    let connection = connection.unwrap_or_else(|e| panic!("{e}: {}", peer.process().transcript()));
    peer.expect("connected");
    (connection, peer)
}

/// [`connection`] with a byte messenger at our end.
#[must_use]
pub fn byte<S: MessageSet>(options: &[&str]) -> (Messenger<S>, Peer) {
    let (connection, peer) = connection("byte", options);
    (connection.into(), peer)
}

/// [`connection`] with a JSON messenger at our end.
#[must_use]
pub fn json<S: MessageSet>(options: &[&str]) -> (Messenger<S>, Peer) {
    let (connection, peer) = connection("json", options);
    (connection.into(), peer)
}

/// A messenger of ours and a bare socket, for bytes that no program would send.
///
/// # Panics
///
/// If they do not meet.
#[must_use]
pub fn raw<S: MessageSet>() -> (Messenger<S>, TcpStream) {
    let mut server = DirectServer::bind("127.0.0.1:0").expect("an unused port");
    let address = server.local_address().expect("a bound port");
    let socket = TcpStream::connect(address).expect("a port that is listened on");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
    (server.accept(Some(PATIENCE)).expect("the connection just made").into(), socket)
}

/// The next message.
///
/// # Panics
///
/// If there is none, or a bad one.
pub fn next<S: MessageSet>(messenger: &mut Messenger<S>) -> S::Message<'_> {
    match messenger.recv(Some(PATIENCE)) {
        Ok(message) => message,
        Err(error) => panic!("no message: {error}"),
    }
}

/// The next JSON message as it is: its name and its attributes.
///
/// # Panics
///
/// If there is none, or a bad one.
pub fn next_json(messenger: &mut Messenger<AnyJson>) -> (String, Value) {
    let frame: JsonFrame<'_> = next(messenger);
    let name = frame.name().to_owned();
    match frame.attributes("any") {
        Ok(attributes) => (name, attributes),
        Err(error) => panic!("{name}: {error}"),
    }
}

/// What is reported for the next message, which must be a bad one.
///
/// # Panics
///
/// If it is a good one, or none comes.
pub fn next_bad<S: MessageSet>(messenger: &mut Messenger<S>) -> cable_car_std::BadMessage {
    match messenger.recv(Some(PATIENCE)) {
        Err(RecvError::Bad(bad)) => bad,
        Err(error) => panic!("no message: {error}"),
        Ok(_) => panic!("a good message"),
    }
}

/// How the link ended: there must be no message before that.
///
/// # Panics
///
/// If there is one, or the link does not end.
pub fn end<S: MessageSet>(messenger: &mut Messenger<S>) -> LinkError {
    match messenger.recv(Some(PATIENCE)) {
        Err(RecvError::Ended(end)) => end,
        Err(error) => panic!("the link has not ended: {error}"),
        Ok(_) => panic!("there was a message left"),
    }
}

/// Transfers, and calls `step` after each transfer until it says that all is done; sleeps in
/// between.
///
/// # Panics
///
/// If that is not so within `patience`, or the link ends.
pub fn pump<S: MessageSet>(
    messenger: &mut Messenger<S>,
    patience: Duration,
    mut step: impl FnMut(&mut Messenger<S>) -> bool,
) {
    let deadline = Instant::now() + patience;
    loop {
        messenger.xfer().unwrap_or_else(|end| panic!("the link has ended: {end}"));
        if step(messenger) {
            return;
        }
        assert!(Instant::now() < deadline, "not done within {patience:?}");
        // Also while nothing comes there may be room for more to be sent.
        messenger.wait(Some(Duration::from_millis(1))).expect("nobody else waits for it");
    }
}

/// What a bare socket gets until its other end closes.
///
/// # Panics
///
/// If that does not happen.
#[must_use]
pub fn rest_of(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).expect("the other end closes");
    bytes
}

/// Writes to a bare socket.
///
/// # Panics
///
/// If the other end is gone.
pub fn write(socket: &mut TcpStream, bytes: &[u8]) {
    socket.write_all(bytes).expect("the other end reads");
}
