//! The LAN9118 Ethernet chip as a network device of smoltcp.
//!
//! Frames pass through the chip's FIFOs word by word; nothing is copied by the chip itself. Every
//! wait is bounded, and so is the work of each call: a chip that does not answer, or a flood of
//! frames, costs time but never holds the program.

use core::fmt;

use cable_car_smoltcp::smoltcp::phy::{self, DeviceCapabilities, Medium};
use cable_car_smoltcp::smoltcp::time::Instant;

use crate::mmio::{self, Block};

/// Ticks of [`Chip::free_run`] in a microsecond.
pub(crate) const TICKS_PER_MICRO: u32 = 25;

/// An Ethernet frame without its check sequence.
const FRAME_MAX: usize = 1514;
const CHECK_SEQUENCE: usize = 4;
/// Full-sized frames that the receive FIFO holds (10,560 bytes). More in one burst are lost, which
/// smoltcp is told, so that it offers peers no larger window.
const BURST: usize = 6;

/// How often a register is read before the chip counts as dead. A read takes some 100 ns, the
/// slowest wait (a reset) some 10 us.
const PATIENCE: usize = 100_000;

// Directly addressed registers, by offset.
const RX_DATA: usize = 0x00;
const TX_DATA: usize = 0x20;
const RX_STATUS: usize = 0x40;
const TX_STATUS: usize = 0x48;
const IRQ_CFG: usize = 0x54;
const INT_STS: usize = 0x58;
const INT_EN: usize = 0x5c;
const BYTE_TEST: usize = 0x64;
const FIFO_INT: usize = 0x68;
const RX_CFG: usize = 0x6c;
const TX_CFG: usize = 0x70;
const HW_CFG: usize = 0x74;
const RX_FIFO_INF: usize = 0x7c;
const TX_FIFO_INF: usize = 0x80;
const FREE_RUN: usize = 0x9c;
const MAC_CSR_CMD: usize = 0xa4;
const MAC_CSR_DATA: usize = 0xa8;

/// What `BYTE_TEST` always reads as.
const BYTE_TEST_PATTERN: u32 = 0x8765_4321;
/// `HW_CFG`: reset, which reads as 1 until it is done.
const SOFT_RESET: u32 = 1;
/// `HW_CFG`: 5 KiB of the chip's memory for sending, the rest for receiving; bit 20 must be set.
const FIFO_SPLIT: u32 = 0x0015_0000;
/// `FIFO_INT`: an interrupt with the first frame received.
const FIRST_FRAME: u32 = 0x4800_0000;
/// `TX_CFG`: transmitter on.
const TRANSMITTER_ON: u32 = 2;
/// `IRQ_CFG`: interrupt line on, active high, driven both ways.
const IRQ_LINE: u32 = 0x111;
/// `INT_EN`, `INT_STS`: a frame has been received.
const FRAME_RECEIVED: u32 = 1 << 3;
/// `INT_EN`, `INT_STS`: the transceiver has something to say.
const PHY_EVENT: u32 = 1 << 18;
/// `RX_STATUS`: the frame is damaged.
const RX_ERROR: u32 = 1 << 15;
/// First word of a frame to send: it begins and ends in this one buffer.
const ONE_BUFFER: u32 = 1 << 13 | 1 << 12;
/// What the transmit FIFO must have free: the longest frame and its two command words.
const TX_ROOM: u32 = (FRAME_MAX.next_multiple_of(4) + 8) as u32;
/// `MAC_CSR_CMD`: begin, and not yet done.
const MAC_BUSY: u32 = 1 << 31;
/// `MAC_CSR_CMD`: read rather than write.
const MAC_READ: u32 = 1 << 30;

// Registers of the MAC, reached through the two above.
const MAC_CR: u32 = 1;
const ADDRH: u32 = 2;
const ADDRL: u32 = 3;
const MII_ACC: u32 = 6;
const MII_DATA: u32 = 7;

/// `MAC_CR`: full duplex, transmitter and receiver on. Takes its own address and broadcasts.
const MAC_ON: u32 = 0x0010_000c;
/// `MII_ACC`: the transceiver inside the chip, and writing rather than reading.
const MII_INTERNAL: u32 = 1 << 11;
const MII_WRITE: u32 = 1 << 1;
const MII_BUSY: u32 = 1;

// Registers of the transceiver, reached through `MII_ACC` and `MII_DATA`.
const PHY_STATUS: u32 = 1;
const PHY_EVENTS: u32 = 29;
const PHY_EVENT_MASK: u32 = 30;

