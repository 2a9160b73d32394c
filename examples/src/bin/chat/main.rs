//! A chat: whatever is typed goes to everyone on this network who runs this program.
//!
//! ```sh
//! cargo run --bin chat               # on two machines, or twice on one
//! cargo run --bin chat -- --loopback # alone
//! ```
//!
//! A Python program takes part with the package `cable_car` and three classes of JSON messages:
//! `MsgIdentify`, `MsgQuit`, and a `MsgChat` with a `text`.
//!
//! - `peers` is what a program of one's own would copy: discovery, links and messages in one thread
//! - `room` is what was said, and who is here
//! - `screen` shows it on a terminal; without one, lines go in and out

mod options;
mod peers;
mod room;
mod screen;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use cable_car_examples::inputs::{Input, Inputs};
use cable_car_examples::options::{Trouble, exit, remark, with_option};
use cable_car_examples::terminal;
use cable_car_std::Watch;
use clap::Parser;

use crate::options::Options;
use crate::peers::Peers;
use crate::room::{Line, Room};
use crate::screen::Screen;

fn main() -> ExitCode {
    exit("chat", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let watch = Watch::new()?;
    let inputs = Inputs::new(Some(watch.waker()));
    inputs.heed_signals()?;
    let me = options.identify()?;
    let mut room = Room::new(me.username());
    let mut peers = Peers::start(options, me, watch).map_err(with_option)?;
    let mut view = View::open(options, &inputs)?;
    let end = options.network.end_at();
    while end.is_none_or(|end| end > std::time::Instant::now()) {
        view.show(&mut room, &peers)?;
        peers.work(&mut room, end)?;
        while let Some(input) = inputs.next() {
            match view.read(input) {
                Order::Say(text) => {
                    peers.say(&text, &mut room);
                    room.said_by_me(&text);
                }
                Order::Leave => {
                    view.show(&mut room, &peers)?;
                    peers.leave();
                    return Ok(());
                }
                Order::Nothing => {}
            }
        }
    }
    peers.leave();
    Ok(())
}

/// What the user wants.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    Say(String),
    Leave,
    Nothing,
}

/// What a line that was typed means.
fn order(line: &str) -> Order {
    match line.trim() {
        "" => Order::Nothing,
        "/quit" | "/q" => Order::Leave,
        text => Order::Say(text.to_owned()),
    }
}

/// How it is shown: as lines, or on the whole terminal.
enum View {
    Lines(Trouble),
    Whole(Screen),
}

impl View {
    fn open(options: &Options, inputs: &Inputs) -> io::Result<Self> {
        if options.plain || !terminal::is_there() {
            inputs.heed_lines()?;
            remark("chat", "nobody else is here yet");
            return Ok(Self::Lines(Trouble::of("chat")));
        }
        let screen = Screen::open()?;
        inputs.heed_keys()?;
        Ok(Self::Whole(screen))
    }

    fn read(&mut self, input: Input) -> Order {
        match (self, input) {
            (_, Input::Quit) => Order::Leave,
            (_, Input::Line(line)) => order(&line),
            (Self::Whole(screen), input) => screen.read(&input),
            (Self::Lines(_), _) => Order::Nothing,
        }
    }

    fn show(&mut self, room: &mut Room, peers: &Peers) -> io::Result<()> {
        match self {
            Self::Whole(screen) => screen.show(room, &peers.names(), peers.trouble().as_deref()),
            Self::Lines(trouble) => {
                trouble.tell(peers.trouble());
                for line in room.news() {
                    match line {
                        Line::Said { by, text } => writeln!(io::stdout(), "{by}: {text}")?,
                        Line::Remark(text) => remark("chat", text),
                    }
                }
                io::stdout().flush()
            }
        }
    }
}
