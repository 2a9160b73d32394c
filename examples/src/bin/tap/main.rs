//! A peer on a TAP device, with a network stack of its own in this program: to the other machines of
//! the network it is one more machine, which needs neither hardware nor the system's sockets.
//!
//! It joins by broadcast with the default ports, greets each peer with `Identify` and answers `Join`
//! with `Join`, and prints what happens: a partner for firmware and for programs under test. On
//! Linux alone:
//!
//! ```sh
//! sudo ip tuntap add dev tap0 mode tap user $USER
//! sudo ip link set tap0 up
//! sudo ip address add 10.77.0.1/24 brd + dev tap0 # this machine's side of the cable
//! cargo run --bin tap -- --tap tap0 --ip 10.77.0.2/24
//! ```
//!
//! Any program that takes part in discovery on this machine finds it; so do others on the network,
//! where a bridge joins `tap0` with the network's interface.

#[cfg(target_os = "linux")]
mod peer;

use std::{error::Error, net::Ipv4Addr, process::ExitCode, time::Duration};

use cable_car_examples::options::seconds;
use clap::Parser;

/// Takes part in discovery on a TAP device, by a network stack of its own, and prints what happens.
#[derive(Debug, Parser)]
#[command(name = "tap", version)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "TAP devices are Linux's"))]
struct Options {
    /// The TAP device, which must be up
    #[arg(long, value_name = "IFNAME")]
    tap: String,

    /// This peer's own address, another one than the system's
    #[arg(long, value_name = "A.B.C.D/N", value_parser = network)]
    ip: (Ipv4Addr, u8),

    /// The way to other networks
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<Ipv4Addr>,

    /// End after so long; otherwise go on until killed
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    end: Option<Duration>,

    /// What to call oneself
    #[arg(long, default_value = "tap")]
    name: String,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tap: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    peer::run(options)
}

#[cfg(not(target_os = "linux"))]
fn run(_: &Options) -> Result<(), Box<dyn Error>> {
    Err("TAP devices are Linux's; the example `wire` needs none".into())
}

fn network(text: &str) -> Result<(Ipv4Addr, u8), &'static str> {
    let parts = text.split_once('/').ok_or("no /N behind the address, as in 10.77.0.2/24")?;
    let address = parts.0.parse().map_err(|_| "not an IPv4 address")?;
    Ok((address, parts.1.parse().map_err(|_| "not a number of bits")?))
}
