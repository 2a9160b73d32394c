//! What passes between smoltcp and the device, seen on its way: signs of life, and a device that
//! takes nothing more. smoltcp keeps both to itself.

use core::cell::Cell;
use core::net::Ipv4Addr;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, PacketMeta, RxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TCP_HEADER_LEN, TcpPacket,
};

/// Who sent a TCP segment, to which of our ports, and whether it can take data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) from: (Ipv4Addr, u16),
    pub(crate) to_port: u16,
    pub(crate) zero_window: bool,
}

impl Heard {
    /// `None` for anything that is not a TCP segment. Checksums are smoltcp's business: a damaged
    /// segment is a sign of life as well.
    fn in_frame(frame: &[u8], medium: Medium) -> Option<Self> {
        let packet = match medium {
            Medium::Ethernet => {
                let frame = EthernetFrame::new_checked(frame).ok()?;
                if frame.ethertype() != EthernetProtocol::Ipv4 {
                    return None;
                }
                frame.payload()
            }
            #[allow(unreachable_patterns)] // other media exist only with features of smoltcp
            _ => frame,
        };
        let ip = Ipv4Packet::new_checked(packet).ok()?;
        if ip.version() != 4 || ip.next_header() != IpProtocol::Tcp || ip.frag_offset() != 0 {
            return None;
        }
        let segment = ip.payload();
        if segment.len() < TCP_HEADER_LEN {
            return None;
        }
        let tcp = TcpPacket::new_unchecked(segment);
        Some(Self {
            from: (ip.src_addr(), tcp.src_port()),
            to_port: tcp.dst_port(),
            zero_window: tcp.window_len() == 0 && !tcp.rst(),
        })
    }
}

/// A device with an ear on it, for the length of one call into smoltcp.
pub(crate) struct Tap<'d, D> {
    device: &'d mut D,
    medium: Medium,
    heard: Cell<Option<Heard>>,
    refused: bool,
}

impl<'d, D: Device> Tap<'d, D> {
    pub(crate) fn new(device: &'d mut D, medium: Medium) -> Self {
        Self { device, medium, heard: Cell::new(None), refused: false }
    }

    /// The TCP segment in the last received frame.
    pub(crate) fn heard(&self) -> Option<Heard> {
        self.heard.get()
    }

    /// Whether the device had no room for something to send.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }
}

impl<D: Device> Device for Tap<'_, D> {
    type RxToken<'t>
        = TapRx<'t, D::RxToken<'t>>
    where
        Self: 't;
    type TxToken<'t>
        = D::TxToken<'t>
    where
        Self: 't;

    fn receive(&mut self, timestamp: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let (rx, tx) = self.device.receive(timestamp)?;
        Some((TapRx { rx, medium: self.medium, heard: &self.heard }, tx))
    }

    fn transmit(&mut self, timestamp: Instant) -> Option<Self::TxToken<'_>> {
        let token = self.device.transmit(timestamp);
        self.refused |= token.is_none();
        token
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.device.capabilities()
    }
}

pub(crate) struct TapRx<'t, R> {
    rx: R,
    medium: Medium,
    heard: &'t Cell<Option<Heard>>,
}

impl<R: RxToken> RxToken for TapRx<'_, R> {
    fn consume<T, F: FnOnce(&[u8]) -> T>(self, f: F) -> T {
        self.rx.consume(|frame| {
            self.heard.set(Heard::in_frame(frame, self.medium));
            f(frame)
        })
    }

    fn meta(&self) -> PacketMeta {
        self.rx.meta()
    }
}
