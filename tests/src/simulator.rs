//! A network of many programs in one thread: datagrams that get lost, late or twice, connections that
//! only one side can open, machines with several interfaces and clocks that run apart, programs that
//! are killed and start again. Time is virtual, and chance comes from one seed, so that every run can
//! be had again: a minute of a network of ten takes milliseconds.
//!
//! Programs are what they are in the field: they are given a [`Stack`], which is one of embedded-nal,
//! and the time. So a program that is written over [`cable_car::nal`], as firmware is, runs here
//! unchanged, and its author can see whether it does what it should on a network where everything goes
//! wrong. (This package is not published: add it to `[dev-dependencies]` by `git`.)
//!
//! ```
//! use cable_car::discovery::{Config, Instance};
//! use cable_car::nal::{BroadcastConnector, Event, Messenger};
//! use cable_car::{Instant, Join, message_set};
//! use cable_car_tests::simulator::{Faults, Network, Stack, TcpSocket};
//! use std::{cell::Cell, rc::Rc, time::Duration};
//!
//! message_set! { enum Game: Byte { Join } }
//!
//! /// The program under test: it greets everybody it meets, and counts those who greet.
//! struct Player {
//!     connector: BroadcastConnector<Stack, 8>,
//!     peers: Vec<Messenger<Game, TcpSocket, [u8; 256], [u8; 256]>>,
//!     greeted: Rc<Cell<u32>>,
//! }
//!
//! impl Player {
//!     fn run(&mut self, stack: &mut Stack, now: Instant) -> Option<Instant> {
//!         while let Ok(Some(event)) = self.connector.poll(stack, now) {
//!             if let Event::Joined { connection, .. } = event {
//!                 let mut peer = Messenger::new(connection, [0; 256], [0; 256]);
//!                 peer.send(&Join).expect("room for the first message");
//!                 self.peers.push(peer);
//!             }
//!         }
//!         self.peers.retain_mut(|peer| {
//!             let there = peer.xfer(stack).is_ok();
//!             while let Some(message) = peer.get() {
//!                 self.greeted.set(self.greeted.get() + u32::from(message.is_ok()));
//!             }
//!             there
//!         });
//!         self.connector.poll_at()
//!     }
//! }
//!
//! // A fifth of the datagrams is lost, some come twice, and all take up to 20 ms.
//! let faults = Faults { loss: 20, twice: 5, delay: Duration::from_millis(20), ..Faults::default() };
//! for seed in 0..20 {
//!     let mut network = Network::new(seed, faults);
//!     let greeted = Rc::new(Cell::new(0));
//!     for instance in 1..=5 {
//!         let machine = network.machine(&[0]);
//!         let greeted = Rc::clone(&greeted);
//!         let mut player = None;
//!         network.start(machine, Duration::from_millis(300 * instance), move |stack, now| {
//!             let player = player.get_or_insert_with(|| Player {
//!                 connector: BroadcastConnector::new(Config::new(Instance::new(instance)), now),
//!                 peers: Vec::new(),
//!                 greeted: Rc::clone(&greeted),
//!             });
//!             player.run(stack, now)
//!         });
//!     }
//!     network.run_until(Duration::from_secs(10));
//!     assert_eq!(greeted.get(), 5 * 4, "seed {seed}");
//! }
//! ```
//!
//! [`Peers`] is what this project tests itself with: programs that look for each other and for models
//! of legacy peers, and [what must hold](Peers::check) whatever goes wrong.

mod check;
mod connections;
mod datagrams;
mod faults;
mod legacy;
mod network;
mod peers;
mod record;
mod seeker;
mod stack;
mod world;

pub use check::Outcome;
pub use faults::Faults;
pub use network::{MachineId, Network, ProgramId};
pub use peers::Peers;
pub use stack::{ConnectionId, Failure, Stack, TcpSocket, UdpSocket};
