//! The network: finds the others, says what is typed, hears what they say. One thread serves all.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cable_car_examples::text::printable_name;
use cable_car_std::{
    BroadcastConnector, BufferSize, Identify, JsonMessage, Messenger, Quit, StartError, Watch,
    message_set,
};
use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::room::Room;

/// Who sends more than this at once does not chat.
const BUFFER: BufferSize = BufferSize { initial: 4 << 10, limit: 64 << 10 };
/// How long a goodbye may take to leave.
const FAREWELL: Duration = Duration::from_millis(200);

/// Something that somebody says. Its text is borrowed: from the line that was typed, or from the
/// receive buffer.
#[derive(Debug, Serialize, Deserialize, JsonMessage)]
#[message(name = "MsgChat")]
struct Chat<'a> {
    text: &'a str,
}

message_set! {
    /// What this program understands.
    #[derive(Debug)]
    enum Talk<'a>: Json { Identify, Chat(Chat<'a>), Quit }
}

/// Everyone who is connected.
pub(crate) struct Peers {
    watch: Watch,
    connector: BroadcastConnector,
    links: BTreeMap<usize, Link>,
    next_key: usize,
    me: Identify,
}

/// A link, and who is at its other end.
struct Link {
    messenger: Messenger<Talk<'static>>,
    name: Name,
    /// Whether it is the other end of another link here: who is a peer of itself has both, and
    /// says things at the first and hears them at the second.
    is_echo: bool,
}

/// What a peer is called, and until it has told, where it is.
enum Name {
    Address(SocketAddr),
    Told(String),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Told(name) => f.write_str(name),
        }
    }
}

impl Peers {
    /// Looks for others from now on; `watch` is what the program waits with.
    pub(crate) fn start(options: &Options, me: Identify, watch: Watch) -> Result<Self, StartError> {
        let connector = options.network.connector("chat").wake(watch.waker()).start()?;
        Ok(Self { watch, connector, links: BTreeMap::new(), next_key: 0, me })
    }

    /// Those who have told their name.
    pub(crate) fn names(&self) -> Vec<&str> {
        let names = self.links.values().filter_map(|link| match &link.name {
            Name::Told(name) if !link.is_echo => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    }

    /// What keeps us from being found, if anything does.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.connector.trouble()
    }

    /// Sleeps until something comes, until the watch is woken, or until `deadline`; then enters into
    /// the room what has happened.
    pub(crate) fn work(&mut self, room: &mut Room, deadline: Option<Instant>) -> io::Result<()> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let ready: Vec<usize> = self.watch.wait(left)?.collect();
        while let Ok(connection) = self.connector.next_connection(Duration::ZERO) {
            let mut messenger = Messenger::with_buffers(connection, BUFFER);
            self.watch.add(self.next_key, &mut messenger)?;
            // The buffer is empty, and takes the longest name.
            let _ = messenger.send(&self.me);
            let (here, there) = (messenger.local_address(), messenger.remote_address());
            let is_echo = self.links.values().any(|Link { messenger: other, .. }| {
                (other.remote_address(), other.local_address()) == (here, there)
            });
            let link = Link { messenger, name: Name::Address(there), is_echo };
            self.links.insert(self.next_key, link);
            self.serve(self.next_key, room);
            self.next_key += 1;
        }
        for key in ready {
            self.serve(key, room);
        }
        Ok(())
    }

    /// Sends and receives on one link, as long as there is something.
    fn serve(&mut self, key: usize, room: &mut Room) {
        // It may have ended since it was reported as ready.
        let Some(link) = self.links.get_mut(&key) else { return };
        let Link { messenger, name, is_echo } = link;
        let end = messenger.xfer().err();
        let mut left = false;
        while let Some(message) = messenger.get() {
            match message {
                Ok(Talk::Identify(who)) => {
                    *name = Name::Told(printable_name(who.username()));
                    if !*is_echo {
                        room.remark(format_args!("{name} is here, at {}", who.hostname()));
                    }
                }
                Ok(Talk::Chat(Chat { text })) => room.said(name, text),
                Ok(Talk::Quit(_)) => left = true,
                Err(bad) => room.remark(format_args!("{name} sent what is no chat: {bad}")),
            }
        }
        match end {
            _ if left => room.remark(format_args!("{name} has left")),
            Some(end) => room.remark(format_args!("{name} is gone: {end}")),
            None => return,
        }
        self.links.remove(&key);
    }

    /// Says something to everyone.
    pub(crate) fn say(&mut self, text: &str, room: &mut Room) {
        let keys: Vec<usize> = self.links.keys().copied().collect();
        for key in keys {
            if let Some(Link { messenger, name, is_echo: false }) = self.links.get_mut(&key)
                && let Err(error) = messenger.send(&Chat { text })
            {
                room.remark(format_args!("{name} does not get this: {error}"));
            }
            self.serve(key, room);
        }
    }

    /// Takes leave of everyone.
    pub(crate) fn leave(&mut self) {
        for Link { messenger, .. } in self.links.values_mut() {
            // Who can not be told notices by itself.
            let _ = messenger.send(&Quit);
            let _ = messenger.shutdown(FAREWELL);
        }
    }
}
