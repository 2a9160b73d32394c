//! A cable in memory: two devices, joined, without privileges, threads or an allocator.
//!
//! Two stacks on its ends meet in one process, in a test or a simulation. smoltcp's
//! [`FaultInjector`](smoltcp::phy::FaultInjector) goes around an end to lose and damage frames; the
//! wire itself can be unplugged and can swap neighbouring frames.

use core::cell::{Cell, RefCell};

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// An Ethernet frame with a payload of 1500 bytes, without its checksum.
///
/// ```
/// use cable_car_smoltcp::wire::ETHERNET_FRAME;
///
/// assert_eq!(ETHERNET_FRAME, 14 + 1500); // bytes: header and payload
/// ```
pub const ETHERNET_FRAME: usize = 1514;

/// A cable that holds up to `FRAMES` frames of up to `MTU` bytes in each direction.
///
/// It costs about `2 * (FRAMES + 1) * (MTU + 8)` bytes. A frame sent into a full direction is lost,
/// as on any network: give it at least the frames of a full TCP window.
///
/// ```
/// use cable_car_smoltcp::{Config, Stack, Storage, storage, wire::Wire};
/// use cable_car::Instant;
///
/// type Memory<'a> = storage!('a, peers: 2);
/// let wire: Wire = Wire::new();
/// let (left, right) = wire.ends();
/// let (mut memory_l, mut memory_r): (Memory, Memory) = (Storage::new(), Storage::new());
/// let config = |n| Config::new([2, 0, 0, 0, 0, n], u64::from(n));
/// let mut left = Stack::new(left, &mut memory_l, &config(1), Instant::default()).unwrap();
/// let mut right = Stack::new(right, &mut memory_r, &config(2), Instant::default()).unwrap();
/// left.set_address([10, 0, 0, 1].into(), 24, None).unwrap();
/// right.set_address([10, 0, 0, 2].into(), 24, None).unwrap();
///
/// # use embedded_nal::{UdpClientStack, UdpFullStack};
/// let mut hearer = right.socket().unwrap();
/// right.bind(&mut hearer, 8222).unwrap();
/// let mut caller = left.socket().unwrap();
/// left.send_to(&mut caller, "255.255.255.255:8222".parse().unwrap(), b"hello").unwrap();
/// left.poll(Instant::from_millis(1));
/// right.poll(Instant::from_millis(1));
/// let mut buffer = [0; 64];
/// assert_eq!(right.receive(&mut hearer, &mut buffer).unwrap().0, 5);
/// ```
pub struct Wire<const FRAMES: usize = 16, const MTU: usize = ETHERNET_FRAME> {
    directions: [RefCell<Queue<FRAMES, MTU>>; 2],
    plugged: Cell<bool>,
    swap_every: Cell<u32>,
    repeat_every: Cell<u32>,
}

