//! The command line.

use std::time::Duration;

use cable_car_std::cable_car::discovery::{Service, TCP_PORT, UDP_PORT};
use clap::{Args, Parser, Subcommand, ValueEnum};

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const EXIT_CODES: &str = "\
Exit codes:
  0  all is well: somebody was heard, or links stood and ended as they should
  1  nobody was found, a link ended with an error, a line could not be sent, or doctor found a fault
  2  the command line is wrong
  3  it could not begin: a port is taken, or the system refused something

Ctrl-C ends a command as --for does: what is queued is sent, and peers are told goodbye.";

const EVENTS: &str = "\
Events with --json, and what belongs to them beside `event`, `t` and `peer`:
  found, left, peer   kind (legacy or extended), service, instance, tcp_port, interface; and age
  connected           kind and instance, where the peer was found by beacons
  message             code and payload (hex), or name and attributes. NaN, Infinity and -Infinity,
                      which JSON does not have, are text
  error               error: what came was no message; without `peer`, what keeps this end from work
  unreachable         error: a peer was heard and can not be dialled
  closed              reason
  check, verdict      check, result (ok, note or fault), text, todo (a list); faults (their number)";

/// Finds the peers of this network, talks with them, and says why one is not found.
///
/// Peers are programs that use cable-car, firmware among them, and Python programs that use the
/// package cable_car. They find each other by beacons on a UDP port and talk over TCP.
#[derive(Clone, Debug, Parser)]
#[command(name = "cable-car", version, after_help = EXIT_CODES, after_long_help = format!("{EVENTS}\n\n{EXIT_CODES}"))]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) common: Common,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct Common {
    /// The UDP port of the beacons, the same for all peers
    #[arg(
        long,
        global = true,
        value_name = "PORT",
        default_value_t = UDP_PORT,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub(crate) udp_port: u16,

    /// The TCP port that peers are dialled at
    #[arg(
        long,
        global = true,
        value_name = "PORT",
        default_value_t = TCP_PORT,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub(crate) tcp_port: u16,

    /// End after so long
    #[arg(
        long = "for",
        global = true,
        value_name = "SECONDS",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    pub(crate) end: Option<Duration>,

    /// Write one JSON object a line: `event`, `t` in seconds since the start, `peer`, and more
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Show who is on the network
    ///
    /// Listens to beacons, for 5 seconds unless told otherwise, and sends nothing: nobody is
    /// connected with. On a terminal it is a live table, otherwise a line for each peer when it is
    /// heard first (`found`) and when it says goodbye (`left`); with --json also a `peer` for each at
    /// the end, with its `age`, the seconds since its last beacon.
    Scout,

    /// Take part: find peers by broadcast, show what they send, send what is typed
    #[command(after_help = INPUT)]
    Join {
        /// What the peers are for: only programs of the same service find each other, and Python
        /// programs [default: none]
        #[arg(long, value_name = "NAME", value_parser = service, default_value = "", hide_default_value = true)]
        service: Service,

        /// Take part by this interface alone, by its name or its address; may be given several times
        #[arg(long = "interface", value_name = "NAME")]
        interfaces: Vec<String>,

        /// Be a peer of oneself as well
        #[arg(long)]
        loopback: bool,

        /// Look for one peer, and end when its link ends
        #[arg(long)]
        once: bool,

        #[command(flatten)]
        talk: Talk,
    },

    /// Dial an address, show what comes, send what is typed
    #[command(after_help = INPUT)]
    Connect {
        /// An address or a host name; without a port, that of --tcp-port is dialled
        #[arg(value_name = "ADDRESS[:PORT]")]
        address: String,

        #[command(flatten)]
        talk: Talk,
    },

    /// Wait on the TCP port for peers that dial, show what they send, send what is typed
    #[command(after_help = INPUT)]
    Listen {
        /// Take one peer, and end when its link ends
        #[arg(long)]
        once: bool,

        #[command(flatten)]
        talk: Talk,
    },

    /// Say why a peer is not found, and what to do about it
    ///
    /// Looks at the interfaces and at who holds the ports, sends beacons and hears whether they come
    /// back, listens to the others for 5 seconds unless told otherwise, and dials each of them once.
    /// Other programs of cable-car do not notice; a Python program takes the dial for a connection,
    /// which ends at once.
    Doctor {
        /// What the peers should be for, as for join [default: none]
        #[arg(long, value_name = "NAME", value_parser = service, default_value = "", hide_default_value = true)]
        service: Service,

        /// Look at this interface alone, by its name or its address; may be given several times
        #[arg(long = "interface", value_name = "NAME")]
        interfaces: Vec<String>,
    },

    /// Write completions for a shell
    ///
    /// For example: cable-car completions bash > ~/.local/share/bash-completion/completions/cable-car
    Completions {
        /// Which one
        shell: clap_complete::Shell,
    },

    /// Write the manual page, or that of one command
    ///
    /// For example: cable-car man > cable-car.1
    Man {
        /// The command that the page is about
        command: Option<String>,
    },
}

/// How to talk with peers.
#[derive(Clone, Debug, Args)]
pub(crate) struct Talk {
    /// How messages are laid out, which peers must have agreed on
    #[arg(long, value_enum, value_name = "NAME", default_value = "json")]
    pub(crate) transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// A code and at most 252 bytes
    Byte,
    /// A class name and attributes
    Json,
}

const INPUT: &str = "\
Input: each line is a message to all peers. Lines that come before there is a peer wait for one.
  --transport json   [\"Name\",{\"attribute\":value}]     such as [\"MsgJoin\",{}]
  --transport byte   CODE BYTES, all in hexadecimal   such as 0x11 7b666f6f, or 11 7b 66 6f 6f
A line that is no message is told on stderr and not sent, and the next one is read.

Ctrl-D on a terminal ends the command. The end of a file or a pipe does not: all of it is sent, and
the command goes on until --for is over, until the peer closes the only link (connect, --once), or
until Ctrl-C.";

impl Common {
    /// How long to listen where that was not said.
    pub(crate) fn listen_for(&self) -> Duration {
        self.end.unwrap_or(Duration::from_secs(5))
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|&duration| duration <= YEAR)
        .ok_or_else(|| "give a number of seconds up to a year's, such as 3 or 0.5".to_owned())
}

fn service(text: &str) -> Result<Service, String> {
    Service::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }
}
