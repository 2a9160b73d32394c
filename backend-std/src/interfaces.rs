//! The networks that this machine is on, and which of them a program takes part by.

use std::net::Ipv4Addr;

use if_addrs::{IfAddr, Ifv4Addr, Interface};

/// Broadcast address of everything on this machine, which needs no network.
const LOOPBACK: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

const NO_NETWORK: &str = "no network is up: only programs of this machine can be found";

/// Interfaces by name or by address; none for all that there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) wanted: Vec<String>,
}

/// What the interfaces come to, at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Networks {
    /// Where beacons go.
    pub(crate) broadcasts: Vec<Ipv4Addr>,
    /// Who is heard; everybody where nothing was chosen.
    pub(crate) heard: Option<Vec<Subnet>>,
    /// What keeps beacons from where they should go.
    pub(crate) trouble: Option<String>,
}

/// An address and its netmask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subnet {
    address: Ipv4Addr,
    mask: Ipv4Addr,
}

impl Subnet {
    pub(crate) fn contains(&self, address: Ipv4Addr) -> bool {
        (address.to_bits() ^ self.address.to_bits()) & self.mask.to_bits() == 0
    }
}

impl Choice {
    /// The networks of this moment: interfaces come, go and change their addresses.
    pub(crate) fn look_up(&self) -> Networks {
        // A machine whose interfaces can not be listed still has 255.255.255.255.
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        match &self.wanted[..] {
            [] => every(&interfaces),
            wanted => chosen(wanted, &interfaces),
        }
    }
}

/// 255.255.255.255 leaves by the default route alone, where there is one; the directed broadcast
/// addresses reach every network that this machine is on, and that of loopback the other programs
/// of this machine when no network is up. Where one is, its broadcasts reach them as well.
fn every(interfaces: &[Interface]) -> Networks {
    let up = interfaces.iter().filter(|interface| interface.is_oper_up());
    let networks = up.filter(|interface| !interface.is_loopback());
    let mut broadcasts: Vec<_> = networks.filter_map(broadcast).collect();
    let trouble = broadcasts.is_empty().then(|| NO_NETWORK.into());
    broadcasts.push(Ipv4Addr::BROADCAST);
    if trouble.is_some() {
        broadcasts.push(LOOPBACK);
    }
    Networks { broadcasts, heard: None, trouble }
}

fn chosen(wanted: &[String], interfaces: &[Interface]) -> Networks {
    let mut networks = Networks { heard: Some(Vec::new()), ..Networks::default() };
    for wanted in wanted {
        match take_part(wanted, interfaces, &mut networks) {
            Ok(()) => {}
            Err(trouble) if networks.trouble.is_none() => networks.trouble = Some(trouble),
            Err(_) => {}
        }
    }
    networks
}

/// Takes part by one interface, with all the addresses that it has.
fn take_part(
    wanted: &str,
    interfaces: &[Interface],
    networks: &mut Networks,
) -> Result<(), String> {
    let mut trouble = missing(wanted, interfaces);
    for interface in interfaces {
        let Some(v4) = v4(interface).filter(|v4| is_wanted(wanted, interface, v4)) else {
            continue;
        };
        match broadcast(interface) {
            _ if !interface.is_oper_up() => {
                trouble = format!("the interface {wanted} is down: no peer can be found by it");
            }
            None => {
                trouble = format!("the interface {wanted} can not broadcast: choose another one");
            }
            Some(address) => {
                networks.broadcasts.push(address);
                let subnet = Subnet { address: v4.ip, mask: v4.netmask };
                networks.heard.get_or_insert_default().push(subnet);
                trouble.clear();
            }
        }
    }
    if trouble.is_empty() { Ok(()) } else { Err(trouble) }
}

fn missing(wanted: &str, interfaces: &[Interface]) -> String {
    let by_address = wanted.parse::<Ipv4Addr>().is_ok();
    let mut there: Vec<_> = interfaces
        .iter()
        .filter_map(|interface| Some((interface, v4(interface)?)))
        .map(|(interface, v4)| if by_address { v4.ip.to_string() } else { interface.name.clone() })
        .collect();
    there.dedup();
    let none = match by_address {
        true => format!("no interface has the address {wanted}"),
        false => format!("no interface called {wanted} has an IPv4 address"),
    };
    match there.as_slice() {
        [] => format!("{none}, nor any other"),
        there => format!("{none}; there are {}", there.join(", ")),
    }
}

fn is_wanted(wanted: &str, interface: &Interface, v4: &Ifv4Addr) -> bool {
    interface.name == wanted || wanted.parse() == Ok(v4.ip)
}

fn v4(interface: &Interface) -> Option<&Ifv4Addr> {
    match &interface.addr {
        IfAddr::V4(v4) => Some(v4),
        IfAddr::V6(_) => None,
    }
}

