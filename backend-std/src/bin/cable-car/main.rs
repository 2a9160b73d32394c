//! `cable-car`: who is on the network, what do they say, and why is one not found?
//!
//! - `scout` listens to beacons and shows who sends them
//! - `talk` is `join`, `connect` and `listen`: messages shown, messages typed
//! - `doctor` looks for what keeps peers from being found
//! - `pages` are the manual and the completions
//!
//! What they share: `options`, the command line; `output`, where events go, as lines or as JSON;
//! `transport` and `value`, messages as text; `ear`, the beacon port; `networks` and `ports`, what the
//! system tells of both; `text`, which makes harmless what comes from the network.

mod doctor;
mod ear;
mod failure;
mod networks;
mod options;
mod output;
mod pages;
mod ports;
mod scout;
mod stop;
mod talk;
mod text;
mod transport;
mod value;

use std::process::ExitCode;

use cable_car_std::{AnyByte, AnyJson};
use clap::Parser;

use crate::failure::{Failure, Outcome};
use crate::options::{Command, Options, Transport};
use crate::output::{Output, remark};
use crate::talk::Source;

fn main() -> ExitCode {
    let options = Options::parse();
    let mut output = Output::new(options.common.json);
    let outcome = run(&options, &mut output).and_then(|outcome| {
        output.flush()?;
        Ok(outcome)
    });
    match outcome {
        Ok(outcome) => outcome.into(),
        // Whoever reads may stop to at any time, as `head` does.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // What was told before comes before it; where that is lost, so is this.
            let _ =
                output.tell_programs_of_error(&failure.to_string()).and_then(|()| output.flush());
            remark(format_args!("{failure}"));
            failure.exit_code()
        }
    }
}

fn run(options: &Options, output: &mut Output) -> Result<Outcome, Failure> {
    let common = &options.common;
    let (talk, source) = match &options.command {
        Command::Scout => return scout::run(common, output),
        Command::Doctor { service, interfaces } => {
            return doctor::run(common, service, interfaces, output);
        }
        Command::Completions { shell } => {
            pages::completions(*shell, output)?;
            return Ok(Outcome::Fine);
        }
        Command::Man { command } => {
            pages::manual(command.as_deref(), output)?;
            return Ok(Outcome::Fine);
        }
        Command::Join { service, interfaces, loopback, once, talk } => {
            let source = Source::Broadcast {
                service: service.clone(),
                interfaces: interfaces.clone(),
                udp_port: common.udp_port,
                tcp_port: common.tcp_port,
                loopback: *loopback,
                once: *once,
            };
            (talk, source)
        }
        Command::Connect { address, talk } => (talk, Source::dial(address, common.tcp_port)?),
        Command::Listen { once, talk } => {
            (talk, Source::Port { port: common.tcp_port, once: *once })
        }
    };
    match talk.transport {
        Transport::Byte => talk::run::<AnyByte>(source, common.end, output),
        Transport::Json => talk::run::<AnyJson>(source, common.end, output),
    }
}
