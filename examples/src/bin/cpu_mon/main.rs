//! Who is on this network, and how busy are they?
//!
//! Every machine that runs this program, or the `cpu_mon.py` of the Python package `cable_car`,
//! finds the others by broadcast and tells them its figures: processor, memory, swap, load,
//! temperature. On a terminal they are a live table, otherwise a log.
//!
//! - `peers` is what a program of one's own would copy: discovery, links and messages in one thread
//! - `stats` is the message and where its figures come from
//! - `machines` is what is known about the others
//! - `screen`, `table` and `log` show it
//! - `orders` brings keys and signals to the one place where the program waits

mod log;
mod machines;
mod options;
mod orders;
mod peers;
mod screen;
mod stats;
mod table;
mod text;

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use cable_car_examples::options::{exit, with_option};
use cable_car_examples::terminal;
use cable_car_std::Watch;
use clap::Parser;

use crate::log::Log;
use crate::machines::Machines;
use crate::options::Options;
use crate::orders::{Order, Orders};
use crate::peers::{Happening, Peers};
use crate::screen::Screen;

fn main() -> ExitCode {
    exit("cpu_mon", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let watch = Watch::new()?;
    let orders = Orders::new(watch.waker())?;
    let mut peers = Peers::start(options, watch).map_err(with_option)?;
    let mut view = View::open(options, &orders)?;
    let mut machines = Machines::default();
    let end = options.end.map(|end| Instant::now() + end);
    loop {
        view.show(&machines, peers.trouble(), Instant::now())?;
        let deadline = [Some(peers.due()), end, view.due()].into_iter().flatten().min();
        let happenings = peers.work(deadline)?;
        let now = Instant::now();
        for happening in happenings {
            note(&mut machines, &mut view, happening, now)?;
        }
        machines.forget(now);
        match orders.next() {
            Some(Order::Quit) => return Ok(()),
            Some(Order::Redraw) => view.hurry(),
            None => {}
        }
        if end.is_some_and(|end| end <= now) {
            return Ok(());
        }
    }
}

/// Enters into the table what has happened, and lets it be seen.
fn note(
    machines: &mut Machines,
    view: &mut View,
    happening: Happening,
    now: Instant,
) -> io::Result<()> {
    view.hurry();
    match happening {
        Happening::Joined(remote) => {
            machines.joined(remote);
            view.remark(format_args!("{remote} connected"));
        }
        Happening::Lost(remote, why) => {
            machines.lost(remote, now);
            view.remark(format_args!("{remote} lost: {why}"));
        }
        Happening::Bad(remote, bad) => {
            view.remark(format_args!("{remote} sent what is no report: {bad}"));
        }
        Happening::Skipped(remote, why) => view.remark(format_args!("{remote} not told: {why}")),
        Happening::Report(remote, stats) => {
            if machines.reported(remote, *stats, now)
                && let Some(machine) = machines.get(remote.ip())
            {
                view.report(machine)?;
            }
        }
    }
    Ok(())
}

/// How it is shown.
enum View {
    Plain(Log<io::Stdout, io::Stderr>),
    Live(Screen),
}

impl View {
    fn open(options: &Options, orders: &Orders) -> io::Result<Self> {
        if options.plain || !terminal::is_there() {
            return Ok(Self::Plain(Log::new(io::stdout(), io::stderr(), options)));
        }
        let screen = Screen::open(options)?;
        orders.heed_keys()?;
        Ok(Self::Live(screen))
    }

    fn report(&mut self, machine: &machines::Machine) -> io::Result<()> {
        match self {
            Self::Plain(log) => log.report(machine),
            Self::Live(_) => Ok(()),
        }
    }

    /// Something that only those who asked for more words want to know.
    fn remark(&mut self, words: fmt::Arguments<'_>) {
        match self {
            Self::Plain(log) => log.remark(words),
            Self::Live(screen) => screen.remark(words),
        }
    }

    fn show(
        &mut self,
        machines: &Machines,
        trouble: Option<String>,
        now: Instant,
    ) -> io::Result<()> {
        match self {
            Self::Plain(log) => {
                log.show(machines, trouble);
                Ok(())
            }
            Self::Live(screen) => screen.show(machines, trouble.as_deref(), now),
        }
    }

    /// There is something new to show.
    fn hurry(&mut self) {
        if let Self::Live(screen) = self {
            screen.hurry();
        }
    }

    /// When it must be shown again though nothing happened.
    fn due(&self) -> Option<Instant> {
        match self {
            Self::Plain(_) => None,
            Self::Live(screen) => Some(screen.due()),
        }
    }
}
