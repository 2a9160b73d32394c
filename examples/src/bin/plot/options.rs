//! The command line.

use cable_car_examples::options::Network;
use clap::Parser;

/// Plots what sensors on this network measure.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "plot",
    version,
    after_help = "Keys: + and - for more or fewer readings, q, Esc or Ctrl-C to leave.\n\
                  With --loopback a sensor runs in this program. A microcontroller that is one, \
                  emulated:\nexamples/firmware/run --sensor --user"
)]
pub(crate) struct Options {
    /// How often sensors are to measure, in milliseconds
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 100,
        value_parser = clap::value_parser!(u16).range(10..=10_000)
    )]
    pub(crate) pace: u16,

    /// Write a line a reading rather than a plot, as is done anyway without a terminal
    #[arg(long)]
    pub(crate) plain: bool,

    #[command(flatten)]
    pub(crate) network: Network,
}
