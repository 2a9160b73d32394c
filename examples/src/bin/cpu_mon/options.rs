//! The command line.

use std::time::Duration;

use cable_car_examples::options::seconds;
use clap::Parser;

/// The shortest interval: more would be load rather than tell of it.
const SHORTEST: Duration = Duration::from_millis(50);

/// Shows how busy the machines of this network are, as far as they run this program or the Python
/// package's cpu_mon.py, and tells them how busy this one is.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cpu_mon",
    version,
    after_help = "Keys in the live table: q, Esc or Ctrl-C to leave."
)]
pub(crate) struct Options {
    /// Be a peer of oneself as well: see this machine too
    #[arg(short, long)]
    pub(crate) loopback: bool,

    /// Tell of each connection, loss and bad message
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Write a log rather than a live table, as is done anyway where output is no terminal
    #[arg(long)]
    pub(crate) plain: bool,

    /// How often to report, and to look for other machines
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "3",
        value_parser = interval,
        allow_negative_numbers = true
    )]
    pub(crate) interval: Duration,

    /// The UDP port by which machines find each other, the same on all of them
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 8226,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub(crate) udp_port: u16,

    /// The TCP port over which they report, the same on all of them
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 8227,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub(crate) tcp_port: u16,

    /// End after so long; otherwise go on until told to end
    #[arg(
        long = "for",
        value_name = "SECONDS",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    pub(crate) end: Option<Duration>,
}

impl Options {
    /// What is done while there is nobody to show.
    pub(crate) fn waiting(&self) -> String {
        let hint = if self.loopback { "" } else { "; -l shows this machine" };
        format!(
            "beacon sent to UDP {} every {} s, connections taken on TCP {}{hint}",
            self.udp_port,
            self.interval.as_secs_f64(),
            self.tcp_port,
        )
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = seconds(text)?;
    if interval < SHORTEST {
        return Err(format!("give at least {} seconds", SHORTEST.as_secs_f64()));
    }
    Ok(interval)
}
