//! How fast cable-car is, beside the limit and beside others, in one run.
//!
//! ```sh
//! cargo run --release -p cable-car-tests --features peers --bin bench
//! ```
//!
//! Each piece of work is done by two processes of this program, over loopback. All subjects take
//! their turn, then all of them again: what the machine does meanwhile meets them alike, and a ratio
//! is one of two neighbours. Every receiver checks what came.

mod job;
mod options;
mod peers;
mod plan;
mod report;
mod run;
mod span;

use std::process::ExitCode;

use clap::Parser as _;

use crate::options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(job) = &options.job {
        return run::take_part(job);
    }
    let plan = plan::plan(&options);
    if plan.is_empty() {
        eprintln!("bench: no row has such a name and such a subject");
        return ExitCode::FAILURE;
    }
    let format = options.format();
    report::begin(format);
    match run::run(&plan, options.pace(), |row| report::print(row, format)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
