//! What the firmware was started with: `KEY=VALUE` words on one command line.
//!
//! A board without a command line fills in [`Options`] from wherever it keeps its settings.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};

/// Longest name in bytes: it travels in a message together with other fields.
pub const NAME_MAX: usize = 32;

/// The settings of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options<'a> {
    /// Where the node's address comes from.
    pub address: Address,
    /// How the node calls itself.
    pub name: &'a str,
    /// Seed of ephemeral ports and TCP sequence numbers; the caller finds one if there is none.
    pub seed: Option<u64>,
    /// Seconds after which the firmware ends; never if there is none.
    pub run_for: Option<u32>,
    /// An address to dial, whatever is found by broadcast.
    pub connect: Option<SocketAddrV4>,
    /// What is spoken with that address.
    pub transport: Wire,
    /// Whether machines, or plots, are sought by broadcast.
    pub broadcast: bool,
    /// Whether it is a sensor, whose readings plots show, rather than a node.
    pub sensor: bool,
}

/// How messages are laid out on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// The byte transport.
    Byte,
    /// The JSON transport.
    Json,
}

/// Where the node's address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// Asked for by DHCP.
    Dhcp,
    /// Given.
    Static {
        /// The node's own address.
        ip: Ipv4Addr,
        /// Length of the network part in bits.
        prefix: u8,
        /// Router to everything beyond the subnet.
        gateway: Option<Ipv4Addr>,
    },
}

/// A command line that can not be followed, with the word at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadOption<'a> {
    /// No option has this name.
    Unknown(&'a str),
    /// The option stands there twice.
    Twice(&'a str),
    /// The value is not one that the option takes.
    Value {
        /// The option's name.
        key: &'a str,
        /// What was given.
        value: &'a str,
        /// What would have been right.
        expected: &'static str,
    },
    /// Neither an address nor DHCP.
    NoAddress,
    /// Both an address and DHCP, or a gateway with DHCP.
    AddressAndDhcp,
    /// The router is not another host of the node's subnet.
    Gateway,
    /// A transport for an address to dial, and no address.
    TransportAlone,
    /// A sensor that is to speak JSON.
    SensorByJson,
}

impl<'a> Options<'a> {
    /// Reads `KEY=VALUE` words, split by spaces.
    ///
    /// # Errors
    ///
    /// The first word that can not be followed.
    pub fn parse(line: &'a str) -> Result<Self, BadOption<'a>> {
        let mut ip = None;
        let mut gateway = None;
        let mut dhcp = None;
        let mut name = None;
        let mut seed = None;
        let mut run_for = None;
        let mut connect = None;
        let mut transport = None;
        let mut broadcast = None;
        let mut sensor = None;

        for word in line.split_ascii_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let option = Given { key, value };
            match key {
                "ip" => option.put(&mut ip, subnet_address, "an address like 10.77.0.2/24")?,
                "gateway" => option.put(&mut gateway, unicast, "an address like 10.77.0.1")?,
                "dhcp" => option.put(&mut dhcp, switch, "dhcp=1 or dhcp=0")?,
                "name" => option.put(&mut name, plain_name, "1 to 32 printable ASCII, no @")?,
                "seed" => option.put(&mut seed, number, "a number below 2^64")?,
                "for" => option.put(&mut run_for, number, "a number of seconds")?,
                "connect" => option.put(&mut connect, remote, "like 10.77.0.1:8227")?,
                "transport" => option.put(&mut transport, wire, "byte or json")?,
                "broadcast" => option.put(&mut broadcast, switch, "broadcast=1 or broadcast=0")?,
                "sensor" => option.put(&mut sensor, switch, "sensor=1 or sensor=0")?,
                _ => return Err(BadOption::Unknown(key)),
            }
        }
        if transport.is_some() && connect.is_none() {
            return Err(BadOption::TransportAlone);
        }
        if transport == Some(Wire::Json) && sensor == Some(true) {
            return Err(BadOption::SensorByJson);
        }

        Ok(Self {
            address: address(ip, gateway, dhcp.unwrap_or(false))?,
            name: name.unwrap_or("firmware"),
            seed,
            run_for,
            connect,
            transport: transport.unwrap_or(Wire::Json),
            broadcast: broadcast.unwrap_or(true),
            sensor: sensor.unwrap_or(false),
        })
    }
}

fn address<'a>(
    ip: Option<(Ipv4Addr, u8)>,
    gateway: Option<Ipv4Addr>,
    dhcp: bool,
) -> Result<Address, BadOption<'a>> {
    match (ip, gateway, dhcp) {
        (None, None, true) => Ok(Address::Dhcp),
        (_, _, true) => Err(BadOption::AddressAndDhcp),
        (None, _, false) => Err(BadOption::NoAddress),
        (Some((ip, prefix)), Some(gateway), false) if !shares_subnet(ip, prefix, gateway) => {
            Err(BadOption::Gateway)
        }
        (Some((ip, prefix)), gateway, false) => Ok(Address::Static { ip, prefix, gateway }),
    }
}

