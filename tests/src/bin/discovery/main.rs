//! How fast, how surely and how quietly programs find each other, beside the Python package, in one run.
//!
//! ```sh
//! cargo run --release -p cable-car-tests --bin discovery    # as root; --quick for fewer rounds
//! ```
//!
//! Every program is a process of its own, on a host of its own: a network namespace, on one bridge with
//! the others. Options are the default ones. The run has failed where a row of ours has anything
//! missing.

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod figure;
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
    let rows: Vec<_> =
        figures::ALL.into_iter().filter(|(name, _)| name.contains(&options.only)).collect();
    if rows.is_empty() {
        let names = figures::ALL.map(|(name, _)| name).join("\n  ");
        eprintln!("discovery: no row has such a name: {:?}; there are\n  {names}", options.only);
        return ExitCode::FAILURE;
    }
    println!("| median, 99th percentile and maximum of times | cable-car | Python package |");
    println!("|---|---|---|");
    let mut bad = Vec::new();
    for (name, measure) in rows {
        let [ours, python] = program::KINDS.map(|kind| measure(kind, options.quick));
        println!("| {name} | {} | {} |", ours.text, python.text);
        if !ours.good {
            bad.push(name);
        }
    }
    for name in &bad {
        eprintln!("discovery: not as it must be with cable-car: {name}");
    }
    if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    let _ = Options::parse();
    eprintln!("discovery: needs the network namespaces of Linux");
    ExitCode::FAILURE
}