impl<const FRAMES: usize, const MTU: usize> Wire<FRAMES, MTU> {
    /// A plugged wire with nothing on it.
    ///
    /// ```
    /// # use cable_car_smoltcp::wire::Wire;
    /// let long_and_thin: Wire<64, 600> = Wire::new();
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            directions: [RefCell::new(Queue::new()), RefCell::new(Queue::new())],
            plugged: Cell::new(true),
            swap_every: Cell::new(0),
            repeat_every: Cell::new(0),
        }
    }

    /// The two devices.
    ///
    /// ```
    /// # use cable_car_smoltcp::wire::Wire;
    /// let wire: Wire = Wire::new();
    /// let (left, right) = wire.ends(); // a device for each of two stacks
    /// ```
    pub fn ends(&self) -> (WireEnd<'_, FRAMES, MTU>, WireEnd<'_, FRAMES, MTU>) {
        let [one, other] = &self.directions;
        let end = |outgoing, incoming| WireEnd { wire: self, outgoing, incoming };
        (end(one, other), end(other, one))
    }

    /// Unplugs the wire (`false`), which loses what is on it and what is sent from now on, or
    /// plugs it in again.
    ///
    /// ```
    /// # use cable_car_smoltcp::wire::Wire;
    /// let wire: Wire = Wire::new();
    /// wire.set_plugged(false); // what the stacks send now is lost
    /// wire.set_plugged(true);
    /// ```
    pub fn set_plugged(&self, plugged: bool) {
        self.plugged.set(plugged);
        if !plugged {
            self.clear();
        }
    }

    /// Lets every `n`th frame overtake the one before it, where two are on the wire; 0 is never.
    ///
    /// ```
    /// # use cable_car_smoltcp::wire::Wire;
    /// let wire: Wire = Wire::new();
    /// wire.set_swap_every(5);
    /// ```
    pub fn set_swap_every(&self, n: u32) {
        self.swap_every.set(n);
    }

    /// Delivers every `n`th frame twice; less than 2 is never.
    ///
    /// ```
    /// # use cable_car_smoltcp::wire::Wire;
    /// let wire: Wire = Wire::new();
    /// wire.set_repeat_every(3);
    /// ```
    pub fn set_repeat_every(&self, n: u32) {
        self.repeat_every.set(n);
    }

    /// Loses the frames that are on the wire now.
    ///
    /// ```
    /// # use cable_car_smoltcp::wire::Wire;
    /// let wire: Wire = Wire::new();
    /// wire.clear();
    /// assert_eq!(wire.in_flight(), 0);
    /// ```
    pub fn clear(&self) {
        for direction in &self.directions {
            direction.borrow_mut().count = 0;
        }
    }

    /// How many frames are on the wire, both directions together.
    ///
    /// ```
    /// # use cable_car_smoltcp::wire::Wire;
    /// let wire: Wire = Wire::new();
    /// assert_eq!(wire.in_flight(), 0);
    /// ```
    pub fn in_flight(&self) -> usize {
        self.directions.iter().map(|direction| direction.borrow().count).sum()
    }
}

impl<const FRAMES: usize, const MTU: usize> Default for Wire<FRAMES, MTU> {
    fn default() -> Self {
        Self::new()
    }
}

/// One end of a [`Wire`]: an Ethernet device.
///
/// ```
/// use cable_car_smoltcp::smoltcp::phy::{Device, TxToken};
/// use cable_car_smoltcp::smoltcp::time::Instant;
/// use cable_car_smoltcp::wire::Wire;
///
/// let wire: Wire = Wire::new();
/// let (mut left, right) = wire.ends();
/// let token = left.transmit(Instant::ZERO).expect("there is room");
/// token.consume(60, |frame| frame.fill(0));
/// assert_eq!(right.waiting(), 1);
/// ```
pub struct WireEnd<'w, const FRAMES: usize = 16, const MTU: usize = ETHERNET_FRAME> {
    wire: &'w Wire<FRAMES, MTU>,
    outgoing: &'w RefCell<Queue<FRAMES, MTU>>,
    incoming: &'w RefCell<Queue<FRAMES, MTU>>,
}

impl<'w, const FRAMES: usize, const MTU: usize> WireEnd<'w, FRAMES, MTU> {
    /// How many frames wait to be received at this end.
    ///
    /// ```
    /// # use cable_car_smoltcp::wire::Wire;
    /// let wire: Wire = Wire::new();
    /// assert_eq!(wire.ends().0.waiting(), 0);
    /// ```
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.incoming.borrow().count
    }

    fn sender(&self) -> WireTx<'w, FRAMES, MTU> {
        WireTx { queue: self.outgoing, lost: !self.wire.plugged.get() }
    }
}

impl<'w, const FRAMES: usize, const MTU: usize> Device for WireEnd<'w, FRAMES, MTU> {
    type RxToken<'t>
        = WireRx<'w, FRAMES, MTU>
    where
        Self: 't;
    type TxToken<'t>
        = WireTx<'w, FRAMES, MTU>
    where
        Self: 't;

    fn receive(&mut self, _: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let mut incoming = self.incoming.borrow_mut();
        if incoming.count == 0 {
            return None;
        }
        incoming.swap_at_times(self.wire.swap_every.get());
        let every = self.wire.repeat_every.get();
        let stays = every > 1 && incoming.received.is_multiple_of(every);
        Some((WireRx { queue: self.incoming, stays }, self.sender()))
    }

