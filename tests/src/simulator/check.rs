//! What must hold, whatever went wrong.

use std::fmt;

use super::datagrams::subnet;
use super::legacy::Legacy;
use super::peers::{Kind, Peers};
use super::seeker::Seeker;
use super::world::World;

const SECOND: u64 = 1_000_000;

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What is wrong, a line each; nothing is as it should be.
    pub faults: Vec<String>,
    /// Links that were told, at all ends together.
    pub joined: u64,
    /// Links that were doubted, at all ends together.
    pub doubted: u64,
    /// Links that stand, at all ends together.
    pub links: u64,
    /// Datagrams that programs of ours sent.
    pub datagrams: u64,
}

impl Peers {
    /// Whether every pair of programs that can be linked has exactly one link, the same at both ends
    /// and working; whether each link was told once, whether every program has kept to its rates, and
    /// dialled only addresses that had sent it something.
    pub fn check(&self) -> Outcome {
        let world = self.network.world.borrow();
        let mut outcome = Outcome::default();
        for (one, (id, kind)) in self.programs.iter().enumerate() {
            let record = &world.programs[id.0].record;
            let Kind::Seeker(seeker) = kind else { continue };
            let seeker = seeker.borrow();
            outcome.datagrams += record.datagrams;
            outcome.joined += seeker.joined;
            outcome.doubted += seeker.doubted;
            let faults = record.faults.iter().chain(&seeker.faults);
            outcome.faults.extend(faults.map(|fault| format!("{one}: {fault}")));
            if world.programs[id.0].alive {
                outcome.links += seeker.links.len() as u64;
                self.check_program(&world, one, &seeker, &mut outcome);
            }
        }
        outcome
    }

    fn check_program(&self, world: &World, one: usize, seeker: &Seeker, outcome: &mut Outcome) {
        let mut wrong = |what: fmt::Arguments<'_>| outcome.faults.push(format!("{one}: {what}"));
        let program = &world.programs[self.programs[one].0.0];
        let known = seeker.connector.as_ref().map_or(0, |connector| connector.linked().count());
        if known != seeker.links.len() {
            wrong(format_args!("knows {known} links, and has {}", seeker.links.len()));
        }
        // A beacon a second to each of its networks, and what answers others.
        let seconds = (world.now - program.record.started) / SECOND + 2;
        let networks = world.machines[program.machine].addresses.len() as u64 + 1;
        let most = seconds * (networks + 20) + 32;
        if program.record.datagrams > most {
            wrong(format_args!("has sent {} datagrams", program.record.datagrams));
        }
        for (other, (id, kind)) in self.programs.iter().enumerate() {
            if other == one {
                continue;
            }
            let mine = self.links_with(world, seeker, other);
            match kind {
                _ if !world.programs[id.0].alive => {
                    if !mine.is_empty() {
                        wrong(format_args!("has {mine:?} with {other}, which is off"));
                    }
                }
                Kind::Seeker(theirs) => {
                    let theirs = theirs.borrow();
                    let back = self.links_with(world, &theirs, one);
                    let same = seeker.config().service == theirs.config().service;
                    let count = usize::from(same && self.can_link(world, one, other));
                    if mine.len() != count || mine != back || mine.iter().any(|(_, works)| !works) {
                        wrong(format_args!("has {mine:?} with {other}, which has {back:?}"));
                    }
                }
                Kind::Legacy(legacy) => {
                    let legacy = legacy.borrow();
                    let count = usize::from(self.can_link(world, one, other));
                    if mine.len() != count || !mine.iter().all(|link| is_told(&legacy, link)) {
                        wrong(format_args!("has {mine:?} with {other}, a legacy peer"));
                    }
                }
            }
        }
    }

    /// The connections that links of a program with another one stand on, and whether they work.
    fn links_with(&self, world: &World, seeker: &Seeker, other: usize) -> Vec<(usize, bool)> {
        let id = Some(self.programs[other].0.0);
        let links = seeker.links.values();
        let with_other = links.filter(|link| world.wires[link.connection.0].programs.contains(&id));
        with_other.map(|link| (link.connection.0, link.works)).collect()
    }

    fn can_link(&self, world: &World, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|it| world.programs[self.programs[it].0.0].machine);
        let subnets = |machine: usize| {
            world.machines[machine].addresses.iter().map(|&address| subnet(address))
        };
        let walled = [(one, other), (other, one)].iter().all(|way| world.closed_ways.contains(way));
        !walled && subnets(one).any(|subnet| subnets(other).any(|theirs| theirs == subnet))
    }
}

fn is_told(legacy: &Legacy, &(connection, works): &(usize, bool)) -> bool {
    let told = legacy.connections.iter().any(|id| id.0 == connection);
    told && (works || !legacy.speaks)
}
