//! How fast, how surely and how quietly programs find each other, beside the Python package, in one run.
//!
//! ```sh
//! cargo run --release -p cable-car-tests --bin discovery    # as root; --quick for fewer rounds
//! ```
//!
//! Every program is a process of its own, on a host of its own: a network namespace, on one bridge with
//! the others. Options are the default ones.

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod program;

use std::process::ExitCode;

use clap::Parser;

/// How fast, how surely and how quietly programs find each other, beside the Python package.
#[derive(Debug, Parser)]
struct Options {
    /// A tenth of the rounds: for a look, not for a claim.
    #[arg(long)]
    quick: bool,
    /// Rows whose name contains this alone.
    #[arg(long, default_value = "")]
    only: String,
    /// One of the programs that are measured; used by this one itself.
    #[arg(long, hide = true)]
    program: bool,
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use cable_car_tests::require::{Need, require_all};

    let options = Options::parse();
    if options.program {
        return child::run();
    }
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return ExitCode::FAILURE;
    }
    println!("| | cable-car | Python package |");
    println!("|---|---|---|");
    for (name, measure) in figures::ALL {
        if name.contains(&options.only) {
            let [ours, python] = program::KINDS.map(|kind| measure(kind, options.quick));
            println!("| {name} | {ours} | {python} |");
        }
    }
    ExitCode::SUCCESS
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    let _ = Options::parse();
    eprintln!("discovery: needs the network namespaces of Linux");
    ExitCode::FAILURE
}
