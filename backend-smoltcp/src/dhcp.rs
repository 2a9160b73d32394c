//! An address from the network's DHCP server.

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, Medium};
use smoltcp::socket::dhcpv4::{Event, RetryConfig, Socket};
use smoltcp::time::{Duration, Instant};

use crate::address::{checked_cidr, configure, is_gateway, is_host};
use crate::{ConfigError, Stack};

/// How soon a server is asked again. smoltcp's own 10 s is long for a node that was just plugged in.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// How long an address is kept, after the link was down, while no server answers.
const KEEP_UNCONFIRMED: Duration = Duration::from_secs(30);

impl<D: Device> Stack<'_, D> {
    /// Gives the address up and asks the network's DHCP server for one, and again for as long as
    /// it takes; renews it in time. [`address`](Self::address) tells when there is one.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.start_dhcp()?;
    /// assert!(stack.poll(now), "the server is asked");
    /// assert_eq!(stack.address(), None, "and has not answered yet");
    /// # Ok::<(), ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the device is not an Ethernet one.
    pub fn start_dhcp(&mut self) -> Result<(), ConfigError> {
        if self.device.capabilities().medium != Medium::Ethernet {
            return Err(ConfigError::Medium);
        }
        self.clear_address();
        self.addressing.dhcp.start(&mut self.sockets);
        Ok(())
    }
}

pub(crate) struct DhcpClient {
    handle: Option<SocketHandle>,
    /// The address is from before the link was down, and is given up then.
    unconfirmed_until: Option<Instant>,
    leased_at: Option<Instant>,
    /// A server has given what can not be used; all of them are left alone until then.
    paused_until: Option<Instant>,
}

impl DhcpClient {
    pub(crate) const fn new() -> Self {
        Self { handle: None, unconfirmed_until: None, leased_at: None, paused_until: None }
    }

    fn start(&mut self, sockets: &mut SocketSet<'_>) {
        let mut socket = Socket::new();
        let mut retry = RetryConfig::default();
        retry.discover_timeout = ASK_AGAIN;
        retry.initial_request_timeout = ASK_AGAIN;
        socket.set_retry_config(retry);
        // The last place of the set is kept for this socket, and whoever starts it has emptied it.
        self.handle = Some(sockets.add(socket));
    }

    pub(crate) fn stop(&mut self, sockets: &mut SocketSet<'_>) {
        if let Some(handle) = self.handle.take() {
            sockets.remove(handle);
        }
        *self = Self::new();
    }

    pub(crate) fn restart(&mut self, sockets: &mut SocketSet<'_>, now: Instant) {
        if let Some(handle) = self.handle {
            sockets.get_mut::<Socket>(handle).reset();
            self.unconfirmed_until = Some(now + KEEP_UNCONFIRMED);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        [self.unconfirmed_until, self.paused_until].into_iter().flatten().min()
    }

    /// Takes over what the server has said since the last call.
    pub(crate) fn apply(
        &mut self,
        iface: &mut Interface,
        sockets: &mut SocketSet<'_>,
        now: Instant,
    ) {
        if self.paused_until.is_some_and(|until| now >= until) {
            self.paused_until = None;
            self.start(sockets);
        }
        let Some(handle) = self.handle else { return };
        let lease = match sockets.get_mut::<Socket>(handle).poll() {
            Some(Event::Configured(lease)) => {
                Some((lease.address, lease.router, lease.server.address))
            }
            Some(Event::Deconfigured) if self.unconfirmed_until.is_none() => None,
            _ if self.unconfirmed_until.is_some_and(|until| now >= until) => None,
            _ => return,
        };
        let cidr = lease.and_then(|(address, _, server)| {
            let cidr = checked_cidr(address.address(), address.prefix_len())?;
            // smoltcp renews with the server by its address, and panics if that is no host's.
            is_host(server).then_some(cidr)
        });
        // A gateway that can not be one is left out: the subnet is what matters here. The same is
        // true of one that smoltcp was built without room for.
        let gateway = cidr
            .zip(lease)
            .and_then(|(cidr, (_, router, _))| router.filter(|router| is_gateway(cidr, *router)));
        let _ = configure(iface, cidr, gateway);

        let useless = lease.is_some() && cidr.is_none();
        let lost_at_once = lease.is_none() && self.leased_at.is_some_and(|at| now < at + ASK_AGAIN);
        if useless || lost_at_once {
            // smoltcp would ask again at once, and without end.
            self.stop(sockets);
            self.paused_until = Some(now + ASK_AGAIN);
            return;
        }
        self.unconfirmed_until = None;
        self.leased_at = lease.map(|_| now);
    }
}
