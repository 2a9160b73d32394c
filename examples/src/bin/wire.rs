//! Two peers in one program, on one cable in memory: no privileges, no sockets of the system.
//!
//! ```sh
//! cargo run --bin wire
//! ```
//!
//! Each peer has a network stack of its own, as a microcontroller has. They find each other by
//! broadcast, ann tells bob where her ball is, bob plays it back, and ann leaves. The clock is one of
//! the program's own, so that a test or a simulation of many peers takes no time and comes out the
//! same in every run. On a real device `WireEnd` is a driver, and the rest stays as it is.

use std::error::Error;
use std::time::Duration;

use cable_car::discovery::{self, Instance};
use cable_car::nal::{BroadcastConnector, Event, Messenger};
use cable_car::{ByteMessage, Identify, Instant, Quit, message_set};
use cable_car_smoltcp::wire::{Wire, WireEnd};
use cable_car_smoltcp::{Config, Stack, Storage, TcpSocket, storage};

/// Where the ball is.
#[derive(Clone, Copy, Debug, ByteMessage)]
#[message(code = 0x10)]
struct Ball {
    x: i16,
    y: i16,
}

message_set! {
    #[derive(Debug)]
    enum Game: Byte { Identify, Ball, Quit }
}

/// All the memory of one peer's stack.
type Memory<'a> = storage!('a, peers: 2, backlog: 2);

fn main() -> Result<(), Box<dyn Error>> {
    let wire: Wire = Wire::new();
    let (left, right) = wire.ends();
    let (mut memory_of_ann, mut memory_of_bob): (Memory, Memory) = (Storage::new(), Storage::new());
    let mut now = Instant::default();
    let mut ann = Peer::new("ann", 1, left, &mut memory_of_ann, now)?;
    let mut bob = Peer::new("bob", 2, right, &mut memory_of_bob, now)?;
    while !(ann.over && bob.over) {
        ann.step(now)?;
        bob.step(now)?;
        now += Duration::from_millis(1);
        if now > Instant::from_millis(10_000) {
            return Err("no game within ten seconds".into());
        }
    }
    println!("{}: the game is over", time(now));
    Ok(())
}

struct Peer<'a> {
    name: &'static str,
    stack: Stack<'a, WireEnd<'a>>,
    connector: BroadcastConnector<Stack<'a, WireEnd<'a>>, 2>,
    /// The other one, once found.
    other: Option<Messenger<Game, TcpSocket, [u8; 256], [u8; 256]>>,
    over: bool,
}

impl<'a> Peer<'a> {
    /// A peer at 10.0.0.`number`.
    fn new(
        name: &'static str,
        number: u8,
        end: WireEnd<'a>,
        memory: &'a mut Memory<'a>,
        now: Instant,
    ) -> Result<Self, Box<dyn Error>> {
        // A program that meets strangers takes both from a source of random numbers.
        let seed = u64::from(number);
        let instance = Instance::new(seed);
        let config = Config::new([0x02, 0, 0, 0, 0, number], seed);
        let mut stack = Stack::new(end, memory, &config, now)?;
        stack.set_address([10, 0, 0, number].into(), 24, None)?;
        let connector = BroadcastConnector::new(discovery::Config::new(instance), now);
        // Nobody else is on this host: one UDP socket is enough.
        let connector = connector.alone_on_host();
        Ok(Self { name, stack, connector, other: None, over: false })
    }

    /// Does what there is to do now. Nothing in here waits.
    fn step(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        self.stack.poll(now);
        if let Some(Event::Joined { connection, .. }) = self.connector.poll(&mut self.stack, now)? {
            println!("{}: {} has found {}", time(now), self.name, connection.remote);
            let mut other = Messenger::new(connection, [0; 256], [0; 256]);
            other.send(&Identify::new(self.name, "wire")?)?;
            if self.name == "ann" {
                other.send(&Ball { x: 8, y: 3 })?;
            }
            self.other = Some(other);
        }
        let Some(other) = &mut self.other else { return Ok(()) };
        let link = other.xfer(&mut self.stack);
        while let Some(message) = other.get() {
            println!("{}: {} gets {message:?}", time(now), self.name);
            match message {
                Ok(Game::Ball(Ball { x, y })) if self.name == "bob" => {
                    other.send(&Ball { x: -x, y })?;
                }
                Ok(Game::Ball(_)) => other.send(&Quit)?,
                Ok(Game::Quit(_)) => other.close(&mut self.stack),
                Ok(Game::Identify(_)) | Err(_) => {} // one bad message is an item, never the end
            }
        }
        if let Err(end) = link
            && !self.over
        {
            println!("{}: {}'s link has ended: {end}", time(now), self.name);
        }
        self.over = other.is_closed();
        Ok(())
    }
}

fn time(now: Instant) -> String {
    format!("{:3} ms", now.as_micros() / 1000)
}
