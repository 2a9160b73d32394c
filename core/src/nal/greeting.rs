//! Connections on their way to be a link: dialled and not yet welcomed, or come in and not yet known.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use embedded_nal::{TcpClientStack, nb};
use heapless::Vec;

use super::received;
use crate::discovery::{DialId, Hello, HelloReader, LONGEST, Opening};
use crate::messenger::Moved;
use crate::time::Instant;

/// A connection that this side dialled.
pub(super) struct Dial<Socket> {
    pub(super) id: DialId,
    pub(super) socket: Socket,
    pub(super) remote: SocketAddrV4,
    /// What the peer says to the hello; there is none before the connection stands.
    pub(super) greeting: Option<HelloReader>,
}

/// A connection that came in.
pub(super) struct Caller<Socket> {
    pub(super) socket: Socket,
    pub(super) remote: SocketAddr,
    pub(super) address: Ipv4Addr,
    pub(super) greeting: HelloReader,
    /// When it is taken for one that says no hello.
    pub(super) until: Instant,
}

/// Reads as much of a hello as has come.
pub(super) fn read_hello<T: TcpClientStack>(
    stack: &mut T,
    socket: &mut T::TcpSocket,
    reader: &mut HelloReader,
) -> Result<Opening, Moved> {
    loop {
        let mut space = [0; LONGEST];
        let wanted = reader.wanted().min(LONGEST);
        let space = space.get_mut(..wanted).unwrap_or_default();
        let opening = match received(stack.receive(socket, space)) {
            Moved::Some(len) | Moved::All(len) => reader.read(space.get(..len).unwrap_or_default()),
            Moved::Idle => return Ok(Opening::Part),
            end => return Err(end),
        };
        if opening != Opening::Part {
            return Ok(opening);
        }
    }
}

/// Says hello on a connection that is new, so that there is room for it; whether that was done.
pub(super) fn say<T: TcpClientStack>(
    stack: &mut T,
    socket: &mut T::TcpSocket,
    hello: &Hello,
) -> bool {
    let mut space = [0; LONGEST];
    let bytes = hello.write(&mut space);
    let sent: nb::Result<usize, T::Error> = stack.send(socket, bytes);
    matches!(sent, Ok(len) if len == bytes.len())
}

/// Takes one out of a list; the last one takes its place. (`swap_remove` alone panics where there
/// is none.)
pub(super) fn take<V, const N: usize>(list: &mut Vec<V, N>, index: usize) -> Option<V> {
    (index < list.len()).then(|| list.swap_remove(index))
}
