//! The stack's own address: set by hand, or from DHCP.

use core::net::Ipv4Addr;

use smoltcp::iface::{Interface, SocketSet};
use smoltcp::phy::Device;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr, Ipv4Cidr};

#[cfg(feature = "dhcp")]
use crate::dhcp::DhcpClient;
use crate::{ConfigError, Stack};

impl<D: Device> Stack<'_, D> {
    /// Sets the address, the length of its subnet's prefix (1 to 32) and the gateway to other
    /// networks, and ends DHCP.
    ///
    /// Connections from another address than this fail with
    /// [`AddressLost`](crate::Error::AddressLost).
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// let gateway = [10, 0, 0, 254].into();
    /// stack.set_address([10, 0, 0, 1].into(), 24, Some(gateway))?;
    /// let broadcast = [10, 0, 0, 255].into();
    /// assert_eq!(stack.set_address(broadcast, 24, None), Err(ConfigError::Address));
    /// # Ok::<(), ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the address or the gateway is not a host's in that subnet; nothing is changed then.
    pub fn set_address(
        &mut self,
        address: Ipv4Addr,
        prefix_len: u8,
        gateway: Option<Ipv4Addr>,
    ) -> Result<(), ConfigError> {
        let cidr = checked_cidr(address, prefix_len).ok_or(ConfigError::Address)?;
        if gateway.is_some_and(|gateway| !is_gateway(cidr, gateway)) {
            return Err(ConfigError::Gateway);
        }
        #[cfg(feature = "dhcp")]
        self.addressing.dhcp.stop(&mut self.sockets);
        self.queued = true;
        configure(&mut self.iface, Some(cidr), gateway)
    }

    /// Gives the address up, and ends DHCP.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.set_address([10, 0, 0, 1].into(), 24, None)?;
    /// stack.clear_address();
    /// assert_eq!(stack.address(), None);
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn clear_address(&mut self) {
        #[cfg(feature = "dhcp")]
        self.addressing.dhcp.stop(&mut self.sockets);
        self.queued = true;
        // Taking away can not fail.
        let _ = configure(&mut self.iface, None, None);
    }

    /// The address and the length of its subnet's prefix; `None` before there is one.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.set_address([10, 0, 0, 1].into(), 24, None)?;
    /// assert_eq!(stack.address(), Some(([10, 0, 0, 1].into(), 24)));
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[must_use]
    pub fn address(&self) -> Option<(Ipv4Addr, u8)> {
        own_cidr(&self.iface).map(|cidr| (cidr.address(), cidr.prefix_len()))
    }

    /// The gateway to other networks.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.set_address([10, 0, 0, 1].into(), 24, Some([10, 0, 0, 254].into()))?;
    /// assert_eq!(stack.gateway(), Some([10, 0, 0, 254].into()));
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[must_use]
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        match self.iface.routes().get_default_ipv4_route()?.via_router {
            IpAddress::Ipv4(gateway) => Some(gateway),
            #[allow(unreachable_patterns)] // IPv6 exists only with a feature of smoltcp
            _ => None,
        }
    }

    /// The address that reaches every host of the subnet; `None` without one.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.set_address([10, 0, 0, 1].into(), 24, None)?;
    /// assert_eq!(stack.broadcast_address(), Some([10, 0, 0, 255].into()));
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[must_use]
    pub fn broadcast_address(&self) -> Option<Ipv4Addr> {
        own_cidr(&self.iface)?.broadcast()
    }
}

/// Where the address comes from.
pub(crate) struct Addressing {
    #[cfg(feature = "dhcp")]
    pub(crate) dhcp: DhcpClient,
}

// Without the feature there is nothing to do, and nothing in here.
#[cfg_attr(not(feature = "dhcp"), allow(clippy::unused_self))]
impl Addressing {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(feature = "dhcp")]
            dhcp: DhcpClient::new(),
        }
    }

    pub(crate) fn apply_lease(
        &mut self,
        _iface: &mut Interface,
        _sockets: &mut SocketSet<'_>,
        _now: Instant,
    ) {
        #[cfg(feature = "dhcp")]
        self.dhcp.apply(_iface, _sockets, _now);
    }

    pub(crate) fn link_is_back(&mut self, _sockets: &mut SocketSet<'_>, _now: Instant) {
        #[cfg(feature = "dhcp")]
        self.dhcp.restart(_sockets, _now);
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        #[cfg(feature = "dhcp")]
        return self.dhcp.next_deadline();
        #[cfg(not(feature = "dhcp"))]
        None
    }
}

/// A subnet and the address of a host in it.
pub(crate) fn checked_cidr(address: Ipv4Addr, prefix_len: u8) -> Option<Ipv4Cidr> {
    if !(1..=32).contains(&prefix_len) || !is_host(address) || address.is_loopback() {
        return None;
    }
    let cidr = Ipv4Cidr::new(address, prefix_len);
    let is_network = prefix_len < 31 && cidr.network().address() == address;
    (!is_network && cidr.broadcast() != Some(address)).then_some(cidr)
}

/// Whether packets can go by way of `gateway`. smoltcp panics on a route through a broadcast
/// address.
pub(crate) fn is_gateway(cidr: Ipv4Cidr, gateway: Ipv4Addr) -> bool {
    is_host(gateway)
        && cidr.contains_addr(&gateway)
        && gateway != cidr.address()
        && cidr.broadcast() != Some(gateway)
}

pub(crate) fn is_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast()
}

pub(crate) fn own_cidr(iface: &Interface) -> Option<Ipv4Cidr> {
    iface.ip_addrs().iter().find_map(|cidr| match cidr {
        IpCidr::Ipv4(cidr) => Some(*cidr),
        #[allow(unreachable_patterns)] // IPv6 exists only with a feature of smoltcp
        _ => None,
    })
}

/// Gives the interface this address and gateway alone. Both must have been checked.
pub(crate) fn configure(
    iface: &mut Interface,
    cidr: Option<Ipv4Cidr>,
    gateway: Option<Ipv4Addr>,
) -> Result<(), ConfigError> {
    // Every update forgets the neighbours' hardware addresses, so a lease that only goes on is none.
    if own_cidr(iface) != cidr {
        iface.update_ip_addrs(|addresses| {
            addresses.clear();
            // There is room for one at least, whatever smoltcp was built with.
            addresses.extend(cidr.map(IpCidr::Ipv4));
        });
    }
    iface.routes_mut().remove_default_ipv4_route();
    if let Some(gateway) = gateway {
        let added = iface.routes_mut().add_default_ipv4_route(gateway);
        added.map_err(|_| ConfigError::RouteTable)?;
    }
    Ok(())
}