/// One word of the command line.
struct Given<'a> {
    key: &'a str,
    value: &'a str,
}

impl<'a> Given<'a> {
    /// Reads the value into its place, which must still be empty.
    fn put<T>(
        self,
        place: &mut Option<T>,
        read: impl FnOnce(&'a str) -> Option<T>,
        expected: &'static str,
    ) -> Result<(), BadOption<'a>> {
        let Self { key, value } = self;
        if place.is_some() {
            return Err(BadOption::Twice(key));
        }
        *place = Some(read(value).ok_or(BadOption::Value { key, value, expected })?);
        Ok(())
    }
}

fn subnet_address(value: &str) -> Option<(Ipv4Addr, u8)> {
    let (ip, prefix) = value.split_once('/')?;
    let ip = unicast(ip)?;
    let prefix = number::<u8>(prefix).filter(|bits| (1..=30).contains(bits))?;
    let host_mask = u32::MAX >> prefix;
    let host = ip.to_bits() & host_mask;
    // All zeros and all ones name the subnet itself and its broadcast.
    (host != 0 && host != host_mask).then_some((ip, prefix))
}

fn shares_subnet(ip: Ipv4Addr, prefix: u8, other: Ipv4Addr) -> bool {
    // Between 1 and 30.
    let host_mask = u32::MAX >> prefix;
    let host = other.to_bits() & host_mask;
    let same_network = ip.to_bits() & !host_mask == other.to_bits() & !host_mask;
    same_network && ip != other && host != 0 && host != host_mask
}

fn remote(value: &str) -> Option<SocketAddrV4> {
    let (ip, port) = value.split_once(':')?;
    let port = number::<u16>(port).filter(|&port| port != 0)?;
    Some(SocketAddrV4::new(unicast(ip)?, port))
}

fn wire(value: &str) -> Option<Wire> {
    match value {
        "byte" => Some(Wire::Byte),
        "json" => Some(Wire::Json),
        _ => None,
    }
}

fn unicast(value: &str) -> Option<Ipv4Addr> {
    let ip: Ipv4Addr = value.parse().ok()?;
    let taken = ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() || ip.is_loopback();
    (!taken).then_some(ip)
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn plain_name(value: &str) -> Option<&str> {
    let fits = (1..=NAME_MAX).contains(&value.len());
    // `@` parts the user from the host in an Identify message.
    let plain = value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    (fits && plain).then_some(value)
}

fn number<T: core::str::FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

impl fmt::Display for BadOption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(key) => write!(f, "unknown option `{key}`"),
            Self::Twice(key) => write!(f, "option `{key}` is given twice"),
            Self::Value { key, value, expected } => {
                write!(f, "option `{key}`: `{value}` is not {expected}")
            }
            Self::NoAddress => f.write_str("option `ip` is missing (or dhcp=1)"),
            Self::AddressAndDhcp => f.write_str("option `dhcp` excludes `ip` and `gateway`"),
            Self::Gateway => f.write_str("option `gateway` is not another host of the subnet"),
            Self::TransportAlone => f.write_str("option `transport` needs `connect`"),
            Self::SensorByJson => f.write_str("option `sensor`: readings are byte messages"),
        }
    }
}

