//! Streams of frames, handed to a [`Link`] in pieces of any size, and what comes out of it.

use std::fmt::Debug;

use cable_car::{Link, LinkError, MessageSet, Moved, Storage};

/// Memory that doubles up to a limit.
#[derive(Debug)]
pub struct Growable {
    bytes: Vec<u8>,
    limit: usize,
}

impl Growable {
    /// Nothing to begin with.
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }
}

impl Storage for Growable {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn grow(&mut self) -> bool {
        let wanted = (self.bytes.len() * 2).max(1).min(self.limit);
        let grows = wanted > self.bytes.len();
        self.bytes.resize(wanted, 0);
        grows
    }
}

/// Memory of a size that is known at run time only.
#[derive(Debug)]
pub struct Fixed(Vec<u8>);

impl Fixed {
    /// So many bytes.
    pub fn new(size: usize) -> Self {
        Self(vec![0; size])
    }
}

impl Storage for Fixed {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// When messages are got out of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// After every piece.
    Eager,
    /// Only once the link takes no more.
    Late,
}

/// The end of a link that receives, and a log of all that came out of it.
#[derive(Debug)]
pub struct Receiver<S: MessageSet, RX> {
    /// The link.
    pub link: Link<S, RX, [u8; 0]>,
    /// Each message, good or bad, as `Debug` shows it.
    pub log: Vec<String>,
}

impl<S: MessageSet, RX: Storage> Receiver<S, RX>
where
    for<'a> S::Message<'a>: Debug,
{
    /// Nothing received yet.
    pub fn new(memory: RX) -> Self {
        Self { link: Link::new(memory, []), log: Vec::new() }
    }

    /// Hands over bytes, in as many calls as it takes.
    ///
    /// # Panics
    ///
    /// Where the link takes no more though all messages were got and it has not ended.
    pub fn deliver(&mut self, piece: &[u8], reading: Reading) {
        let mut rest = piece;
        while !rest.is_empty() {
            let before = rest.len();
            self.link.receive(|space| {
                assert!(!space.is_empty(), "asked for bytes with no room for them");
                let (now, later) = rest.split_at(space.len().min(rest.len()));
                space[..now.len()].copy_from_slice(now);
                rest = later;
                match (now.len(), later.len()) {
                    (0, _) => Moved::Idle,
                    (len, 0) => Moved::All(len),
                    (len, _) => Moved::Some(len),
                }
            });
            let stuck = rest.len() == before;
            let got = (stuck || reading == Reading::Eager) && self.get_all();
            if stuck && !got {
                assert!(self.link.status().is_err(), "takes nothing and has nothing to give");
                return;
            }
        }
        if reading == Reading::Eager {
            self.get_all();
        }
    }

    /// Gets all messages; false where there was none.
    ///
    /// # Panics
    ///
    /// Where the link contradicts itself about whether there are any.
    pub fn get_all(&mut self) -> bool {
        let before = self.log.len();
        loop {
            let announced = self.link.has_message();
            if announced {
                assert_eq!(self.link.status(), Ok(()), "has ended with a message left");
            }
            let Some(message) = self.link.get() else {
                assert!(!announced, "no message, though one was announced");
                return self.log.len() > before;
            };
            self.log.push(format!("{message:?}"));
            assert!(announced, "a message that was not announced");
        }
    }

    /// The peer closes: gets what is left, and tells why the link ended.
    pub fn close(&mut self) -> Result<(), LinkError> {
        self.end(Moved::Closed)
    }

    /// The stream ends in this way: gets what is left, and tells why the link ended.
    pub fn end(&mut self, how: Moved) -> Result<(), LinkError> {
        // Where the buffer is full, the end is not noticed until there is room.
        loop {
            self.link.receive(|_| how);
            if !self.get_all() {
                return self.link.status();
            }
        }
    }
}

/// All that comes out of a stream that is cut at these places and then closed by the peer.
pub fn outcome<S: MessageSet, RX: Storage>(
    stream: &[u8],
    cuts: &[usize],
    memory: RX,
    reading: Reading,
) -> (Vec<String>, Result<(), LinkError>)
where
    for<'a> S::Message<'a>: Debug,
{
    let mut receiver = Receiver::<S, RX>::new(memory);
    let mut from = 0;
    for &cut in cuts.iter().chain([&stream.len()]) {
        receiver.deliver(&stream[from..cut], reading);
        from = cut;
    }
    let end = receiver.close();
    (receiver.log, end)
}
