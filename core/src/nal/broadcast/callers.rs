//! Connections that come in, until they are known for what they are.

use core::net::SocketAddr;

use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack, nb};

use super::error::{ConnectorError, ErrorOf, Event, EventOf};
use super::sockets::Sockets;
use super::{BATCH, BroadcastConnector, ipv4};
use crate::discovery::{Opening, Verdict};
use crate::nal::greeting::{Caller, read_hello, say, take};
use crate::nal::{Connection, LocalAddress};
use crate::time::Instant;

impl<T, const PEERS: usize> BroadcastConnector<T, PEERS>
where
    T: TcpFullStack + UdpFullStack + LocalAddress,
{
    /// Takes callers in, as long as there is room for them; the others wait in the stack.
    pub(super) fn accept(
        &mut self,
        stack: &mut T,
        sockets: &mut Sockets<T>,
        now: Instant,
    ) -> Result<(), ErrorOf<T>> {
        for _ in 0..BATCH {
            if self.callers.is_full() {
                return Ok(());
            }
            let (socket, remote) = match stack.accept(&mut sockets.listener) {
                Ok(accepted) => accepted,
                Err(nb::Error::WouldBlock) => return Ok(()),
                Err(nb::Error::Other(error)) => return Err(ConnectorError::Accept(error)),
            };
            let Some(address) = ipv4(remote) else {
                // Discovery is IPv4 alone; there is nobody to tell about a stray connection.
                let _ = TcpClientStack::close(stack, socket);
                continue;
            };
            let until = self.discovery.hello_until(now, address);
            let remote = SocketAddr::new(address.into(), remote.port());
            let greeting = Default::default();
            drop(self.callers.push(Caller { socket, remote, address, greeting, until }));
        }
        self.more = true;
        Ok(())
    }

    /// Hears what callers have to say, and decides about those who have said it.
    pub(super) fn meet_callers(&mut self, stack: &mut T, now: Instant) -> Option<EventOf<T>> {
        let mut index = 0;
        while let Some(caller) = self.callers.get_mut(index) {
            let late = caller.until <= now;
            let opening = match late {
                false => read_hello(stack, &mut caller.socket, &mut caller.greeting),
                true => Ok(Opening::Part),
            };
            let mut first = None;
            let verdict = match opening {
                Ok(Opening::Part) if !late => {
                    index += 1;
                    continue;
                }
                Ok(Opening::Hello(hello)) => {
                    let verdict = self.discovery.came(now, caller.address, &hello);
                    let welcome = self.discovery.welcome(&hello);
                    if matches!(verdict, Verdict::Link { .. }) {
                        // A connection that takes no welcome is at its end, which its link will tell.
                        say(stack, &mut caller.socket, &welcome);
                    }
                    verdict
                }
                Ok(Opening::Message(byte)) => {
                    first = Some(byte);
                    self.discovery.came_without_hello(now, caller.address)
                }
                // One that has begun a hello and does not go on is no legacy peer.
                Ok(Opening::Part) if !caller.greeting.has_begun() => {
                    self.discovery.came_without_hello(now, caller.address)
                }
                Ok(Opening::Part | Opening::Nonsense) | Err(_) => Verdict::Refuse,
            };
            let Caller { socket, remote, .. } = take(&mut self.callers, index)?;
            match verdict {
                Verdict::Link { link, replaces } => {
                    let who = self.discovery.who(link);
                    let connection = Connection { socket, remote, first };
                    return Some(Event::Joined { connection, who, link, replaces });
                }
                Verdict::Refuse => drop(TcpClientStack::close(stack, socket)),
            }
        }
        None
    }
}
