//! Dials many addresses at once, to see what becomes of it.

use std::io;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Token};

use crate::ear::{Ear, OTHERS};

/// What became of a dial.
#[derive(Debug)]
pub(super) enum Dialled {
    Open,
    Refused,
    /// Nothing came back in time.
    Silent,
    Failed(io::Error),
}

/// Dials all of them, and closes what it gets at once.
pub(super) fn dial_all(
    ear: &mut Ear,
    addresses: &[SocketAddrV4],
    timeout: Duration,
) -> io::Result<Vec<Dialled>> {
    let mut outcomes: Vec<Dialled> = Vec::new();
    let mut dials: Vec<Option<TcpStream>> = Vec::new();
    for (index, &address) in addresses.iter().enumerate() {
        match TcpStream::connect(address.into()) {
            Ok(mut stream) => {
                let token = Token(OTHERS + index);
                ear.registry().register(&mut stream, token, Interest::WRITABLE)?;
                dials.push(Some(stream));
                outcomes.push(Dialled::Silent);
            }
            Err(error) => {
                dials.push(None);
                outcomes.push(failed(error));
            }
        }
    }
    let deadline = Instant::now() + timeout;
    while dials.iter().any(Option::is_some) && Instant::now() < deadline && !ear.is_stopped() {
        // Beacons that come meanwhile are not missed: the peers are known.
        for index in ear.listen(deadline, |_, _| {})? {
            let Some(dial) = dials.get_mut(index) else { continue };
            let Some(outcome) = dial.as_ref().and_then(outcome) else { continue };
            *dial = None;
            if let Some(place) = outcomes.get_mut(index) {
                *place = outcome;
            }
        }
    }
    Ok(outcomes)
}

/// What has become of a dial, if it is not under way any more.
fn outcome(stream: &TcpStream) -> Option<Dialled> {
    match stream.take_error() {
        Ok(Some(error)) | Err(error) => Some(failed(error)),
        Ok(None) => match stream.peer_addr() {
            Ok(_) => Some(Dialled::Open),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => None,
            Err(error) => Some(failed(error)),
        },
    }
}

fn failed(error: io::Error) -> Dialled {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Dialled::Refused,
        io::ErrorKind::TimedOut => Dialled::Silent,
        _ => Dialled::Failed(error),
    }
}
