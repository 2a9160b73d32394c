//! A small LAN inside this machine: a bridge and hosts, each in a network namespace of its own.
//!
//! Needs root and iproute2. No traffic leaves the namespaces, which go when the [`Lan`] is dropped.
//!
//! ```no_run
//! use cable_car_tests::netns::Lan;
//!
//! let lan = Lan::new(2);
//! let output = lan.host(0).command("ip").arg("address").output();
//! ```

use std::{
    ffi::OsStr,
    fs,
    net::Ipv4Addr,
    path::Path,
    process::{self, Command},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::process::run;

#[cfg(target_os = "linux")]
mod cable;
mod faults;

#[cfg(target_os = "linux")]
pub use cable::BadCable;

/// Every namespace is named with this, the process id and a counter.
const PREFIX: &str = "ccar";
/// Where `ip netns` keeps the names.
const NAMES: &str = "/run/netns";
pub(crate) const BRIDGE: &str = "br0";

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Whether this machine lets us make network namespaces, and why not; tried once.
///
/// # Errors
///
/// What `ip` says.
pub fn available() -> Result<(), &'static str> {
    static RESULT: OnceLock<Result<(), String>> = OnceLock::new();
    let result = RESULT.get_or_init(|| {
        sweep();
        Namespace::new("probe").map(drop)
    });
    result.as_ref().copied().map_err(String::as_str)
}

/// A bridge with hosts.
#[derive(Debug)]
pub struct Lan {
    // Dropped in this order: the hosts, and what runs in them, before the bridge.
    hosts: Vec<Host>,
    switch: Namespace,
    subnet: u8,
    ports: AtomicU32,
}

impl Lan {
    /// A LAN of `hosts` hosts, 10.77.x.1 and on, each with a default route by its only interface.
    ///
    /// # Panics
    ///
    /// If the namespaces can not be made; ask for `Need::Namespaces` first.
    #[must_use]
    pub fn new(hosts: usize) -> Self {
        let lan = Self::without_default_route(hosts);
        for host in &lan.hosts {
            host.add_default_route();
        }
        lan
    }

    /// A LAN whose hosts know the way to their own subnet only.
    ///
    /// # Panics
    ///
    /// If the namespaces can not be made; ask for `Need::Namespaces` first.
    #[must_use]
    pub fn without_default_route(hosts: usize) -> Self {
        // Subnets are of no account to each other, but a host may be in two LANs: they differ.
        let subnet = (COUNTER.fetch_add(1, Ordering::Relaxed) % 250 + 1) as u8;
        let switch = done(Namespace::new("lan"));
        switch.ip(&format!("link add {BRIDGE} type bridge mcast_snooping 0"));
        switch.ip(&format!("link set {BRIDGE} up"));
        let mut lan = Self { hosts: Vec::new(), switch, subnet, ports: AtomicU32::new(0) };
        for _ in 0..hosts {
            lan.add_host();
        }
        lan
    }

    /// One more host, without a default route; its index.
    ///
    /// # Panics
    ///
    /// If it can not be made.
    pub fn add_host(&mut self) -> usize {
        let namespace = done(Namespace::new("host"));
        let (ip, port) = self.plug(&namespace, "eth0");
        self.hosts.push(Host { namespace, ip, port, switch: self.switch.name.clone() });
        self.hosts.len() - 1
    }

    /// The hosts, in the order of their addresses.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// One host.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    #[must_use]
    pub fn host(&self, index: usize) -> &Host {
        &self.hosts[index]
    }

    /// One host, to be changed.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn host_mut(&mut self, index: usize) -> &mut Host {
        &mut self.hosts[index]
    }

    /// The directed broadcast address of the subnet, which is a /24.
    #[must_use]
    pub fn broadcast(&self) -> Ipv4Addr {
        self.address(255)
    }

    /// Plugs a host of another LAN into this one as well, by the interface `eth1`, and gives its
    /// address here: a machine with two networks.
    ///
    /// # Panics
    ///
    /// If the host has an `eth1` already.
    pub fn join(&self, host: &Host) -> Ipv4Addr {
        self.plug(&host.namespace, "eth1").0
    }

    /// Adds a TAP device to the bridge, for a virtual machine that runs in the bridge's namespace
    /// (see [`Lan::command`]), and gives an address that no host has.
    ///
    /// # Panics
    ///
    /// If the device can not be made; ask for `Need::Tap` first.
    pub fn tap(&self, name: &str) -> Ipv4Addr {
        self.switch.ip(&format!("tuntap add dev {name} mode tap"));
        self.switch.ip(&format!("link set {name} master {BRIDGE} up"));
        self.address(100 + self.next_port())
    }

    /// A command that runs in the bridge's namespace, where the TAP devices are.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.switch.command(program)
    }

    fn plug(&self, namespace: &Namespace, interface: &str) -> (Ipv4Addr, String) {
        let number = self.next_port();
        let (ip, port) = (self.address(number), format!("port{number}"));
        let peer = format!("peer name {interface} netns {}", namespace.name);
        self.switch.ip(&format!("link add {port} type veth {peer}"));
        self.switch.ip(&format!("link set {port} master {BRIDGE} up"));
        namespace.ip(&format!("address add {ip}/24 brd + dev {interface}"));
        namespace.ip(&format!("link set {interface} up"));
        (ip, port)
    }

    fn next_port(&self) -> u8 {
        let number = self.ports.fetch_add(1, Ordering::Relaxed) + 1;
        u8::try_from(number).ok().filter(|&n| n < 100).expect("fewer than a hundred ports")
    }

    fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.subnet, host)
    }
}

