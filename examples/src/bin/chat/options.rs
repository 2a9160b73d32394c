//! The command line.

use std::error::Error;

use cable_car_examples::options::Network;
use cable_car_std::{Identify, identify};
use clap::Parser;

/// A chat with everyone on this network who runs this program, or a Python program that has its
/// message.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "chat",
    version,
    after_help = "What is typed goes to everyone. /quit, Esc or Ctrl-C to leave; PageUp and \
                  PageDown to look back.\nWithout a terminal, lines go in and out: one a message.\n\
                  With --loopback a line is there twice: as you said it, and as you heard it."
)]
pub(crate) struct Options {
    /// What you are called; otherwise by the name that this machine knows you by
    #[arg(short, long)]
    name: Option<String>,

    /// Lines in and out rather than the whole terminal, as is done anyway without one
    #[arg(long)]
    pub(crate) plain: bool,

    #[command(flatten)]
    pub(crate) network: Network,
}

impl Options {
    /// Who is here.
    pub(crate) fn identify(&self) -> Result<Identify, Box<dyn Error>> {
        let me = identify()?;
        let Some(name) = &self.name else { return Ok(me) };
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err("--name: give a name, such as ann".into());
        }
        let me = Identify::new(name, me.hostname());
        me.map_err(|error| format!("--name: {error}").into())
    }
}