/// `PHY_STATUS`: the cable leads somewhere.
const LINK_UP: u32 = 1 << 2;
/// `PHY_EVENT_MASK`: energy seen, negotiation done, link lost.
const LINK_EVENTS: u32 = 1 << 7 | 1 << 6 | 1 << 4;

/// A chip that does not do what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChipError {
    /// There is none at its address.
    Absent,
    /// It does not come out of reset.
    Reset,
    /// Its MAC does not answer.
    Mac,
}

impl fmt::Display for ChipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "no LAN9118 at its address",
            Self::Reset => "the LAN9118 does not come out of reset",
            Self::Mac => "the LAN9118's MAC does not answer",
        })
    }
}

/// The chip's registers: for the device below, for the clock, and for going to sleep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chip {
    registers: Block,
}

impl Chip {
    /// Brings the chip up: receiving, sending, with an interrupt for a frame and for the link.
    pub(crate) fn start() -> Result<Self, ChipError> {
        let chip = Self { registers: mmio::ETHERNET };
        chip.wait(BYTE_TEST, |test| test == BYTE_TEST_PATTERN).ok_or(ChipError::Absent)?;
        chip.registers.write(HW_CFG, SOFT_RESET);
        chip.wait(HW_CFG, |config| config & SOFT_RESET == 0).ok_or(ChipError::Reset)?;
        chip.registers.write(HW_CFG, FIFO_SPLIT);
        chip.registers.write(FIFO_INT, FIRST_FRAME);
        chip.registers.write(RX_CFG, 0);
        chip.registers.write(TX_CFG, TRANSMITTER_ON);
        chip.mac_write(MAC_CR, MAC_ON).ok_or(ChipError::Mac)?;
        chip.phy_write(PHY_EVENT_MASK, LINK_EVENTS).ok_or(ChipError::Mac)?;
        chip.registers.write(INT_STS, u32::MAX);
        chip.registers.write(INT_EN, FRAME_RECEIVED | PHY_EVENT);
        chip.registers.write(IRQ_CFG, IRQ_LINE);
        Ok(chip)
    }

    /// The counter that runs at 25 MHz from power-on and wraps.
    pub(crate) fn free_run() -> u32 {
        mmio::ETHERNET.read(FREE_RUN)
    }

    /// The hardware address that the chip was given: by its EEPROM, or by the emulator.
    pub(crate) fn mac_address(self) -> Result<[u8; 6], ChipError> {
        let low = self.mac_read(ADDRL).ok_or(ChipError::Mac)?.to_le_bytes();
        let high = self.mac_read(ADDRH).ok_or(ChipError::Mac)?.to_le_bytes();
        Ok([low[0], low[1], low[2], low[3], high[0], high[1]])
    }

    /// Whether the cable leads somewhere.
    pub(crate) fn link_up(self) -> bool {
        // The bit holds a loss until it has been read once.
        self.phy_read(PHY_STATUS);
        self.phy_read(PHY_STATUS).is_some_and(|status| status & LINK_UP != 0)
    }

    /// Whether frames wait to be read.
    pub(crate) fn has_frames(self) -> bool {
        self.registers.read(RX_FIFO_INF) >> 16 & 0xff != 0
    }

    /// Takes back the interrupt, and says whether the link may have changed. What comes in
    /// afterwards raises it again.
    pub(crate) fn acknowledge(self) -> bool {
        let events = self.registers.read(INT_STS);
        let link = events & PHY_EVENT != 0;
        if link {
            // The transceiver keeps its line up until its events have been read.
            self.phy_read(PHY_EVENTS);
        }
        self.registers.write(INT_STS, events);
        link
    }

    /// Moves one frame into the buffer; `None` for no frame, and for one damaged or too long.
    fn read_frame(self, buffer: &mut [u8; FRAME_MAX]) -> Option<usize> {
        if !self.has_frames() {
            return None;
        }
        let status = self.registers.read(RX_STATUS);
        let len = (status >> 16 & 0x3fff) as usize;
        let frame = len.saturating_sub(CHECK_SEQUENCE);
        let intact = status & RX_ERROR == 0 && (1..=FRAME_MAX).contains(&frame);
        let mut places = buffer[..if intact { frame } else { 0 }].chunks_mut(4);
        // All of its words are taken out, wanted or not, or the next frame would begin with them.
        for _ in 0..len.div_ceil(4) {
            let word = self.registers.read(RX_DATA).to_le_bytes();
            if let Some(place) = places.next() {
                place.copy_from_slice(&word[..place.len()]);
            }
        }
        intact.then_some(frame)
    }

