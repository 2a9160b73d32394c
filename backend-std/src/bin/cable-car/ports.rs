//! Which programs hold a port of this machine, as far as the system tells.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Udp,
    Tcp,
}

/// A program that holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Program {
        name: String,
        id: i32,
    },
    /// The system does not say, since it is another user's.
    Unknown,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { name, id } => write!(f, "{name} (process {id})"),
            Self::Unknown => f.write_str("another user's program (root is told which)"),
        }
    }
}

/// The programs by name.
pub(crate) fn names(holders: &[Holder]) -> String {
    let names: Vec<String> = holders.iter().map(Holder::to_string).collect();
    names.join(", ")
}

/// Which other programs have bound a UDP port or listen on a TCP port. None also where the system
/// does not tell such things.
#[cfg(target_os = "linux")]
pub(crate) fn holders(protocol: Protocol, port: u16) -> Vec<Holder> {
    use std::collections::BTreeSet;

    use procfs::net::TcpState;
    use procfs::process::FDTarget;

    let sockets: BTreeSet<u64> = match protocol {
        Protocol::Udp => {
            let all = [procfs::net::udp(), procfs::net::udp6()].into_iter().flatten().flatten();
            all.filter(|entry| entry.local_address.port() == port).map(|e| e.inode).collect()
        }
        Protocol::Tcp => {
            let all = [procfs::net::tcp(), procfs::net::tcp6()].into_iter().flatten().flatten();
            all.filter(|e| e.local_address.port() == port && e.state == TcpState::Listen)
                .map(|entry| entry.inode)
                .collect()
        }
    };
    let mut found = BTreeSet::new();
    let mut holders = Vec::new();
    let myself = i32::try_from(std::process::id()).ok();
    if sockets.is_empty() {
        return holders;
    }
    // Processes come and go meanwhile, and most are other users'.
    for process in procfs::process::all_processes().into_iter().flatten().flatten() {
        let Ok(descriptors) = process.fd() else { continue };
        let held: Vec<u64> = descriptors
            .flatten()
            .filter_map(|descriptor| match descriptor.target {
                FDTarget::Socket(inode) if sockets.contains(&inode) => Some(inode),
                _ => None,
            })
            .collect();
        if held.is_empty() {
            continue;
        }
        found.extend(held);
        if Some(process.pid()) != myself {
            let name = process.stat().map_or_else(|_| "a program".to_owned(), |stat| stat.comm);
            let name = crate::text::plain(&name);
            holders.push(Holder::Program { name, id: process.pid() });
        }
    }
    if found.len() < sockets.len() {
        holders.push(Holder::Unknown);
    }
    holders
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn holders(_: Protocol, _: u16) -> Vec<Holder> {
    Vec::new()
}
