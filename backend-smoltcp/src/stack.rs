//! The stack itself: what it owns, and the poll that moves everything.

use core::mem::MaybeUninit;
use core::time::Duration;

use cable_car::Instant as Moment;
use smoltcp::iface::{
    self, Interface, PollIngressSingleResult, PollResult, SocketSet, SocketStorage,
};
use smoltcp::phy::{Device, Medium};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress};

use crate::address::Addressing;
use crate::error::Error;
use crate::ports::EphemeralPorts;
use crate::storage::Storage;
use crate::tap::Tap;
use crate::tcp::{Limits, TcpSlot, TcpTable};
use crate::udp::{UdpSlot, UdpTable};
use crate::{Config, ConfigError};

/// The smallest IP packet, in bytes, that a device must be able to carry whole.
///
/// ```
/// assert_eq!(cable_car_smoltcp::MIN_IP_MTU, 576); // bytes, without an Ethernet header
/// ```
pub const MIN_IP_MTU: usize = 576;

/// How soon a device that had no room is tried again, where nothing else wakes the program.
const DEVICE_RETRY: smoltcp::time::Duration = smoltcp::time::Duration::from_millis(10);

/// Deadlines wait for the frames in the device, but a flood of frames does not put them off.
const ENFORCE_AT_LEAST_EVERY: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(1);

/// Rounds of sending in one poll, at most one packet of each socket in each.
const EGRESS_ROUNDS: usize = 64;

/// A TCP and UDP stack over the device `D`, in memory that the caller lent it.
///
/// It implements embedded-nal's four stack traits. Their methods take no time and touch no device:
/// they work on what the last [`poll`](Self::poll) brought, and queue what the next one sends. See
/// the [crate's page](crate) for the loop around it.
///
/// ```
/// # use cable_car::Instant;
/// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
/// # type Memory<'a> = storage!('a, peers: 2);
/// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
/// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
/// # let now = Instant::default();
/// let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
/// stack.set_address([10, 0, 0, 1].into(), 24, None)?;
/// stack.poll(now);
/// # Ok::<(), ConfigError>(())
/// ```
pub struct Stack<'a, D: Device> {
    pub(crate) device: D,
    medium: Medium,
    pub(crate) iface: Interface,
    pub(crate) sockets: SocketSet<'a>,
    pub(crate) tcp: TcpTable<'a>,
    pub(crate) udp: UdpTable<'a>,
    pub(crate) addressing: Addressing,
    pub(crate) ports: EphemeralPorts,
    pub(crate) now: Instant,
    pub(crate) link_up: bool,
    /// A call has queued something since the last poll.
    pub(crate) queued: bool,
    /// The last poll left frames in the device.
    frames_left: bool,
    frames_per_poll: usize,
    device_retry_at: Instant,
    enforced_at: Instant,
}

