//! By which of its networks a program takes part.

use std::net::Ipv4Addr;

use cable_car::nal::MAX_DESTINATIONS;

use crate::networks::{LOOPBACK, Network};

const NO_NETWORK: &str = "no network is up: only programs of this machine can be found";

/// Interfaces by name or by address; none for all that there are.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// What they are called.
    pub wanted: Vec<String>,
}

/// What a choice comes to, at one moment: interfaces come, go and change their addresses.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Where beacons go, each address once.
    pub broadcasts: Vec<Ipv4Addr>,
    /// Who is heard; everybody where nothing was chosen.
    pub heard: Option<Vec<Network>>,
    /// What keeps beacons from where they should go.
    pub trouble: Option<String>,
}

impl Choice {
    /// Where to send and whom to hear, on a machine that is on these networks.
    pub fn plan(&self, networks: &[Network]) -> Plan {
        let mut plan = match &self.wanted[..] {
            [] => every(networks),
            wanted => chosen(wanted, networks),
        };
        plan.keep_to_the_limit(networks);
        plan
    }
}

impl Plan {
    /// A connector sends to so many addresses and no more: says which interfaces that leaves out.
    fn keep_to_the_limit(&mut self, networks: &[Network]) {
        let Some((_, left_out)) = self.broadcasts.split_at_checked(MAX_DESTINATIONS) else {
            return;
        };
        let is_left_out = |network: &&Network| {
            network.up && network.broadcast.is_some_and(|address| left_out.contains(&address))
        };
        let left_out = names(networks.iter().filter(is_left_out));
        self.broadcasts.truncate(MAX_DESTINATIONS);
        if !left_out.is_empty() {
            self.trouble.get_or_insert_with(|| {
                format!(
                    "beacons go to {MAX_DESTINATIONS} broadcast addresses at the most, and not out \
                     by {}: choose the interfaces that peers are on",
                    left_out.join(", ")
                )
            });
        }
    }

    fn send_to(&mut self, address: Ipv4Addr) {
        if !self.broadcasts.contains(&address) {
            self.broadcasts.push(address);
        }
    }
}

/// 255.255.255.255 leaves by the default route alone, where there is one; the directed broadcast
/// addresses reach every network that this machine is on, and that of loopback the other programs
/// of this machine when no network is up. Where one is, its broadcasts reach them as well.
fn every(networks: &[Network]) -> Plan {
    let mut plan = Plan { broadcasts: vec![Ipv4Addr::BROADCAST], ..Plan::default() };
    let others = networks.iter().filter(|network| network.up && !network.address.is_loopback());
    for address in others.filter_map(|network| network.broadcast) {
        plan.send_to(address);
    }
    if plan.broadcasts.len() == 1 {
        plan.broadcasts.push(LOOPBACK);
        plan.trouble = Some(NO_NETWORK.into());
    }
    plan
}

fn chosen(wanted: &[String], networks: &[Network]) -> Plan {
    let mut plan = Plan { heard: Some(Vec::new()), ..Plan::default() };
    for wanted in wanted {
        if let Err(trouble) = take_part(wanted, networks, &mut plan) {
            plan.trouble.get_or_insert(trouble);
        }
    }
    plan
}

/// Takes part by one interface, with all the addresses that it has.
fn take_part(wanted: &str, networks: &[Network], plan: &mut Plan) -> Result<(), String> {
    let mut trouble = missing(wanted, networks);
    for network in networks.iter().filter(|network| network.is_called(wanted)) {
        match network.broadcast {
            _ if !network.up => {
                trouble = format!("the interface {wanted} is down: no peer can be found by it");
            }
            None => {
                trouble = format!("the interface {wanted} can not broadcast: choose another one");
            }
            Some(address) => {
                plan.send_to(address);
                plan.heard.get_or_insert_default().push(network.clone());
                trouble.clear();
            }
        }
    }
    if trouble.is_empty() { Ok(()) } else { Err(trouble) }
}

fn missing(wanted: &str, networks: &[Network]) -> String {
    let by_address = wanted.parse::<Ipv4Addr>().is_ok();
    let there = match by_address {
        true => networks.iter().map(|network| network.address.to_string()).collect(),
        false => names(networks.iter()),
    };
    let none = match by_address {
        true => format!("no interface has the address {wanted}"),
        false => format!("no interface called {wanted} has an IPv4 address"),
    };
    match there.as_slice() {
        [] => format!("{none}, nor any other"),
        there => format!("{none}; there are {}", there.join(", ")),
    }
}

