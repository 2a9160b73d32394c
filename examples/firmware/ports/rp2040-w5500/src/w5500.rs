//! The W5500 as smoltcp's device: its socket 0 in MACRAW mode passes whole Ethernet frames, and the
//! TCP/IP stack inside the chip stays unused.
//!
//! No call waits for the network: each one looks, does what can be done, and returns.

use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use w5500_ll::net::Eui48Addr;
use w5500_ll::{BufferSize, LinkStatus, Mode, Protocol, Registers};
use w5500_ll::{SOCKETS, Sn, SocketCommand, SocketInterrupt, SocketInterruptMask, SocketMode};

/// An Ethernet frame without its check sequence, which the chip makes and checks.
const FRAME_MAX: usize = 1514;
/// The shortest frame that may go on the wire; a shorter one is filled up with zeros.
const FRAME_MIN: usize = 60;
const ETHERNET_HEADER: usize = 14;
/// Before each received frame the chip puts its length, these two bytes included.
const LENGTH_FIELD: usize = 2;
/// Full-sized frames that the chip's 16 KiB of receive memory hold.
const BURST: usize = 10;
/// What the chip's version register reads as.
const VERSION: u8 = 4;
/// How often a register is read before the chip counts as dead. A read over SPI takes some 5 us.
const PATIENCE: usize = 200;
/// Socket 0, the only one that knows MACRAW.
const RAW: Sn = Sn::Sn0;

/// A chip that does not do what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChipError<E> {
    /// The bus does not work.
    Bus(E),
    /// Something else answers, or nothing does.
    Absent,
}

impl<E> From<E> for ChipError<E> {
    fn from(bus: E) -> Self {
        Self::Bus(bus)
    }
}

/// The chip itself.
#[derive(Debug)]
struct Chip<R> {
    registers: R,
    /// A frame has been handed to the chip and is not yet reported as sent.
    sending: bool,
}

impl<R: Registers> Chip<R> {
    /// Brings the chip up: all of its memory for the raw socket, an interrupt for a frame.
    fn start(mut registers: R, mac: [u8; 6]) -> Result<Self, ChipError<R::Error>> {
        registers.set_mr(Mode::DEFAULT.rst())?;
        let mut patience = 0..PATIENCE;
        while registers.version()? != VERSION || registers.mr()? != Mode::DEFAULT {
            patience.next().ok_or(ChipError::Absent)?;
        }
        for socket in SOCKETS {
            let share = if socket == RAW { BufferSize::KB16 } else { BufferSize::KB0 };
            registers.set_sn_rxbuf_size(socket, share)?;
            registers.set_sn_txbuf_size(socket, share)?;
        }
        registers.set_shar(&Eui48Addr { octets: mac })?;
        registers.set_sn_imr(RAW, SocketInterruptMask::ALL_MASKED.unmask_recv())?;
        registers.set_simr(RAW.bitmask())?;
        let mut chip = Self { registers, sending: false };
        chip.open()?;
        Ok(chip)
    }

    fn open(&mut self) -> Result<(), R::Error> {
        // Frames for this address and broadcasts only; other multicast is of no use to IPv4 here.
        let mode = SocketMode::DEFAULT.set_protocol(Protocol::Macraw).enable_mfen().enable_mmb();
        self.command(SocketCommand::Close)?;
        self.registers.set_sn_mr(RAW, mode)?;
        self.command(SocketCommand::Open)?;
        self.sending = false;
        Ok(())
    }

