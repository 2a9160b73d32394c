//! `doctor`: why is a peer not found? Looks at this machine first, then at the others.

mod beacons;
mod dials;
mod findings;

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::time::{Duration, Instant};

use cable_car_std::cable_car::discovery::Service;
use cable_car_std::cable_car::nal::MAX_DESTINATIONS;
use cable_car_std::internal::{Choice, Network, networks};

use self::beacons::{Beacons, Heard};
use self::dials::{Dialled, dial_all};
use self::findings::{Finding, Findings};
use crate::ear::{self, Ear, NoPort};
use crate::failure::{Failure, Outcome};
use crate::options::Common;
use crate::output::{Output, Progress, remark};
use crate::ports::{self, Protocol};
use crate::text::plain;

/// How long a dial may take; a connector gives it as long.
const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn run(
    common: &Common,
    service: &Service,
    interfaces: &[String],
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let mut progress = Progress::new(output);
    let mut findings = Findings::new(output);
    let choice = Choice { wanted: interfaces.to_vec() };
    let Looked { reached, heard } = look_at_networks(&choice, &mut findings)?;
    look_at_tcp_port(common.tcp_port, &mut findings)?;
    let mut ear = match ear::bind(common.udp_port) {
        Ok(socket) => Ear::open(socket)?,
        Err(NoPort { words, todo }) => {
            findings.tell(Finding::bad("udp-port", words).todo(todo))?;
            return findings.verdict();
        }
    };
    let shared = ports::holders(Protocol::Udp, common.udp_port);
    let shared = shared.map_or_else(String::new, |others| format!(", shared with {others}"));
    let words = format!("UDP port {} can be listened on{shared}", common.udp_port);
    findings.tell(Finding::good("udp-port", words))?;

    let seconds = common.listen_for().as_secs_f64();
    remark(format_args!("sending beacons and listening to others for {seconds} s"));
    let mut beacons = Beacons::new(common.udp_port, common.tcp_port, service, &reached);
    let end = Instant::now() + common.listen_for();
    beacons.exchange(&mut ear, end, &mut progress)?;
    if let Some(heard) = heard {
        let is_near = |address| heard.iter().any(|network| network.contains(address));
        beacons.retain(|address| address.is_loopback() || is_near(address));
    }
    tell_of_own_beacons(&beacons, &reached, common.udp_port, &mut findings)?;
    tell_of_others(&beacons, &mut ear, common, service, &mut findings)?;
    findings.verdict()
}

/// What a connector would do on this machine.
struct Looked {
    /// Which networks its beacons go out to, each once; loopback where there is no other.
    reached: Vec<Network>,
    /// Whom it hears: everybody where no interface was asked for.
    heard: Option<Vec<Network>>,
}