/// One machine of a [`Lan`].
#[derive(Debug)]
pub struct Host {
    namespace: Namespace,
    ip: Ipv4Addr,
    port: String,
    switch: String,
}

impl Host {
    /// Its address in the LAN that made it.
    #[must_use]
    pub fn ip(&self) -> Ipv4Addr {
        self.ip
    }

    /// The name of its network namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace.name
    }

    /// A command that runs on it.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.namespace.command(program)
    }

    /// Runs `work` on a thread of this process that is on the host: what it opens, and the threads
    /// that it starts, stay there. Use it for the sockets of the program under test.
    ///
    /// # Panics
    ///
    /// If the system does not let us, or with `work`.
    #[cfg(target_os = "linux")]
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        use std::os::fd::AsFd;

        let file = fs::File::open(Path::new(NAMES).join(&self.namespace.name));
        let file = done(file.map_err(|error| error.to_string()));
        let entered = || {
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            let moved = rustix::thread::move_into_link_name_space(file.as_fd(), kind);
            done(moved.map_err(|error| error.to_string()));
            work()
        };
        std::thread::scope(|scope| {
            let result = scope.spawn(entered).join();
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Lets everything beyond its subnet go out by `eth0`.
    ///
    /// # Panics
    ///
    /// If `ip` fails.
    pub fn add_default_route(&self) {
        self.namespace.ip("route replace default dev eth0");
    }

    /// Takes its default route away.
    ///
    /// # Panics
    ///
    /// If it has none.
    pub fn remove_default_route(&self) {
        self.namespace.ip("route del default");
    }

    /// Takes `eth0` out of the machine, which is left with loopback alone.
    ///
    /// # Panics
    ///
    /// If `ip` fails.
    pub fn remove_network(&self) {
        self.namespace.ip("link del eth0");
    }

    /// Takes `eth0` down or up again, as an administrator would: routes go, the address stays.
    ///
    /// # Panics
    ///
    /// If `ip` fails.
    pub fn set_link(&self, up: bool) {
        self.namespace.ip(if up { "link set eth0 up" } else { "link set eth0 down" });
    }

    /// Pulls the cable out at the bridge or plugs it in again: the host keeps its address and its
    /// routes, and is told nothing but that the carrier is gone.
    ///
    /// # Panics
    ///
    /// If `ip` fails.
    pub fn set_cable(&self, plugged: bool) {
        let state = if plugged { "up" } else { "down" };
        ip(&self.switch, &format!("link set {} {state}", self.port));
    }

    /// Gives `eth0` another address, as a new DHCP lease would.
    ///
    /// # Panics
    ///
    /// If `ip` fails.
    pub fn set_address(&mut self, address: Ipv4Addr) {
        self.namespace.ip("address flush dev eth0 scope global");
        self.namespace.ip(&format!("address add {address}/24 brd + dev eth0"));
        self.ip = address;
    }
}

/// A namespace of ours; it goes with this value, and what still runs in it before.
#[derive(Debug)]
struct Namespace {
    name: String,
}

impl Namespace {
    fn new(role: &str) -> Result<Self, String> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}-{}-{number}-{role}", process::id());
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name };
        run(Command::new("ip").args(["-n", &namespace.name, "link", "set", "lo", "up"]))?;
        Ok(namespace)
    }

    fn ip(&self, words: &str) {
        ip(&self.name, words);
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

fn ip(namespace: &str, words: &str) {
    done(run(Command::new("ip").args(["-n", namespace]).args(words.split(' '))));
}

fn remove(name: &str) {
    // Best effort, also in the middle of a panic: what is left goes with the next sweep.
    let pids = run(Command::new("ip").args(["netns", "pids", name])).unwrap_or_default();
    for pid in pids.split_whitespace() {
        let _ = run(Command::new("kill").args(["-s", "KILL", pid]));
    }
    let _ = run(Command::new("ip").args(["netns", "del", name]));
}

/// Removes what test processes that were killed have left.
fn sweep() {
    for entry in fs::read_dir(NAMES).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut parts = name.split('-');
        let ours = parts.next() == Some(PREFIX);
        let owner = parts.next().filter(|pid| pid.parse::<u32>().is_ok());
        if let Some(pid) = owner.filter(|_| ours)
            && !Path::new("/proc").join(pid).exists()
        {
            remove(&name);
        }
    }
}

fn done<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|error| panic!("network namespace: {error}"))
}
