//! The manual pages and the completions, made from the command line itself.

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::failure::Failure;
use crate::options::Options;
use crate::output::Output;

/// Writes the completions for a shell.
pub(crate) fn completions(shell: Shell, output: &mut Output) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Options::command(), "cable-car", &mut script);
    output.write(&String::from_utf8_lossy(&script))
}

/// Writes the manual page of the tool or of one of its commands.
pub(crate) fn manual(command: Option<&str>, output: &mut Output) -> Result<(), Failure> {
    let mut tool = Options::command();
    // Options that every command takes become part of each.
    tool.build();
    let page = match command {
        None => Man::new(tool.disable_help_subcommand(true)),
        Some(name) => match tool.find_subcommand(name) {
            Some(command) => Man::new(command.clone()).title(format!("cable-car-{name}")),
            None => {
                let names: Vec<&str> = tool.get_subcommands().map(Command::get_name).collect();
                let names = names.join(", ");
                return Err(Failure::Usage(format!("no command {name:?}: there are {names}")));
            }
        },
    };
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok(output.write(&String::from_utf8_lossy(&text))?)
}