/// Looks at the networks of this machine: those that were asked for, or all.
fn look_at_networks(choice: &Choice, findings: &mut Findings<'_>) -> Result<Looked, Failure> {
    let all = match networks() {
        Ok(networks) => networks,
        Err(error) => {
            let todo =
                "is this program allowed to, and are there file descriptors left (`ulimit -n`)?";
            findings.tell(Finding::bad("interface", error.to_string()).todo(todo))?;
            return Ok(Looked { reached: Vec::new(), heard: choice.plan(&[]).heard });
        }
    };
    let plan = choice.plan(&all);
    let wanted = &choice.wanted;
    let (loopback, mut networks): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|network| network.address.is_loopback());
    let is_loopback = |name: &String| loopback.iter().any(|network| network.is_called(name));
    let is_there = |name: &String| networks.iter().any(|network| network.is_called(name));
    for name in wanted.iter().filter(|name| !is_loopback(name) && !is_there(name)) {
        let there: Vec<String> =
            networks.iter().map(|n| format!("{} ({})", n.interface, n.address)).collect();
        let words = match name.parse::<Ipv4Addr>() {
            Ok(address) => format!("no interface has the address {address}"),
            Err(_) => format!("no interface called {name} has an IPv4 address"),
        };
        let todo = match there.as_slice() {
            [] => "there are none but loopback".to_owned(),
            there => format!("there are {}", there.join(", ")),
        };
        findings.tell(Finding::bad("interface", words).todo(todo))?;
    }
    networks.retain(|n| wanted.is_empty() || wanted.iter().any(|name| n.is_called(name)));
    for network in &networks {
        let Network { interface, address, prefix, broadcast, up } = network;
        let name = format!("interface {interface}, {address}/{prefix}");
        findings.tell(match broadcast {
            _ if !up => Finding::note("interface", format!("{name}, is down or has no carrier"))
                .todo("plug the cable in, join the wireless network, or switch the interface on"),
            Some(broadcast) if plan.broadcasts.contains(broadcast) => {
                Finding::good("interface", format!("{name}: beacons go to {broadcast}"))
            }
            Some(_) => Finding::note(
                "interface",
                format!(
                    "{name}: no beacons go there, since a program sends them to \
                     {MAX_DESTINATIONS} broadcast addresses at the most"
                ),
            )
            .todo("choose the interfaces that peers are on, here with --interface NAME"),
            None => Finding::note("interface", format!("{name}, carries no broadcasts"))
                .todo("peers behind it are reached by `cable-car connect ADDRESS` alone"),
        })?;
    }
    if !loopback.iter().any(|network| network.up) {
        let words =
            "the loopback interface is down: programs of this machine do not find each other";
        findings.tell(Finding::bad("interface", words).todo("ip link set lo up"))?;
    }
    // Of those that were asked for, more is told above than that there is none.
    let is_wanted = wanted.is_empty() || !networks.is_empty();
    let mut to = plan.broadcasts;
    networks.retain(|network| {
        let place = to.iter().position(|&address| network.up && network.broadcast == Some(address));
        place.map(|place| to.swap_remove(place)).is_some()
    });
    if networks.is_empty() && is_wanted {
        let words = "no network is up: only programs of this machine can be found";
        let todo = "connect this machine to the network that the peers are on";
        findings.tell(Finding::bad("network", words).todo(todo))?;
    }
    if networks.is_empty() {
        let up = loopback.into_iter().find(|network| network.up);
        networks.extend(up.map(|it| Network { interface: "loopback".to_owned(), ..it }));
    }
    Ok(Looked { reached: networks, heard: plan.heard })
}

/// Whether peers can dial this machine where they expect it.
fn look_at_tcp_port(port: u16, findings: &mut Findings<'_>) -> Result<(), Failure> {
    let Err(error) = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) else {
        let words = format!("TCP port {port} is free to be listened on");
        return findings.tell(Finding::good("tcp-port", words));
    };
    let holder = ports::holders(Protocol::Tcp, port);
    let holder = holder.map_or_else(String::new, |holder| format!(" by {holder}"));
    findings.tell(if error.kind() == std::io::ErrorKind::AddrInUse {
        Finding::note("tcp-port", format!("TCP port {port} is taken{holder}")).todo(
            "fine if that is a peer: others on this machine take another port, and their beacons \
             say which. If it is none, end it: Python programs dial this port and no other",
        )
    } else {
        Finding::bad("tcp-port", format!("TCP port {port} can not be listened on: {error}"))
            .todo("choose another --tcp-port, above 1023, for all peers")
    })
}

/// Whether this machine hears what it sends.
fn tell_of_own_beacons(
    beacons: &Beacons,
    networks: &[Network],
    port: u16,
    findings: &mut Findings<'_>,
) -> Result<(), Failure> {
    for network in networks {
        let name = &network.interface;
        if let Some(error) = beacons.refused(network.address) {
            let words = format!("beacons do not leave by {name}: {error}");
            findings.tell(Finding::bad("own-beacon", words).todo(format!(
                "let UDP port {port} out in the firewall of this machine, and check its routes"
            )))?;
        } else if beacons.came_back(network) {
            let words = format!("own beacon heard back by {name}");
            findings.tell(Finding::good("own-beacon", words))?;
        } else {
            let words =
                format!("own beacon not heard back by {name}: a firewall of this machine, likely");
            findings.tell(Finding::bad("own-beacon", words).todo(firewall_advice(port, "udp")))?;
        }
    }
    Ok(())
}