impl core::error::Error for BadOption<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_option() {
        let line = "ip=10.77.0.2/24 gateway=10.77.0.1 name=tank seed=18446744073709551615 for=5 \
                    connect=10.77.0.1:8227 transport=byte broadcast=0 sensor=1";
        let expected = Options {
            address: Address::Static {
                ip: Ipv4Addr::new(10, 77, 0, 2),
                prefix: 24,
                gateway: Some(Ipv4Addr::new(10, 77, 0, 1)),
            },
            name: "tank",
            seed: Some(u64::MAX),
            run_for: Some(5),
            connect: Some(SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), 8227)),
            transport: Wire::Byte,
            broadcast: false,
            sensor: true,
        };
        assert_eq!(Options::parse(line), Ok(expected));
    }

    #[test]
    fn most_options_have_a_default() {
        let options = Options::parse(" dhcp=1 ").expect("dhcp alone is enough");
        let expected = Options {
            address: Address::Dhcp,
            name: "firmware",
            seed: None,
            run_for: None,
            connect: None,
            transport: Wire::Json,
            broadcast: true,
            sensor: false,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn names_the_option_at_fault() {
        for (line, words) in [
            ("", "`ip` is missing"),
            ("ip=10.77.0.2/24 colour=red", "unknown option `colour`"),
            ("ip=10.77.0.2/24 verbose", "unknown option `verbose`"),
            ("ip=10.77.0.2", "option `ip`: `10.77.0.2` is not"),
            ("ip=10.77.0.2/33", "option `ip`"),
            ("ip=10.77.0.0/24", "option `ip`"),
            ("ip=10.77.0.255/24", "option `ip`"),
            ("ip=224.0.0.1/24", "option `ip`"),
            ("ip=10.77.0.2/24 ip=10.77.0.3/24", "`ip` is given twice"),
            ("ip=10.77.0.2/24 gateway=", "option `gateway`"),
            ("ip=10.77.0.2/24 gateway=10.77.1.1", "`gateway` is not another host"),
            ("ip=10.77.0.2/24 gateway=10.77.0.2", "`gateway` is not another host"),
            ("dhcp=1 connect=10.77.0.1", "option `connect`"),
            ("dhcp=1 connect=10.77.0.1:0", "option `connect`"),
            ("dhcp=1 transport=byte", "`transport` needs `connect`"),
            ("dhcp=1 connect=10.77.0.1:1 transport=xml", "`xml` is not byte or json"),
            ("dhcp=1 broadcast=no", "option `broadcast`"),
            ("dhcp=1 sensor=oven", "option `sensor`"),
            (
                "dhcp=1 sensor=1 connect=10.77.0.1:1 transport=json",
                "`sensor`: readings are byte messages",
            ),
            ("ip=10.77.0.2/24 dhcp=1", "`dhcp` excludes `ip`"),
            ("dhcp=1 gateway=10.77.0.1", "`dhcp` excludes"),
            ("dhcp=yes", "option `dhcp`"),
            ("dhcp=1 for=-1", "option `for`: `-1` is not a number of seconds"),
            ("dhcp=1 seed=18446744073709551616", "option `seed`"),
            ("dhcp=1 name=", "option `name`"),
            ("dhcp=1 name=a@b", "option `name`"),
            ("dhcp=1 name=a-name-that-is-longer-than-32-bytes", "option `name`"),
        ] {
            let bad = Options::parse(line).expect_err(line);
            let said = bad.to_string();
            assert!(said.contains(words), "{line}: {said}");
        }
    }
}