    /// Whether the longest frame could be sent now.
    fn can_send(self) -> bool {
        self.drain_transmit_status();
        self.registers.read(TX_FIFO_INF) & 0xffff >= TX_ROOM
    }

    fn write_frame(self, frame: &[u8]) {
        let len = frame.len() as u32;
        self.registers.write(TX_DATA, ONE_BUFFER | len);
        self.registers.write(TX_DATA, len);
        for piece in frame.chunks(4) {
            let mut word = [0; 4];
            word[..piece.len()].copy_from_slice(piece);
            self.registers.write(TX_DATA, u32::from_le_bytes(word));
        }
    }

    /// The chip stops sending once nobody has read how 128 frames fared.
    fn drain_transmit_status(self) {
        for _ in 0..self.registers.read(TX_FIFO_INF) >> 16 & 0xff {
            self.registers.read(TX_STATUS);
        }
    }

    fn phy_read(self, register: u32) -> Option<u32> {
        self.mac_write(MII_ACC, MII_INTERNAL | register << 6 | MII_BUSY)?;
        self.phy_wait()?;
        self.mac_read(MII_DATA)
    }

    fn phy_write(self, register: u32, value: u32) -> Option<()> {
        self.mac_write(MII_DATA, value)?;
        self.mac_write(MII_ACC, MII_INTERNAL | register << 6 | MII_WRITE | MII_BUSY)?;
        self.phy_wait()
    }

    fn phy_wait(self) -> Option<()> {
        (0..PATIENCE).find_map(|_| (self.mac_read(MII_ACC)? & MII_BUSY == 0).then_some(()))
    }

    fn mac_read(self, register: u32) -> Option<u32> {
        self.registers.write(MAC_CSR_CMD, MAC_BUSY | MAC_READ | register);
        self.wait(MAC_CSR_CMD, |command| command & MAC_BUSY == 0)?;
        Some(self.registers.read(MAC_CSR_DATA))
    }

    fn mac_write(self, register: u32, value: u32) -> Option<()> {
        self.registers.write(MAC_CSR_DATA, value);
        self.registers.write(MAC_CSR_CMD, MAC_BUSY | register);
        self.wait(MAC_CSR_CMD, |command| command & MAC_BUSY == 0)
    }

    fn wait(self, register: usize, done: impl Fn(u32) -> bool) -> Option<()> {
        (0..PATIENCE).find_map(|_| done(self.registers.read(register)).then_some(()))
    }
}

/// Room for one frame each way. Apart from the device, which is moved about when it is handed on.
#[derive(Debug)]
pub(crate) struct Frames {
    received: [u8; FRAME_MAX],
    outgoing: [u8; FRAME_MAX],
}

impl Frames {
    pub(crate) const fn new() -> Self {
        Self { received: [0; FRAME_MAX], outgoing: [0; FRAME_MAX] }
    }
}

/// The chip as smoltcp's device.
#[derive(Debug)]
pub(crate) struct Lan9118<'f> {
    chip: Chip,
    frames: &'f mut Frames,
}

impl<'f> Lan9118<'f> {
    pub(crate) fn new(chip: Chip, frames: &'f mut Frames) -> Self {
        Self { chip, frames }
    }
}

impl phy::Device for Lan9118<'_> {
    type RxToken<'a>
        = RxToken<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = TxToken<'a>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        // A frame is left in the chip until there is room for the answer to it.
        if !self.chip.can_send() {
            return None;
        }
        let len = self.chip.read_frame(&mut self.frames.received)?;
        let received = RxToken(&self.frames.received[..len]);
        Some((received, TxToken { chip: self.chip, frame: &mut self.frames.outgoing }))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        self.chip
            .can_send()
            .then_some(TxToken { chip: self.chip, frame: &mut self.frames.outgoing })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_MAX;
        capabilities.max_burst_size = Some(BURST);
        capabilities
    }
}

/// A frame that has been received.
pub(crate) struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// Room for a frame to send.
pub(crate) struct TxToken<'a> {
    chip: Chip,
    frame: &'a mut [u8; FRAME_MAX],
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        // smoltcp asks for no more than `capabilities` promise.
        let frame = &mut self.frame[..len];
        let result = fill(frame);
        self.chip.write_frame(frame);
        result
    }
}
