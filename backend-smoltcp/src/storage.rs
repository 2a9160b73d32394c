//! All the memory of a stack, in one struct of the caller's.

use core::mem::MaybeUninit;

use smoltcp::iface::SocketStorage;
use smoltcp::socket::udp::PacketMetadata;

use crate::tcp::TcpSlot;
use crate::udp::UdpSlot;

/// Datagrams that each of a UDP socket's two send queues (to everybody, to one host) holds.
///
/// ```
/// assert_eq!(cable_car_smoltcp::UDP_TX_PACKETS, 4); // datagrams
/// ```
pub const UDP_TX_PACKETS: usize = 4;

/// How much of everything a [`Storage`] has: the keys of [`storage!`](crate::storage!).
///
/// ```
/// use cable_car_smoltcp::Sizes;
///
/// let sizes = Sizes { peers: 4, ..Sizes::DEFAULT };
/// assert_eq!(sizes.tcp_sockets(), 4 + 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Connections that the program has at a time, dialled and accepted together. Default 2.
    pub peers: usize,
    /// Ports listened on at a time, up to [`MAX_LISTENERS`](crate::MAX_LISTENERS). Default 1.
    pub listeners: usize,
    /// Connections that may be under way or wait for `accept`, on each port. Default 2: one may
    /// then be half open, or wait, while another client connects.
    pub backlog: usize,
    /// Bytes of a TCP socket's receive buffer, which is also the window it offers. Default 1024.
    pub tcp_rx: usize,
    /// Bytes of a TCP socket's send buffer. Default 1024.
    pub tcp_tx: usize,
    /// UDP sockets. Default 2.
    pub udp_sockets: usize,
    /// Datagrams that may wait in a UDP socket. Default 8.
    pub udp_packets: usize,
    /// Bytes of the datagrams that may wait in a UDP socket; longer ones are dropped. Default 512.
    pub udp_rx_bytes: usize,
    /// Bytes of each of a UDP socket's two send queues; no longer datagram can be sent. Default
    /// 256.
    pub udp_tx_bytes: usize,
}

impl Sizes {
    /// What a key that is not given has.
    ///
    /// ```
    /// # use cable_car_smoltcp::Sizes;
    /// assert_eq!((Sizes::DEFAULT.peers, Sizes::DEFAULT.tcp_rx), (2, 1024)); // sockets, bytes
    /// ```
    pub const DEFAULT: Self = Self {
        peers: 2,
        listeners: 1,
        backlog: 2,
        tcp_rx: 1024,
        tcp_tx: 1024,
        udp_sockets: 2,
        udp_packets: 8,
        udp_rx_bytes: 512,
        udp_tx_bytes: 256,
    };

    /// TCP sockets in all: one for each peer, and `backlog` for each listener.
    ///
    /// ```
    /// # use cable_car_smoltcp::Sizes;
    /// assert_eq!(Sizes { peers: 2, listeners: 1, backlog: 2, ..Sizes::DEFAULT }.tcp_sockets(), 4);
    /// ```
    #[must_use]
    pub const fn tcp_sockets(self) -> usize {
        self.peers + self.listeners * self.backlog
    }

    /// smoltcp sockets in all: a UDP socket is made of two, and DHCP is one.
    ///
    /// ```
    /// # use cable_car_smoltcp::Sizes;
    /// let sizes = Sizes { udp_sockets: 2, ..Sizes::DEFAULT };
    /// assert!(sizes.sockets() >= sizes.tcp_sockets() + 4);
    /// ```
    #[must_use]
    pub const fn sockets(self) -> usize {
        self.tcp_sockets() + 2 * self.udp_sockets + cfg!(feature = "dhcp") as usize
    }
}

/// The memory of a stack: sockets, their buffers, and what the stack knows about each.
///
/// [`storage!`](crate::storage!) names the type from [`Sizes`]. The cost is `size_of` that type
/// (the table below is tested); the [`Stack`](crate::Stack) itself, with ARP and routes, comes on
/// top.
///
/// | | on a 32-bit target | on a 64-bit target |
/// |---|---|---|
/// | a peer, or one of the backlog | 392 bytes + `tcp_rx` + `tcp_tx` | 480 bytes + `tcp_rx` + `tcp_tx` |
/// | a UDP socket of 8 packets | 984 bytes + `udp_rx_bytes` + 2 `udp_tx_bytes` | 1288 bytes + the same |
/// | DHCP | 336 bytes | 416 bytes |
/// | the `Stack`, without its device | 560 bytes | 632 bytes |
///
/// That is without smoltcp's features `alloc` and `std`, which nothing here needs; where another
/// package of the same build wants them, it is up to 32 bytes a socket more.
///
/// [`new`](Self::new) is `const` and all zero, so that a `static` (in a `ConstStaticCell`, say)
/// costs RAM only: it needs neither an image in flash nor room on the call stack.
///
/// ```
/// use cable_car_smoltcp::{Storage, storage};
///
/// type Memory<'a> = storage!('a, peers: 4, backlog: 2, tcp_rx: 1024, tcp_tx: 1024);
/// let memory: Memory = Storage::new();
/// println!("{} bytes", size_of::<Memory>());
/// ```
pub struct Storage<
    'a,
    const TCP: usize,
    const BACKLOG: usize,
    const TCP_RX: usize,
    const TCP_TX: usize,
    const UDP: usize,
    const UDP_PACKETS: usize,
    const UDP_RX: usize,
    const UDP_TX: usize,
    const SOCKETS: usize,
