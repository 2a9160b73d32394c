//! The command line.

use cable_car_examples::options::Network;
use clap::Parser;

/// A game for two: the ball leaves one screen and enters the other.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "ball",
    version,
    after_help = "Keys: Up and Down (or w and s, k and j) move the paddle, Space serves, q, Esc or \
                  Ctrl-C to leave.\nWhoever lost a ball serves the next; at first, whoever likes."
)]
pub(crate) struct Options {
    /// Let the computer play for you
    #[arg(long)]
    pub(crate) auto: bool,

    /// Tell what happens, line by line, rather than draw it
    #[arg(long)]
    pub(crate) plain: bool,

    #[command(flatten)]
    pub(crate) network: Network,
}
