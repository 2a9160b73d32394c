//! Machines, what runs on them and when.

use std::cell::RefCell;
use std::fmt;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use cable_car::Instant;

use super::faults::Faults;
use super::stack::Stack;
use super::world::{What, World};

/// What a program does when something has come, or the time that it gave has come: all that there is
/// to do. It gives the time at which it wants to run though nothing came.
type Run = Box<dyn FnMut(&mut Stack, Instant) -> Option<Instant>>;

/// Machines in subnets, and the programs that run on them, in a time of its own.
///
/// See the [module](super) for an example. Times are counted from the start of the network; the
/// clocks of the machines show others, and run apart.
pub struct Network {
    pub(super) world: Rc<RefCell<World>>,
    programs: Vec<(Stack, Run)>,
}

/// One machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MachineId(pub(super) usize);

/// One run of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProgramId(pub(super) usize);

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.world.borrow().fmt(f)
    }
}

impl Network {
    /// A network without machines. All chance comes from `seed`.
    pub fn new(seed: u64, faults: Faults) -> Self {
        let world = Rc::new(RefCell::new(World::new(seed, faults)));
        Self { world, programs: Vec::new() }
    }

    /// A machine with an interface in each of these subnets: number 3 is 10.0.3.0/24. What is sent to
    /// 255.255.255.255 leaves by the first one.
    ///
    /// # Panics
    ///
    /// With the 255th machine.
    pub fn machine(&mut self, subnets: &[u8]) -> MachineId {
        let mut world = self.world.borrow_mut();
        let host = u8::try_from(world.machines.len() + 1).ok().filter(|&host| host < 255);
        let host = host.expect("fewer than 255 machines");
        let addresses = subnets.iter().map(|&subnet| Ipv4Addr::new(10, 0, subnet, host));
        MachineId(world.add_machine(addresses.collect()))
    }

    /// Starts a program at a time. `run` is called then, and whenever a datagram, a connection or
    /// bytes have come for it, and at the time by its own clock that the last call gave. It should do
    /// all that there is to do, and must not wait.
    pub fn start(
        &mut self,
        machine: MachineId,
        at: Duration,
        run: impl FnMut(&mut Stack, Instant) -> Option<Instant> + 'static,
    ) -> ProgramId {
        let mut world = self.world.borrow_mut();
        let program = world.add_program(machine.0);
        world.schedule(micros(at), What::Start(program));
        self.programs.push((Stack { world: Rc::clone(&self.world), program }, Box::new(run)));
        ProgramId(program)
    }

    /// Ends a program at a time, as if it was killed: its connections are closed.
    pub fn stop(&mut self, program: ProgramId, at: Duration) {
        self.world.borrow_mut().schedule(micros(at), What::Stop(program.0));
    }

    /// Asks a program to end at a time, as the user would who closes its window: it runs once more, sees
    /// that it is [asked](Stack::asked_to_end), may say goodbye, and is ended then.
    pub fn ask_to_end(&mut self, program: ProgramId, at: Duration) {
        self.world.borrow_mut().schedule(micros(at), What::Ask(program.0));
    }

    /// Takes a machine's power away at a time: what ran there is gone without a word, which those at
    /// the other ends of connections learn after 3 s. A later start switches it on.
    pub fn power_off(&mut self, machine: MachineId, at: Duration) {
        self.world.borrow_mut().schedule(micros(at), What::PowerOff(machine.0));
    }

    /// Gives an interface another address in another subnet or its own, as a new lease would, at a time;
    /// host numbers from 100 are never given to others.
    pub fn readdress(&mut self, machine: MachineId, interface: usize, to: Ipv4Addr, at: Duration) {
        let what = What::Readdress(machine.0, interface, to);
        self.world.borrow_mut().schedule(micros(at), what);
    }

    /// From now on nothing is lost or doubled; what can not be dialled or heard stays so.
    pub fn calm(&mut self) {
        let mut world = self.world.borrow_mut();
        world.faults = Faults { loss: 0, twice: 0, ..world.faults };
    }

    /// Runs until this time.
    pub fn run_until(&mut self, end: Duration) {
        loop {
            let Some(what) = self.world.borrow_mut().next(micros(end)) else { return };
            let woken = self.world.borrow_mut().happen(what);
            for program in woken {
                self.run(program);
            }
        }
    }

    fn run(&mut self, program: usize) {
        let now = {
            let world = self.world.borrow();
            let it = &world.programs[program];
            if !it.alive {
                return;
            }
            world.machines[it.machine].local(world.now)
        };
        let (stack, run) = &mut self.programs[program];
        let next = run(stack, now);
        let mut world = self.world.borrow_mut();
        if world.programs[program].asked_to_end {
            world.end(program, false);
        } else {
            world.wake_at(program, next);
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