> {
    pub(crate) sockets: MaybeUninit<[SocketStorage<'a>; SOCKETS]>,
    pub(crate) tcp_slots: MaybeUninit<[TcpSlot; TCP]>,
    pub(crate) tcp_buffers: [TcpBuffers<TCP_RX, TCP_TX>; TCP],
    pub(crate) udp_slots: MaybeUninit<[UdpSlot; UDP]>,
    pub(crate) udp_buffers: [UdpBuffers<UDP_PACKETS, UDP_RX, UDP_TX>; UDP],
}

impl<
    const TCP: usize,
    const BACKLOG: usize,
    const TCP_RX: usize,
    const TCP_TX: usize,
    const UDP: usize,
    const UDP_PACKETS: usize,
    const UDP_RX: usize,
    const UDP_TX: usize,
    const SOCKETS: usize,
> Storage<'_, TCP, BACKLOG, TCP_RX, TCP_TX, UDP, UDP_PACKETS, UDP_RX, UDP_TX, SOCKETS>
{
    const SIZES_FIT: () = {
        assert!(TCP <= 250 && UDP <= 250 && BACKLOG <= 250, "at most 250 sockets of a kind");
        assert!(TCP_RX < 1 << 30, "a TCP receive buffer is smaller than 1 GiB");
        assert!(
            SOCKETS == TCP + 2 * UDP + cfg!(feature = "dhcp") as usize,
            "SOCKETS does not fit: name the type with the macro `storage!`"
        );
    };

    /// Storage that no stack uses yet.
    ///
    /// ```
    /// use cable_car_smoltcp::{Storage, storage};
    ///
    /// const EMPTY: storage!('static, peers: 4) = Storage::new();
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        const { Self::SIZES_FIT };
        Self {
            // Zeroed and written when the stack is made: their empty values are not all zero.
            sockets: MaybeUninit::zeroed(),
            tcp_slots: MaybeUninit::zeroed(),
            tcp_buffers: [const { TcpBuffers { rx: [0; TCP_RX], tx: [0; TCP_TX] } }; TCP],
            udp_slots: MaybeUninit::zeroed(),
            udp_buffers: [const { UdpBuffers::EMPTY }; UDP],
        }
    }
}

impl<
    const TCP: usize,
    const BACKLOG: usize,
    const TCP_RX: usize,
    const TCP_TX: usize,
    const UDP: usize,
    const UDP_PACKETS: usize,
    const UDP_RX: usize,
    const UDP_TX: usize,
    const SOCKETS: usize,
> Default for Storage<'_, TCP, BACKLOG, TCP_RX, TCP_TX, UDP, UDP_PACKETS, UDP_RX, UDP_TX, SOCKETS>
{
    fn default() -> Self {
        Self::new()
    }
}

pub(crate) struct TcpBuffers<const RX: usize, const TX: usize> {
    pub(crate) rx: [u8; RX],
    pub(crate) tx: [u8; TX],
}

/// The rings of one UDP socket: in, out to everybody, out to one host.
pub(crate) struct UdpBuffers<const PACKETS: usize, const RX: usize, const TX: usize> {
    pub(crate) rx_packets: MaybeUninit<[PacketMetadata; PACKETS]>,
    pub(crate) rx: [u8; RX],
    pub(crate) tx_packets: [MaybeUninit<[PacketMetadata; UDP_TX_PACKETS]>; 2],
    pub(crate) tx: [[u8; TX]; 2],
}

impl<const PACKETS: usize, const RX: usize, const TX: usize> UdpBuffers<PACKETS, RX, TX> {
    const EMPTY: Self = Self {
        rx_packets: MaybeUninit::zeroed(),
        rx: [0; RX],
        tx_packets: [const { MaybeUninit::zeroed() }; 2],
        tx: [[0; TX]; 2],
    };
}

/// The type of a [`Storage`](crate::Storage) with these [`Sizes`](crate::Sizes).
///
/// Keys that are not given keep their defaults. A lifetime may come first; without one the storage
/// is `'static`.
///
/// ```
/// use cable_car_smoltcp::{Storage, storage};
///
/// // Four peers, and a backlog of two on one port.
/// type Memory = storage!(peers: 4, backlog: 2, tcp_rx: 512, tcp_tx: 512);
/// static MEMORY: std::sync::Mutex<Memory> = std::sync::Mutex::new(Storage::new());
///
/// fn local() {
///     type Local<'a> = storage!('a, peers: 1);
///     let mut memory: Local = Storage::new();
/// }
/// ```
#[macro_export]
macro_rules! storage {
    ($lifetime:lifetime $(, $key:ident : $value:expr)* $(,)?) => {
        $crate::Storage<
            $lifetime,
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.tcp_sockets() },
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.backlog },
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.tcp_rx },
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.tcp_tx },
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.udp_sockets },
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.udp_packets },
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.udp_rx_bytes },
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.udp_tx_bytes },
            { $crate::Sizes { $($key: $value,)* ..$crate::Sizes::DEFAULT }.sockets() },
        >
    };
    ($($key:ident : $value:expr),* $(,)?) => {
        $crate::storage!('static $(, $key: $value)*)
    };
}
