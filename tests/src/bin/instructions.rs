//! How many instructions a message takes, for each codec: figures that do not depend on what else
//! the machine does.
//!
//! ```sh
//! cargo run --release -p cable-car-tests --bin instructions
//! ```
//!
//! Needs valgrind. Each kernel is run under it twice, once for more messages than the other time:
//! what the second run takes beyond the first is what the messages take.

use std::{
    env,
    process::{Command, ExitCode},
};

use cable_car_tests::codecs::{KERNELS, MESSAGES, kernel};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [name, runs] = arguments.as_slice() {
        return run(name, runs);
    }
    for kernel in KERNELS {
        match instructions_a_message(kernel.name) {
            Ok(count) => println!("{:<32} {count:>6.1}", kernel.name),
            Err(error) => {
                eprintln!("instructions: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// What valgrind has to look at.
fn run(name: &str, runs: &str) -> ExitCode {
    let (Some(kernel), Ok(runs)) = (kernel(name), runs.parse::<u32>()) else {
        eprintln!("instructions: no such kernel, or no number of runs: {name} {runs}");
        return ExitCode::FAILURE;
    };
    let mut process = (kernel.prepare)();
    for _ in 0..runs {
        process();
    }
    ExitCode::SUCCESS
}

fn instructions_a_message(name: &str) -> Result<f64, String> {
    let few = instructions(name, 2)?;
    let many = instructions(name, 12)?;
    Ok((many - few) as f64 / (10 * MESSAGES) as f64)
}

fn instructions(name: &str, runs: u32) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(program).arg(name).arg(runs.to_string());
    let output = valgrind.output().map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected : "));
    let count = count.and_then(|(_, count)| count.trim().parse().ok());
    count.filter(|_| output.status.success()).ok_or_else(|| format!("valgrind says: {said}"))
}
