//! The command line.

use std::time::Duration;

use clap::Parser;

use crate::job::Subject;

/// Measures cable-car beside plain TCP and beside other libraries.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub(crate) struct Options {
    /// A look, in under a minute: fewer and shorter rounds
    #[arg(long)]
    quick: bool,
    /// One JSON object a row and subject
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// The tables of the README
    #[arg(long)]
    markdown: bool,
    /// Only the row of this name, or else those whose names contain it, such as "one-way byte"; may
    /// be given several times
    #[arg(long = "row", value_name = "TEXT")]
    pub(crate) rows: Vec<String>,
    /// Only these subjects
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) subjects: Vec<Subject>,
    /// How often each subject takes its turn
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// What one process of a measurement does
    #[arg(long, hide = true)]
    pub(crate) job: Option<String>,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
}

/// How much time is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) rounds: u32,
    /// For work that has no end of its own.
    pub(crate) span: Duration,
}

impl Options {
    pub(crate) fn format(&self) -> Format {
        match (self.json, self.markdown) {
            (true, _) => Format::Json,
            (_, true) => Format::Markdown,
            _ => Format::Text,
        }
    }

    pub(crate) fn pace(&self) -> Pace {
        let (rounds, millis) = if self.quick { (2, 50) } else { (7, 250) };
        Pace { rounds: self.rounds.unwrap_or(rounds), span: Duration::from_millis(millis) }
    }
}
