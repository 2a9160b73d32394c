//! What a machine must have for a test, found out by trying, and named where it is missing.
//!
//! ```no_run
//! use cable_car_tests::require::{Need, require};
//!
//! if !require(Need::Peer) {
//!     return; // "ignored: needs ..." has been printed
//! }
//! ```

use std::{
    env, fmt,
    io::{self, Write},
    path::Path,
    process::Command,
};

use crate::{firmware, netns, python};

/// With this variable set to `1`, what a machine lacks is a failure.
pub const TEST_ALL: &str = "CABLE_CAR_TEST_ALL";

/// Something that not every machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A Python that can make virtual environments.
    Python,
    /// The Python package under test, installed (see [`python::environment`]).
    Peer,
    /// Network namespaces: root and iproute2.
    Namespaces,
    /// Packet filters in network namespaces, for faults on the wire.
    Nft,
    /// TAP devices.
    Tap,
    /// The firmware's compiler and its emulator (see [`firmware::image`]).
    Firmware,
    /// A program on the search path.
    Program(&'static str),
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python => f.write_str("python3 with venv"),
            Self::Peer => write!(f, "the Python package cable_car {}", python::VERSION),
            Self::Namespaces => f.write_str("network namespaces (root and iproute2)"),
            Self::Nft => f.write_str("nft (nftables)"),
            Self::Tap => f.write_str("TAP devices (/dev/net/tun)"),
            Self::Firmware => write!(f, "the firmware's tools: {}", firmware::PACKAGES),
            Self::Program(name) => write!(f, "the program {name}"),
        }
    }
}

/// Whether the machine has what a test needs; if not, says so.
///
/// # Panics
///
/// With `CABLE_CAR_TEST_ALL=1`, when it is missing.
#[must_use]
pub fn require(need: Need) -> bool {
    let Err(reason) = probe(need) else {
        return true;
    };
    let reason = if reason.is_empty() { reason } else { format!(" ({reason})") };
    if env::var(TEST_ALL).is_ok_and(|value| value == "1") {
        panic!("needs {need}{reason}");
    }
    // Not by println!, which the test harness keeps to itself when a test passes. If stderr is
    // gone, nobody is there to be told.
    let _ = writeln!(io::stderr(), "ignored: needs {need}{reason}");
    false
}

/// [`require`] for several things; the first missing one is named.
#[must_use]
pub fn require_all(needs: &[Need]) -> bool {
    needs.iter().all(|&need| require(need))
}

fn probe(need: Need) -> Result<(), String> {
    match need {
        Need::Python => python::interpreter().map(drop).map_err(str::to_owned),
        Need::Peer => python::environment().map(drop).map_err(str::to_owned),
        Need::Namespaces => netns::available().map_err(str::to_owned),
        Need::Tap if Path::new("/dev/net/tun").exists() => Ok(()),
        Need::Tap => Err(String::new()),
        Need::Nft => starts("nft"),
        Need::Firmware => firmware::image().map(drop).map_err(str::to_owned),
        Need::Program(name) => starts(name),
    }
}

fn starts(program: &str) -> Result<(), String> {
    Command::new(program).arg("--version").output().map(drop).map_err(|error| error.to_string())
}