impl<'a, D: Device> Stack<'a, D> {
    /// A stack with its link up and no address yet, in `storage`, which it holds for good.
    ///
    /// `now` is the program's clock, as in every [`poll`](Self::poll) that follows.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # let wire: Wire = Wire::new();
    /// # let (device, _other) = wire.ends();
    /// type Memory<'a> = storage!('a, peers: 2);
    /// let mut memory: Memory = Storage::new();
    /// let config = Config::new([0x02, 0, 0, 0, 0, 1], 0x1dea_5eed);
    /// let stack = Stack::new(device, &mut memory, &config, Instant::default())?;
    /// assert_eq!(stack.address(), None);
    /// # Ok::<(), ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the device's medium or packet size, or the hardware address, can not be used.
    // Never inlined: what it needs of the call stack is given back before the program's loop.
    #[inline(never)]
    pub fn new<
        const TCP: usize,
        const BACKLOG: usize,
        const TCP_RX: usize,
        const TCP_TX: usize,
        const UDP: usize,
        const UDP_PACKETS: usize,
        const UDP_RX: usize,
        const UDP_TX: usize,
        const SOCKETS: usize,
    >(
        mut device: D,
        storage: &'a mut Storage<
            'a,
            TCP,
            BACKLOG,
            TCP_RX,
            TCP_TX,
            UDP,
            UDP_PACKETS,
            UDP_RX,
            UDP_TX,
            SOCKETS,
        >,
        config: &Config,
        now: Moment,
    ) -> Result<Self, ConfigError> {
        let now = instant(now);
        let capabilities = device.capabilities();
        let medium = capabilities.medium;
        if capabilities.max_transmission_unit < MIN_IP_MTU + 14 && medium == Medium::Ethernet
            || capabilities.max_transmission_unit < MIN_IP_MTU
        {
            return Err(ConfigError::Mtu);
        }
        let mut settings = iface::Config::new(hardware_address(config.mac, medium)?);
        settings.random_seed = config.seed;
        let iface = Interface::new(settings, &mut device, now);

        // The order matters: the socket that receives must come before the one that only sends,
        // because smoltcp hands a datagram to the first that is bound to its port. Every place is
        // taken from here on, except that of DHCP, which is the last.
        let mut sockets = SocketSet::new(
            &mut storage.sockets.write([const { SocketStorage::EMPTY }; SOCKETS])[..],
        );
        let tcp_slots = storage.tcp_slots.write([const { TcpSlot::EMPTY }; TCP]);
        for (slot, buffers) in tcp_slots.iter_mut().zip(&mut storage.tcp_buffers) {
            let mut socket = tcp::Socket::new(
                tcp::SocketBuffer::new(&mut buffers.rx[..]),
                tcp::SocketBuffer::new(&mut buffers.tx[..]),
            );
            socket.set_nagle_enabled(false);
            // Three probes in the time: two may be lost.
            socket.set_keep_alive(config.dead_peer_timeout.map(|timeout| (timeout / 3).into()));
            slot.handle = Some(sockets.add(socket));
        }
        let udp_slots = storage.udp_slots.write([const { UdpSlot::EMPTY }; UDP]);
        let mut lanes = [const { None }; UDP];
        let slots = udp_slots.iter_mut().zip(&mut storage.udp_buffers);
        for ((slot, buffers), lane) in slots.zip(&mut lanes) {
            let [all_packets, one_packets] = &mut buffers.tx_packets;
            let [all, one] = &mut buffers.tx;
            let rx = ring(&mut buffers.rx_packets, &mut buffers.rx);
            slot.shared = Some(sockets.add(udp::Socket::new(rx, ring(all_packets, all))));
            let deaf = udp::PacketBuffer::new(&mut [][..], &mut [][..]);
            *lane = Some(udp::Socket::new(deaf, ring(one_packets, one)));
        }
        for (slot, lane) in udp_slots.iter_mut().zip(lanes) {
            slot.lane = lane.map(|socket| sockets.add(socket));
        }

        Ok(Self {
            medium,
            iface,
            sockets,
            tcp: TcpTable::new(tcp_slots, BACKLOG, Limits::from(config)),
            udp: UdpTable::new(udp_slots, config.broadcast_without_address, capabilities.ip_mtu()),
            addressing: Addressing::new(),
            ports: EphemeralPorts::new(config.seed),
            now,
            link_up: true,
            queued: true,
            frames_left: false,
            // No more than a UDP socket can hold: a program that empties its UDP sockets after
            // each poll then loses no datagram of a burst, which waits in the device meanwhile.
            frames_per_poll: UDP_PACKETS.max(1),
            device_retry_at: now,
            enforced_at: now,
            device,
        })
    }

    /// Takes in what the device has received, sends what is queued, and sees to every deadline.
    /// Answers whether frames came or went, so that a socket may have something to tell.
    ///
    /// `now` is the program's clock; a moment that lies before the last is taken as the
    /// last. The work is bounded: as many frames are taken in as a UDP socket holds datagrams
    /// (what is left waits in the device, and [`poll_at`](Self::poll_at) says so).
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
    /// if stack.poll(now) {
    ///     // Frames came or went: see what the sockets have.
    /// }
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn poll(&mut self, now: Moment) -> bool {
        let now = instant(now).max(self.now);
        self.forgive_absence(now);
        self.now = now;
        self.queued = false;

        let received = self.link_up && self.ingress();
        // What waits in the device may be the sign of life of a peer that seems dead.
        if !self.frames_left || now >= self.enforced_at + ENFORCE_AT_LEAST_EVERY {
            self.enforced_at = now;
            self.tcp.enforce_deadlines(&mut self.sockets, now);
            self.udp.enforce_deadlines(&mut self.sockets, now);
        }
        let sent = self.link_up && self.egress();
        self.tcp.settle(&mut self.sockets, now);
        self.udp.watch_lanes(&mut self.sockets, now);
        received || sent
    }