/// The directed broadcast address, also of an interface that was set up without one.
fn broadcast(interface: &Interface) -> Option<Ipv4Addr> {
    let v4 = v4(interface)?;
    if v4.is_loopback() {
        return Some(LOOPBACK);
    }
    if interface.is_p2p() || v4.prefixlen > 30 {
        return v4.broadcast;
    }
    Some(Ipv4Addr::from_bits(v4.ip.to_bits() | !v4.netmask.to_bits()))
}

#[cfg(test)]
#[cfg(not(windows))]
mod tests {
    use if_addrs::IfOperStatus;

    use super::*;

    fn interface(name: &str, ip: [u8; 4], prefixlen: u8, up: bool) -> Interface {
        let mask = Ipv4Addr::from_bits(u32::MAX << (32 - prefixlen));
        let addr = Ifv4Addr { ip: ip.into(), netmask: mask, prefixlen, broadcast: None };
        let oper_status = if up { IfOperStatus::Up } else { IfOperStatus::Down };
        let (name, addr) = (name.into(), IfAddr::V4(addr));
        Interface { name, addr, index: None, oper_status, is_p2p: prefixlen == 32 }
    }

    fn machine() -> Vec<Interface> {
        vec![
            interface("lo", [127, 0, 0, 1], 8, true),
            interface("eth0", [10, 0, 1, 7], 24, true),
            interface("eth1", [10, 0, 2, 7], 24, false),
            interface("wlan0", [192, 168, 5, 66], 26, true),
            interface("wlan0", [10, 9, 9, 9], 16, true),
            interface("tun0", [172, 16, 0, 1], 32, true),
        ]
    }

    fn addresses(texts: &[&str]) -> Vec<Ipv4Addr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn choose(wanted: &[&str]) -> Networks {
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        chosen(&wanted, &machine())
    }

    #[test]
    fn without_a_choice_every_network_that_is_up_is_used() {
        let networks = every(&machine());
        let all = ["10.0.1.255", "192.168.5.127", "10.9.255.255", "255.255.255.255"];
        assert_eq!(networks.broadcasts, addresses(&all));
        assert_eq!((networks.heard, networks.trouble), (None, None));

        let networks = every(&machine()[..1]);
        assert_eq!(networks.broadcasts, addresses(&["255.255.255.255", "127.255.255.255"]));
        assert_eq!(networks.trouble.as_deref(), Some(NO_NETWORK));
    }

    #[test]
    fn a_choice_is_sent_to_and_heard_alone() {
        for (wanted, broadcasts, inside, outside) in [
            ("eth0", vec!["10.0.1.255"], [10, 0, 1, 9], [10, 0, 2, 9]),
            ("10.0.1.7", vec!["10.0.1.255"], [10, 0, 1, 9], [10, 0, 2, 9]),
            ("wlan0", vec!["192.168.5.127", "10.9.255.255"], [10, 9, 0, 1], [10, 0, 1, 9]),
            ("10.9.9.9", vec!["10.9.255.255"], [10, 9, 0, 1], [192, 168, 5, 65]),
            ("lo", vec!["127.255.255.255"], [127, 0, 0, 1], [10, 0, 1, 7]),
        ] {
            let networks = choose(&[wanted]);
            assert_eq!(networks.broadcasts, addresses(&broadcasts), "{wanted}");
            let heard = networks.heard.unwrap();
            let hears = |from: [u8; 4]| heard.iter().any(|subnet| subnet.contains(from.into()));
            assert!(hears(inside) && !hears(outside), "{wanted}");
            assert_eq!(networks.trouble, None, "{wanted}");
        }
    }

    #[test]
    fn what_can_not_be_used_is_named_and_the_rest_is_used() {
        for (wanted, trouble) in [
            ("eth7", "called eth7 has an IPv4 address; there are lo, eth0, eth1, wlan0, tun0"),
            ("10.0.1.8", "no interface has the address 10.0.1.8; there are 127.0.0.1, 10."),
            ("eth1", "eth1 is down"),
            ("tun0", "tun0 can not broadcast"),
        ] {
            let networks = choose(&[wanted, "eth0"]);
            assert!(networks.trouble.as_ref().unwrap().contains(trouble), "{networks:?}");
            assert_eq!(networks.broadcasts, addresses(&["10.0.1.255"]), "{wanted}");
        }
        let none = take_part("eth7", &[], &mut Networks::default()).unwrap_err();
        assert_eq!(none, "no interface called eth7 has an IPv4 address, nor any other");
        let nothing = choose(&["eth7"]);
        assert!(nothing.broadcasts.is_empty() && nothing.heard.unwrap().is_empty());
    }
}
