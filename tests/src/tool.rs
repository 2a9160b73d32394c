//! The tool `cable-car`, as its users run it: from a shell, or from a program that reads its JSON.

use std::{
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    events::Events,
    netns::Host,
    process::{PATIENCE, Process},
    program,
};

/// The tool, to be run on this machine.
#[must_use]
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(program::tool());
    command.args(arguments);
    command
}

/// The tool, to be run on a host of a LAN.
#[must_use]
pub fn command_on(host: &Host, arguments: &[&str]) -> Command {
    let mut command = host.command(program::tool());
    command.args(arguments);
    command
}

/// Starts it with `--json` on a host.
#[must_use]
pub fn events_on(host: &Host, arguments: &[&str]) -> Events {
    let mut command = command_on(host, arguments);
    command.arg("--json");
    Events::spawn(command)
}

/// What became of a run: exit code, standard output, standard error.
#[derive(Debug)]
pub struct Run {
    /// The exit code; none where it was killed.
    pub code: Option<i32>,
    /// What it told.
    pub stdout: String,
    /// What it remarked.
    pub stderr: String,
}

/// Runs a command to its end, with nothing to read.
///
/// # Panics
///
/// If it can not be started.
#[must_use]
pub fn run(mut command: Command) -> Run {
    let output: Output = command.stdin(Stdio::null()).output().expect("it has just been built");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes UTF-8");
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The exit code of a program that ends by itself.
///
/// # Panics
///
/// If it does not; the message holds what it has written.
pub fn exit_code(process: &mut Process) -> i32 {
    let status = process.wait(PATIENCE).unwrap_or_else(|| panic!("{}", process.transcript()));
    status.code().unwrap_or_else(|| panic!("killed: {}", process.transcript()))
}

/// Waits until a program has written this, to whichever stream.
///
/// # Panics
///
/// If it does not; the message holds what it has written.
pub fn expect_text(process: &Process, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !process.transcript().contains(text) {
        assert!(Instant::now() < deadline, "no {text:?} from {}", process.transcript());
        thread::sleep(Duration::from_millis(5));
    }
}
