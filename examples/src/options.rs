//! Options that several examples have, and what is said of their mistakes.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cable_car_std::{BroadcastConnector, Builder, StartError};
use clap::Args;

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// By what peers find each other, and for how long.
#[derive(Args, Clone, Debug)]
pub struct Network {
    /// Be a peer of oneself as well, to try it alone: what is sent comes back
    #[arg(short, long)]
    pub loopback: bool,

    /// The UDP port by which peers find each other, the same for all of them
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 8222,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub udp_port: u16,

    /// The TCP port over which they talk, the same for all of them
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 8223,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub tcp_port: u16,

    /// End after so long; otherwise go on until told to end
    #[arg(
        long = "for",
        value_name = "SECONDS",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    pub end: Option<Duration>,
}

impl Network {
    /// A connector with these ports, for programs of `service` alone.
    pub fn connector(&self, service: &str) -> Builder {
        BroadcastConnector::builder()
            .udp_port(self.udp_port)
            .tcp_port(self.tcp_port)
            .allow_loopback(self.loopback)
            .service(service)
    }

    /// When the program is to end, from now on.
    #[must_use]
    pub fn end_at(&self) -> Option<Instant> {
        self.end.map(|end| Instant::now() + end)
    }
}

/// A number of seconds, up to a year's.
///
/// # Errors
/// What to give instead.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|&duration| duration <= YEAR)
        .ok_or_else(|| "give a number of seconds up to a year's, such as 3 or 0.5".to_owned())
}

/// The error, and which option has to do with it.
#[must_use]
pub fn with_option(error: StartError) -> Box<dyn Error> {
    let option = match error {
        StartError::BeaconPort(..) => "--udp-port",
        StartError::TcpPort(..) => "--tcp-port",
        _ => return error.into(),
    };
    format!("{error} ({option})").into()
}

/// A remark for whoever looks on, after the program's name.
pub fn remark(program: &str, words: impl Display) {
    // Where stderr is gone, nobody looks on.
    let _ = writeln!(io::stderr(), "{program}: {words}");
}

/// Remarks on what keeps a program from finding others, when that comes or is something else.
#[derive(Debug)]
pub struct Trouble {
    program: &'static str,
    told: Option<String>,
}

impl Trouble {
    /// There is none yet.
    #[must_use]
    pub fn of(program: &'static str) -> Self {
        Self { program, told: None }
    }

    /// How it is now.
    pub fn tell(&mut self, trouble: Option<String>) {
        if let Some(trouble) = &trouble
            && self.told.as_ref() != Some(trouble)
        {
            remark(self.program, trouble);
        }
        self.told = trouble;
    }
}

/// How a program ends: what went wrong goes to standard error, after the program's name.
#[must_use]
pub fn exit(program: &str, result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Err(error) if !is_broken_pipe(&*error) => {
            remark(program, error);
            ExitCode::FAILURE
        }
        // Whoever reads what is written may stop to at any time, as `head` does.
        _ => ExitCode::SUCCESS,
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