    /// When the stack next wants to be polled, if nothing is received before; `None` for never.
    ///
    /// It is `now` while anything is queued or waits in the device. A program may sleep until then,
    /// or until its device has received something; a longer sleep delays retransmissions and
    /// probes.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.poll(now);
    /// assert_eq!(stack.poll_at(now), None, "nothing is queued, nobody is connected");
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn poll_at(&mut self, now: Moment) -> Option<Moment> {
        let now = instant(now).max(self.now);
        if self.link_up && (self.queued || self.frames_left) {
            return Some(moment(now));
        }
        let (network, lease) = match self.link_up {
            true => (self.iface.poll_at(now, &self.sockets), self.addressing.next_deadline()),
            false => (None, None),
        };
        [
            // smoltcp says "at once" for as long as the device takes nothing.
            network.map(|at| at.max(self.device_retry_at)),
            lease,
            self.tcp.next_deadline(),
            self.udp.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
        .map(|at| moment(at.max(now)))
    }

    /// How long until the stack next wants to be polled: [`poll_at`](Self::poll_at), from `now`.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.poll(now);
    /// match stack.poll_delay(now) {
    ///     Some(delay) => { /* sleep so long, or until the device has something */ }
    ///     None => { /* sleep until the device has something */ }
    /// }
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn poll_delay(&mut self, now: Moment) -> Option<Duration> {
        self.poll_at(now).map(|at| at - now)
    }

    /// The device.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// assert_eq!(stack.device().waiting(), 0);
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The device, to change its settings.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// use cable_car_smoltcp::smoltcp::phy::Device;
    ///
    /// assert_eq!(stack.device_mut().capabilities().max_transmission_unit, 1514);
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// Tells the stack that the link is down (`false`) or up again.
    ///
    /// While it is down the stack leaves the device alone. Sockets keep what they have: a link that
    /// is up again before the [dead peer timeout](Config::dead_peer_timeout) is over goes on where
    /// it was, later the connections fail with [`Error::TimedOut`]. An address from DHCP is asked
    /// for anew when the link is up, and kept until there is an answer.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.set_link_up(false); // the driver says that the cable is out
    /// assert_eq!(stack.poll_at(now), None);
    /// stack.set_link_up(true);
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn set_link_up(&mut self, up: bool) {
        if up && !self.link_up {
            self.queued = true;
            self.addressing.link_is_back(&mut self.sockets, self.now);
        }
        self.link_up = up;
    }

    /// What [`set_link_up`](Self::set_link_up) was last told; true at first.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// assert!(stack.is_link_up());
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_link_up(&self) -> bool {
        self.link_up
    }

    /// When the program was away for longer than the stack had asked for, the peers were not
    /// probed, and their silence says nothing.
    fn forgive_absence(&mut self, now: Instant) {
        let Some(tolerated) = self.tcp.tolerated_delay() else { return };
        if now - self.now > tolerated
            && let Some(due) = self.poll_at(moment(self.now))
            && now > instant(due) + tolerated
        {
            self.tcp.forgive_silence(now);
        }
    }

    fn ingress(&mut self) -> bool {
        let mut received = false;
        self.frames_left = false;
        for _ in 0..self.frames_per_poll {
            let mut tap = Tap::new(&mut self.device, self.medium);
            let result = self.iface.poll_ingress_single(self.now, &mut tap, &mut self.sockets);
            if result == PollIngressSingleResult::None {
                return received;
            }
            received = true;
            if let Some(heard) = tap.heard() {
                self.tcp.heard(&self.sockets, heard, self.now);
                self.tcp.observe(&mut self.sockets, Error::Reset, self.now);
            }
            // Before anything is sent: smoltcp would send to any address that a lease names.
            self.addressing.apply_lease(&mut self.iface, &mut self.sockets, self.now);
        }
        self.frames_left = true;
        received
    }

    fn egress(&mut self) -> bool {
        let mut sent = false;
        let mut refused = false;
        for _ in 0..EGRESS_ROUNDS {
            let mut tap = Tap::new(&mut self.device, self.medium);
            let result = self.iface.poll_egress(self.now, &mut tap, &mut self.sockets);
            refused |= tap.refused();
            if result == PollResult::None {
                break;
            }
            sent = true;
        }
        // What smoltcp gives up while it sends, it gives up because its address is gone.
        self.tcp.observe(&mut self.sockets, Error::AddressLost, self.now);
        self.addressing.apply_lease(&mut self.iface, &mut self.sockets, self.now);

        let stuck =
            self.iface.poll_at(self.now, &self.sockets).is_some_and(|at| at <= self.now) && !sent;
        self.device_retry_at = match refused || stuck {
            true => self.now + DEVICE_RETRY,
            false => self.now,
        };
        sent
    }
}

fn ring<'a, const PACKETS: usize>(
    packets: &'a mut MaybeUninit<[udp::PacketMetadata; PACKETS]>,
    bytes: &'a mut [u8],
) -> udp::PacketBuffer<'a> {
    udp::PacketBuffer::new(&mut packets.write([udp::PacketMetadata::EMPTY; PACKETS])[..], bytes)
}

fn hardware_address(mac: [u8; 6], medium: Medium) -> Result<HardwareAddress, ConfigError> {
    match medium {
        Medium::Ethernet => {
            let address = EthernetAddress(mac);
            match address.is_unicast() && mac != [0; 6] {
                true => Ok(HardwareAddress::Ethernet(address)),
                false => Err(ConfigError::HardwareAddress),
            }
        }
        #[cfg(feature = "medium-ip")]
        Medium::Ip => Ok(HardwareAddress::Ip),
        #[allow(unreachable_patterns)] // other media exist only with features of smoltcp
        _ => Err(ConfigError::Medium),
    }
}

pub(crate) fn instant(moment: Moment) -> Instant {
    // 292,000 years of microseconds: nothing is cut off.
    Instant::from_micros(moment.as_micros() as i64)
}

fn moment(at: Instant) -> Moment {
    Moment::from_micros(at.total_micros().max(0) as u64)
}