    /// The chip clears the command register when it has taken the command, within microseconds.
    fn command(&mut self, command: SocketCommand) -> Result<(), R::Error> {
        self.registers.set_sn_cr(RAW, command)?;
        for _ in 0..PATIENCE {
            if self.registers.sn_cr(RAW)? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Moves one frame out of the chip; `None` for no frame, and for one that is none.
    fn read_frame(&mut self, buffer: &mut [u8; FRAME_MAX]) -> Result<Option<usize>, R::Error> {
        let mut waiting = self.registers.sn_rx_rsr(RAW)?;
        if waiting == 0 {
            // Taken back only when all frames are out: the interrupt line says "frames wait". One
            // that comes in between is seen by the second look.
            self.registers.set_sn_ir(RAW, SocketInterrupt::RECV_MASK)?;
            waiting = self.registers.sn_rx_rsr(RAW)?;
        }
        if usize::from(waiting) < LENGTH_FIELD {
            return Ok(None);
        }
        let begin = self.registers.sn_rx_rd(RAW)?;
        let mut field = [0; LENGTH_FIELD];
        self.registers.sn_rx_buf(RAW, begin, &mut field)?;
        let total = u16::from_be_bytes(field);
        let len = usize::from(total).saturating_sub(LENGTH_FIELD);
        if total > waiting || !(ETHERNET_HEADER..=FRAME_MAX).contains(&len) {
            // Lengths and frames are out of step; nothing tells where the next one begins.
            self.open()?;
            return Ok(None);
        }
        let data = begin.wrapping_add(LENGTH_FIELD as u16);
        self.registers.sn_rx_buf(RAW, data, &mut buffer[..len])?;
        self.registers.set_sn_rx_rd(RAW, begin.wrapping_add(total))?;
        self.command(SocketCommand::Recv)?;
        Ok(Some(len))
    }

    /// Whether the longest frame could be handed over now.
    fn can_send(&mut self) -> Result<bool, R::Error> {
        if self.sending {
            if !self.registers.sn_ir(RAW)?.sendok_raised() {
                return Ok(false);
            }
            self.registers.set_sn_ir(RAW, SocketInterrupt::SENDOK_MASK)?;
            self.sending = false;
        }
        Ok(usize::from(self.registers.sn_tx_fsr(RAW)?) >= FRAME_MAX)
    }

    fn write_frame(&mut self, frame: &[u8]) -> Result<(), R::Error> {
        let begin = self.registers.sn_tx_wr(RAW)?;
        self.registers.set_sn_tx_buf(RAW, begin, frame)?;
        self.registers.set_sn_tx_wr(RAW, begin.wrapping_add(frame.len() as u16))?;
        self.command(SocketCommand::Send)?;
        self.sending = true;
        Ok(())
    }
}

/// The chip as smoltcp's device, with room for one frame each way.
#[derive(Debug)]
pub(crate) struct W5500<R> {
    chip: Chip<R>,
    received: [u8; FRAME_MAX],
    outgoing: [u8; FRAME_MAX],
}

impl<R: Registers> W5500<R> {
    /// Brings the chip up, with this hardware address: it has none of its own.
    pub(crate) fn start(registers: R, mac: [u8; 6]) -> Result<Self, ChipError<R::Error>> {
        let chip = Chip::start(registers, mac)?;
        Ok(Self { chip, received: [0; FRAME_MAX], outgoing: [0; FRAME_MAX] })
    }

    /// Whether the cable leads somewhere. The chip has no interrupt for it: ask every second or so.
    pub(crate) fn link_up(&mut self) -> bool {
        self.chip.registers.phycfgr().is_ok_and(|state| state.lnk() == LinkStatus::Up)
    }
}

impl<R: Registers> phy::Device for W5500<R> {
    type RxToken<'a>
        = RxToken<'a>
    where
        R: 'a;
    type TxToken<'a>
        = TxToken<'a, R>
    where
        R: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(RxToken<'_>, TxToken<'_, R>)> {
        // A frame is left in the chip until there is room for the answer to it. A bus that fails
        // is a frame lost, which the protocols above make good.
        if !self.chip.can_send().unwrap_or(false) {
            return None;
        }
        let len = self.chip.read_frame(&mut self.received).ok().flatten()?;
        let received = RxToken(&self.received[..len]);
        Some((received, TxToken { chip: &mut self.chip, frame: &mut self.outgoing }))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_, R>> {
        let ready = self.chip.can_send().unwrap_or(false);
        ready.then_some(TxToken { chip: &mut self.chip, frame: &mut self.outgoing })
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
    fn consume<T, F: FnOnce(&[u8]) -> T>(self, take: F) -> T {
        take(self.0)
    }
}

/// Room for a frame to send.
pub(crate) struct TxToken<'a, R> {
    chip: &'a mut Chip<R>,
    frame: &'a mut [u8; FRAME_MAX],
}

impl<R: Registers> phy::TxToken for TxToken<'_, R> {
    fn consume<T, F: FnOnce(&mut [u8]) -> T>(self, len: usize, fill: F) -> T {
        // smoltcp asks for no more than `capabilities` promise.
        let result = fill(&mut self.frame[..len]);
        let padded = len.max(FRAME_MIN);
        self.frame[len..padded].fill(0);
        // As above: a bus that fails is a frame lost.
        let _ = self.chip.write_frame(&self.frame[..padded]);
        result
    }
}
