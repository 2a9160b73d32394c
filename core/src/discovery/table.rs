//! The peers that are known: a table of a fixed size.

use core::net::SocketAddrV4;

use heapless::Vec;

use super::peer::{DialId, Peer, Stage, Who};
use crate::time::Instant;

#[derive(Debug)]
pub(super) struct Table<const PEERS: usize> {
    peers: Vec<Peer, PEERS>,
}

impl<const PEERS: usize> Table<PEERS> {
    pub(super) const fn new() -> Self {
        Self { peers: Vec::new() }
    }

    pub(super) fn iter(&self) -> core::slice::Iter<'_, Peer> {
        self.peers.iter()
    }

    pub(super) fn iter_mut(&mut self) -> core::slice::IterMut<'_, Peer> {
        self.peers.iter_mut()
    }

    pub(super) fn find(&mut self, who: Who) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.who == who)
    }

    pub(super) fn dialled(&mut self, dial: DialId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.dial() == Some(dial))
    }

    pub(super) fn dials_under_way(&self) -> usize {
        self.peers.iter().filter(|peer| peer.dial().is_some()).count()
    }

    pub(super) fn remove(&mut self, who: Who) {
        self.peers.retain(|peer| peer.who != who);
    }

    /// A new peer in the table; where it is full, in place of one that nothing is under way with. That
    /// is the one not heard for longest, of a crowd where there is one: so no address has more than one
    /// place at the expense of others, however many instances it invents.
    pub(super) fn insert(
        &mut self,
        now: Instant,
        who: Who,
        at: SocketAddrV4,
        stage: Stage,
    ) -> Option<&mut Peer> {
        let is_near = |peer: &Peer| peer.at.ip() == at.ip() && peer.link().is_none();
        let yields = self.peers.iter().any(is_near);
        let peer = Peer { yields, ..Peer::new(who, at, stage, now) };
        if self.peers.is_full() {
            let expendable = self.peers.iter_mut().filter(|peer| peer.is_expendable());
            let place = expendable.min_by_key(|peer| Peer::turn(!peer.yields, peer.heard_at))?;
            *place = peer;
            return Some(place);
        }
        self.peers.push(peer).ok()?;
        self.peers.last_mut()
    }
}