    fn transmit(&mut self, _: Instant) -> Option<Self::TxToken<'_>> {
        let full = self.outgoing.borrow().count == FRAMES;
        // An unplugged wire takes everything and delivers nothing, as a radio out of range does.
        (!full || !self.wire.plugged.get()).then(|| self.sender())
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

/// A received frame of a [`WireEnd`].
///
/// ```
/// use cable_car_smoltcp::smoltcp::phy::{Device, RxToken, TxToken};
/// use cable_car_smoltcp::smoltcp::time::Instant;
/// use cable_car_smoltcp::wire::Wire;
///
/// let wire: Wire = Wire::new();
/// let (mut left, mut right) = wire.ends();
/// # let token = left.transmit(Instant::ZERO).expect("there is room");
/// # token.consume(60, |frame| frame.fill(7));
/// let (frame, _answer) = right.receive(Instant::ZERO).expect("a frame is on the wire");
/// assert_eq!(frame.consume(|frame| frame.len()), 60);
/// ```
pub struct WireRx<'w, const FRAMES: usize, const MTU: usize> {
    queue: &'w RefCell<Queue<FRAMES, MTU>>,
    /// It comes once more.
    stays: bool,
}

impl<const FRAMES: usize, const MTU: usize> RxToken for WireRx<'_, FRAMES, MTU> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        // The reply that `f` may send goes to the other direction, which has a cell of its own.
        let mut queue = self.queue.borrow_mut();
        let result = f(queue.first());
        if !self.stays {
            queue.drop_first();
        }
        result
    }
}

/// Room for one frame to send at a [`WireEnd`].
///
/// ```
/// use cable_car_smoltcp::smoltcp::phy::{Device, TxToken};
/// use cable_car_smoltcp::smoltcp::time::Instant;
/// use cable_car_smoltcp::wire::Wire;
///
/// let wire: Wire = Wire::new();
/// let room = wire.ends().0.transmit(Instant::ZERO).expect("there is room");
/// room.consume(60, |frame| frame.fill(0));
/// assert_eq!(wire.in_flight(), 1);
/// ```
pub struct WireTx<'w, const FRAMES: usize, const MTU: usize> {
    queue: &'w RefCell<Queue<FRAMES, MTU>>,
    lost: bool,
}

impl<const FRAMES: usize, const MTU: usize> TxToken for WireTx<'_, FRAMES, MTU> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        // smoltcp asks for no more than the MTU that `capabilities` states.
        let mut queue = self.queue.borrow_mut();
        let lost = self.lost || queue.count == FRAMES;
        let frame = queue.next_free();
        frame.len = len.min(MTU);
        let result = f(&mut frame.bytes[..len]);
        if !lost {
            queue.count += 1;
        }
        result
    }
}

#[derive(Clone, Copy)]
struct Frame<const MTU: usize> {
    len: usize,
    bytes: [u8; MTU],
}

impl<const MTU: usize> Frame<MTU> {
    const EMPTY: Self = Self { len: 0, bytes: [0; MTU] };
}

/// A ring of frames, and one more in which a frame is written that the ring has no room for.
struct Queue<const FRAMES: usize, const MTU: usize> {
    ring: [Frame<MTU>; FRAMES],
    spare: Frame<MTU>,
    head: usize,
    count: usize,
    received: u32,
}

impl<const FRAMES: usize, const MTU: usize> Queue<FRAMES, MTU> {
    const fn new() -> Self {
        assert!(FRAMES > 0, "a wire needs room for one frame at least");
        Self { ring: [Frame::EMPTY; FRAMES], spare: Frame::EMPTY, head: 0, count: 0, received: 0 }
    }

    fn first(&self) -> &[u8] {
        let frame = &self.ring[self.head];
        &frame.bytes[..frame.len]
    }

    fn drop_first(&mut self) {
        self.head = (self.head + 1) % FRAMES;
        self.count = self.count.saturating_sub(1);
    }

    fn next_free(&mut self) -> &mut Frame<MTU> {
        if self.count == FRAMES {
            return &mut self.spare;
        }
        &mut self.ring[(self.head + self.count) % FRAMES]
    }

    fn swap_at_times(&mut self, every: u32) {
        self.received = self.received.wrapping_add(1);
        if every > 0 && self.received.is_multiple_of(every) && self.count >= 2 {
            self.ring.swap(self.head, (self.head + 1) % FRAMES);
        }
    }
}
