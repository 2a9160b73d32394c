//! A cable between two hosts, through this process, which damages, swaps, repeats and loses what the
//! systems at its ends send: what a kernel without netem can not do to itself.

use std::mem;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use smoltcp::phy::{self, Device, Medium, RxToken, TunTapInterface, TxToken};
use smoltcp::time::{Duration, Instant};

use super::Host;
use crate::random::Random;
use crate::wired::Faults;

/// The Ethernet header, and what it says of IPv4.
const HEADER: usize = 14;
const IPV4: [u8; 2] = [8, 0];

/// A cable between the interfaces `bad0` of two hosts, which have no other network. It is gone when
/// this is dropped.
#[derive(Debug)]
pub struct BadCable {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl BadCable {
    /// Takes both hosts from their LAN, and gives them the addresses 10.79.0.1 and 10.79.0.2.
    ///
    /// # Panics
    ///
    /// If the devices can not be made; ask for `Need::Tap` first.
    #[must_use]
    pub fn between(hosts: [&Host; 2], faults: Faults, mut random: Random) -> Self {
        let ends = [(1, hosts[0]), (2, hosts[1])].map(|(number, host)| {
            host.set_link(false);
            let end = host.enter(open);
            host.namespace.ip(&format!("address add 10.79.0.{number}/24 brd + dev bad0"));
            host.namespace.ip("link set bad0 up");
            end
        });
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut ends = ends.map(|(end, mtu)| {
                let device = TunTapInterface::from_fd(end, Medium::Ethernet, mtu);
                End { device: device.expect("it was one"), held: None, sent: 0 }
            });
            let mut suffered = 0;
            while !stopped.load(Ordering::Relaxed) {
                for from in 0..2 {
                    suffered += pass(&mut ends, from, faults, &mut random);
                }
            }
            suffered
        });
        Self { stop, thread: Some(thread) }
    }

    /// Takes the cable away; how many frames something has happened to.
    ///
    /// # Panics
    ///
    /// If a device has failed.
    pub fn remove(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map_or(0, |thread| thread.join().expect("it passes frames on"))
    }
}

impl Drop for BadCable {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Makes the device here, and hands it over as what can be handed to a thread.
fn open() -> (RawFd, usize) {
    let device = TunTapInterface::new("bad0", Medium::Ethernet).expect("/dev/net/tun");
    let end = (device.as_raw_fd(), device.capabilities().max_transmission_unit);
    mem::forget(device);
    end
}

struct End {
    device: TunTapInterface,
    /// What the next frame to this end is to overtake.
    held: Option<Vec<u8>>,
    sent: u32,
}

impl End {
    fn send(&mut self, frame: &[u8]) {
        if let Some(token) = self.device.transmit(Instant::ZERO) {
            token.consume(frame.len(), |space| space.copy_from_slice(frame));
        }
    }
}

/// Passes on what has come to one end; how many frames something has happened to.
fn pass(ends: &mut [End; 2], from: usize, faults: Faults, random: &mut Random) -> u64 {
    // Where there is nothing, a moment is waited for.
    let _ = phy::wait(ends[from].device.as_raw_fd(), Some(Duration::from_millis(1)));
    let mut suffered = 0;
    let to = 1 - from;
    while let Some((frame, _)) = ends[from].device.receive(Instant::ZERO) {
        let mut frame = frame.consume(<[u8]>::to_vec);
        let end = &mut ends[to];
        end.sent += 1;
        let is_due = |every: u32| every > 0 && end.sent.is_multiple_of(every);
        let (swap, repeat) = (is_due(faults.swap_every), is_due(faults.repeat_every));
        let lost = random.percent(faults.drop.into());
        // Of others nobody would notice it: ARP has no checksum.
        let damaged = random.percent(faults.corrupt.into()) && frame[12..HEADER] == IPV4;
        suffered += u64::from(swap || repeat || lost || damaged);
        if lost {
            continue;
        }
        if damaged {
            let at = HEADER + random.below(frame.len() - HEADER);
            frame[at] ^= 1 << random.below(8);
        }
        if swap && end.held.is_none() {
            end.held = Some(frame);
            continue;
        }
        for _ in 0..=u32::from(repeat) {
            end.send(&frame);
        }
        let overtaken = end.held.take();
        overtaken.into_iter().for_each(|frame| end.send(&frame));
    }
    // Nothing has overtaken it.
    let late = ends[to].held.take();
    late.into_iter().for_each(|frame| ends[to].send(&frame));
    suffered
}
