//! Which programs hold a port of this machine, as far as the system tells.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Udp,
    Tcp,
}

/// Which other programs have bound a UDP port or listen on a TCP port, by name. None where there are
/// none, and where the system does not tell such things.
#[cfg(target_os = "linux")]
pub(crate) fn holders(protocol: Protocol, port: u16) -> Option<String> {
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
    if sockets.is_empty() {
        return None;
    }
    let mut found = BTreeSet::new();
    let mut holders = Vec::new();
    let myself = i32::try_from(std::process::id()).ok();
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
            holders.push(format!("{name} (process {})", process.pid()));
        }
    }
    if found.len() < sockets.len() {
        holders.push("another user's program (root is told which)".to_owned());
    }
    (!holders.is_empty()).then(|| holders.join(", "))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn holders(_: Protocol, _: u16) -> Option<String> {
    None
}