/// What their interfaces are called; one may have several addresses, and is named once.
fn names<'a>(networks: impl Iterator<Item = &'a Network>) -> Vec<String> {
    let mut names: Vec<_> = networks.map(|network| network.interface.clone()).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, address: [u8; 4], prefix: u8, up: bool) -> Network {
        let address = Ipv4Addr::from(address);
        let broadcast = match prefix {
            32 => None,
            _ if address.is_loopback() => Some(LOOPBACK),
            _ => Some(Ipv4Addr::from_bits(address.to_bits() | u32::MAX >> prefix)),
        };
        Network { interface: name.into(), address, prefix, broadcast, up }
    }

    fn machine() -> Vec<Network> {
        vec![
            network("lo", [127, 0, 0, 1], 8, true),
            network("eth0", [10, 0, 1, 7], 24, true),
            network("eth1", [10, 0, 2, 7], 24, false),
            network("wlan0", [192, 168, 5, 66], 26, true),
            network("wlan0", [10, 9, 9, 9], 16, true),
            network("tun0", [172, 16, 0, 1], 32, true),
        ]
    }

    fn addresses(texts: &[&str]) -> Vec<Ipv4Addr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn choose(wanted: &[&str], networks: &[Network]) -> Plan {
        Choice { wanted: wanted.iter().map(ToString::to_string).collect() }.plan(networks)
    }

    #[test]
    fn without_a_choice_every_network_that_is_up_is_used() {
        let plan = choose(&[], &machine());
        let all = ["255.255.255.255", "10.0.1.255", "192.168.5.127", "10.9.255.255"];
        assert_eq!(plan.broadcasts, addresses(&all));
        assert_eq!((plan.heard, plan.trouble), (None, None));

        let plan = choose(&[], &machine()[..1]);
        assert_eq!(plan.broadcasts, addresses(&["255.255.255.255", "127.255.255.255"]));
        assert_eq!(plan.trouble.as_deref(), Some(NO_NETWORK));
    }

    /// A machine with cable and radio in one network, or with a second address.
    #[test]
    fn a_network_that_is_reached_twice_gets_one_beacon() {
        let mut networks = machine();
        networks.push(network("eth0", [10, 0, 1, 8], 24, true));
        networks.push(network("wlan1", [10, 0, 1, 9], 24, true));
        for wanted in [&[][..], &["eth0"], &["wlan1", "eth0"]] {
            let plan = choose(wanted, &networks);
            let to = |address: &[u8; 4]| {
                plan.broadcasts.iter().filter(|it| it.octets() == *address).count()
            };
            assert_eq!(to(&[10, 0, 1, 255]), 1, "{wanted:?}: {plan:?}");
        }
    }

    /// A machine with many containers.
    #[test]
    fn networks_that_are_too_many_are_named() {
        let mut networks = machine();
        for bridge in 0..14 {
            networks.push(network(&format!("br{bridge}"), [10, 80, bridge, 1], 24, bridge != 12));
        }
        let plan = choose(&[], &networks);
        assert_eq!(plan.broadcasts.len(), MAX_DESTINATIONS);
        assert_eq!(plan.broadcasts[..2], addresses(&["255.255.255.255", "10.0.1.255"]));
        // Twelve bridges have room beside the four others; the one that is down needs none.
        let trouble = plan.trouble.unwrap();
        assert!(trouble.contains("16 broadcast addresses") && trouble.contains("by br13: choose"));

        let wanted: Vec<_> = networks[6..].iter().map(|it| it.interface.as_str()).collect();
        let plan = choose(&wanted, &networks);
        assert_eq!(plan.broadcasts.len(), 13);
        assert!(plan.trouble.unwrap().contains("br12 is down"));
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
            let plan = choose(&[wanted], &machine());
            assert_eq!(plan.broadcasts, addresses(&broadcasts), "{wanted}");
            let heard = plan.heard.unwrap();
            let hears = |from: [u8; 4]| heard.iter().any(|network| network.contains(from.into()));
            assert!(hears(inside) && !hears(outside), "{wanted}");
            assert_eq!(plan.trouble, None, "{wanted}");
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
            let plan = choose(&[wanted, "eth0"], &machine());
            assert!(plan.trouble.as_ref().unwrap().contains(trouble), "{plan:?}");
            assert_eq!(plan.broadcasts, addresses(&["10.0.1.255"]), "{wanted}");
        }
        let none = choose(&["eth7"], &[]).trouble;
        let words = "no interface called eth7 has an IPv4 address, nor any other";
        assert_eq!(none.as_deref(), Some(words));
        let nothing = choose(&["eth7"], &machine());
        assert!(nothing.broadcasts.is_empty() && nothing.heard.unwrap().is_empty());
    }
}