/// Who else was heard, and whether they can be dialled.
fn tell_of_others(
    beacons: &Beacons,
    ear: &mut Ear,
    common: &Common,
    service: &Service,
    findings: &mut Findings<'_>,
) -> Result<(), Failure> {
    let udp_port = common.udp_port;
    for (address, datagram) in beacons.odd() {
        let words = format!("{address} sends on UDP {udp_port} what is no beacon: {datagram}");
        findings.tell(Finding::note("other-version", words).about(address.to_string()).todo(
            "another program uses this port, or a peer of a version that this one does not know: \
             update both, or choose another --udp-port",
        ))?;
    }
    let heard: Vec<&Heard> = beacons.heard().collect();
    if heard.is_empty() {
        let words = format!("no beacon of anybody else was heard on UDP {udp_port}");
        return findings.tell(
            Finding::bad("beacons", words)
                .todo(format!("is the peer's program running, with UDP port {udp_port}?"))
                .todo(
                    "is it on the same subnet? Routers pass no broadcasts, and many guest and \
                     wireless networks keep their machines apart",
                )
                .todo(
                    "do firewalls let its beacons out there and in here? `cable-car doctor` on its \
                     machine says more",
                )
                .todo("if you know its address, `cable-car connect ADDRESS` needs no beacon"),
        );
    }
    let of_ours = |heard: &&Heard| heard.service.as_deref().is_none_or(|s| s == service.as_str());
    for heard in heard.iter().filter(|heard| !of_ours(heard)) {
        let theirs = heard.service.as_deref().unwrap_or_default();
        let wanted = match service.as_str() {
            "" => "none is looked for".to_owned(),
            name => format!("{name:?} is looked for"),
        };
        let words = match theirs {
            "" => format!("{} is heard, and has no service: {wanted}", heard.name()),
            name => {
                format!("{} is heard, and is of service {:?}: {wanted}", heard.name(), plain(name))
            }
        };
        let todo = match theirs {
            "" => "only programs of one service find each other: start both without one".to_owned(),
            name => format!(
                "only programs of one service find each other: `cable-car doctor --service {0}` \
                 looks further, `cable-car join --service {0}` takes part",
                plain(name)
            ),
        };
        findings.tell(Finding::note("other-service", words).about(heard.name()).todo(todo))?;
    }
    let ours: Vec<&Heard> = heard.iter().copied().filter(of_ours).collect();
    if ours.is_empty() {
        let words = "nobody of the service that is looked for was heard";
        return findings.tell(Finding::bad("beacons", words).todo("see --service above"));
    }
    let addresses: Vec<SocketAddrV4> =
        ours.iter().map(|heard| heard.dialled_at(common.tcp_port)).collect();
    for (heard, outcome) in ours.iter().zip(dial_all(ear, &addresses, DIAL_TIMEOUT)?) {
        findings.tell(about_dial(heard, common.tcp_port, &outcome))?;
    }
    Ok(())
}

fn about_dial(heard: &Heard, default_port: u16, outcome: &Dialled) -> Finding {
    let kind = if heard.service.is_some() { "extended" } else { "legacy" };
    let at = heard.dialled_at(default_port);
    let (name, port) = (format!("{} ({kind})", at.ip()), at.port());
    let finding = match outcome {
        Dialled::Open => {
            Finding::good("peer", format!("{name} is heard, and TCP port {port} takes connections"))
        }
        Dialled::Refused => {
            let todo = match kind {
                "legacy" => "its program has ended, or has another TCP port: give it as --tcp-port",
                _ => {
                    "its program has just ended, or a firewall there refuses: let the port through"
                }
            };
            let words = format!("{name} is heard, but refuses TCP port {port}");
            Finding::bad("peer", words).todo(todo)
        }
        Dialled::Silent => {
            let words = format!(
                "{name} is heard, but TCP port {port} does not answer: filtered by a firewall, likely"
            );
            let todo = format!("on that machine: {}", firewall_advice(port, "tcp"));
            Finding::bad("peer", words).todo(todo)
        }
        Dialled::Failed(error) => {
            let words =
                format!("{name} is heard, but can not be dialled at TCP port {port}: {error}");
            Finding::bad("peer", words).todo(
                "is there a route to that address, and does a firewall of this machine stop it?",
            )
        }
    };
    finding.about(at.to_string())
}

/// How to let a port through, on the system that this program was made for.
fn firewall_advice(port: u16, protocol: &str) -> String {
    if cfg!(target_os = "windows") {
        format!("let {protocol} port {port} in: allow the program in Windows Defender Firewall")
    } else if cfg!(target_os = "macos") {
        format!("let {protocol} port {port} in: System Settings, Network, Firewall, Options")
    } else {
        format!(
            "let {protocol} port {port} in: `ufw allow {port}/{protocol}`, `firewall-cmd \
             --add-port={port}/{protocol}`, or look at `nft list ruleset`"
        )
    }
}
