//! The peer: a stack on the device, a connector and links on the stack, and one loop for them all.

use std::{
    error::Error,
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    io,
    os::fd::AsRawFd,
    time::{Duration, Instant as Clock},
};

use cable_car::{
    Byte, Identify, Instant, Join, Outgoing, Quit, Retry,
    discovery::{self, Instance, LinkId},
    message_set,
    nal::{BroadcastConnector, Event, Messenger},
};
use cable_car_smoltcp::{Config, Stack, Storage, TcpSocket, storage};
use smoltcp::phy::{self, Medium, TunTapInterface};

use crate::Options;

/// How many peers at a time.
const PEERS: usize = 8;

/// The bit of an interface's flags that says that it is up.
const IFF_UP: u32 = 1;

/// How long is left at the end to say goodbye in.
const FAREWELL: Duration = Duration::from_millis(200);

message_set! {
    #[derive(Debug)]
    enum Talk: Byte { Identify, Join, Retry, Quit }
}

type Memory<'a> = storage!('a, peers: PEERS, backlog: 4, tcp_rx: 4096, tcp_tx: 4096);
type TapStack<'a> = Stack<'a, TunTapInterface>;

type TapMessenger = Messenger<Talk, TcpSocket, [u8; 512], [u8; 512]>;

struct Link {
    id: LinkId,
    messenger: TapMessenger,
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let device = open(&options.tap)?;
    let frames = device.as_raw_fd();
    let clock = Clock::now();
    let mut now = Instant::default();
    let mut memory: Memory = Storage::new();
    let [a, b, c, d] = options.ip.0.octets();
    let config = Config::new([0x02, 0, a, b, c, d], random());
    let mut stack = Stack::new(device, &mut memory, &config, now)?;
    stack.set_address(options.ip.0, options.ip.1, options.gateway)?;
    let instance = Instance::new(random());
    let connector = BroadcastConnector::new(discovery::Config::new(instance), now);
    let who = Identify::new(&options.name, &options.tap)?;
    let mut peer = Peer { who, connector: connector.alone_on_host(), links: Vec::new() };
    println!("{} is at {}", options.name, options.ip.0);

    let farewell = options.end.map(|end| now + end);
    let end = farewell.map(|farewell| farewell + FAREWELL);
    while end.is_none_or(|end| now < end) {
        stack.poll(now);
        match farewell {
            Some(farewell) if farewell <= now => peer.leave(&mut stack),
            _ => peer.step(&mut stack, now),
        }
        // Asleep until a frame comes or somebody has something to do.
        let next_step = if farewell <= Some(now) { end } else { farewell };
        let due = [stack.poll_at(now), peer.connector.poll_at(), next_step];
        let pause = due.into_iter().flatten().min().map(|due| whole_millis(due - now));
        match phy::wait(frames, pause) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => now = Instant::from_micros(clock.elapsed().as_micros() as u64),
        }
    }
    Ok(())
}

struct Peer<'a> {
    who: Identify,
    connector: BroadcastConnector<TapStack<'a>, PEERS>,
    links: Vec<Link>,
}

impl<'a> Peer<'a> {
    /// Does what there is to do now. Nothing in here waits.
    fn step(&mut self, stack: &mut TapStack<'a>, now: Instant) {
        loop {
            match self.connector.poll(stack, now) {
                Ok(Some(Event::Joined { connection, link: id, replaces, .. })) => {
                    // Its messenger has ended by itself, or does soon.
                    self.links.retain(|link| Some(link.id) != replaces);
                    println!("{} joined", connection.remote);
                    let mut messenger = Messenger::new(connection, [0; 512], [0; 512]);
                    send(&mut messenger, &self.who);
                    self.links.push(Link { id, messenger });
                }
                Ok(Some(Event::Unreachable { remote, reason })) => println!("{remote}: {reason}"),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    println!("{error}");
                    break;
                }
            }
        }
        let connector = &mut self.connector;
        self.links.retain_mut(|Link { id, messenger }| {
            let status = messenger.xfer(stack);
            let from = messenger.remote_address();
            while let Some(message) = messenger.get() {
                match message {
                    Ok(message) => {
                        println!("{from}: {message:?}");
                        match message {
                            Talk::Join(_) => send(messenger, &Join),
                            Talk::Quit(_) => messenger.close(stack),
                            Talk::Identify(_) | Talk::Retry(_) => {}
                        }
                    }
                    Err(bad) => println!("{from}: {bad}"),
                }
            }
            if let Err(end) = status {
                println!("{from} left: {end}");
            }
            if messenger.is_closed() {
                connector.unlinked(now, *id);
            }
            !messenger.is_closed()
        });
    }

    /// Says goodbye to everybody; the stack still has to send it.
    fn leave(&mut self, stack: &mut TapStack<'a>) {
        for mut link in self.links.drain(..) {
            send(&mut link.messenger, &Quit);
            // To a link that has broken there is nothing to say.
            let _ = link.messenger.xfer(stack);
            link.messenger.close(stack);
        }
        self.connector.stop(stack);
    }
}

/// A peer that does not read gets no more; for these few words there is room otherwise.
fn send<M: Outgoing<Byte>>(messenger: &mut TapMessenger, message: &M) {
    if let Err(error) = messenger.send(message) {
        println!("{}: {error}", messenger.remote_address());
    }
}

fn open(name: &str) -> Result<TunTapInterface, String> {
    let make = format!("make it with: ip tuntap add dev {name} mode tap user $USER");
    let set_up = format!("ip link set {name} up");
    // For root the system makes one that goes with this program.
    let was_there = flags(name).is_some();
    let device = TunTapInterface::new(name, Medium::Ethernet)
        .map_err(|error| format!("{name}: {error}; {make}"))?;
    // smoltcp's device panics where the system takes no frames.
    match flags(name) {
        Some(flags) if flags & IFF_UP == 0 => Err(match was_there {
            true => format!("{name} is down: {set_up}"),
            false => format!("there is no {name}: {make}; {set_up}"),
        }),
        _ => Ok(device),
    }
}

/// The interface's flags, where the system tells them.
fn flags(name: &str) -> Option<u32> {
    let text = fs::read_to_string(format!("/sys/class/net/{name}/flags")).ok()?;
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

/// Another number at each call, and at each start.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Rounded up: woken too early, the loop would turn in vain until the time has come.
fn whole_millis(pause: Duration) -> smoltcp::time::Duration {
    smoltcp::time::Duration::from_millis(pause.as_micros().div_ceil(1000) as u64)
}
