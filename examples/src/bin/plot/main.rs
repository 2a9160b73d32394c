//! Plots what sensors on this network measure.
//!
//! ```sh
//! cargo run --bin plot                                      # waits for sensors
//! cargo run --bin plot -- --loopback                        # alone: with a sensor in this program
//! examples/firmware/run --sensor --user                     # a microcontroller, emulated
//! ```
//!
//! - the crate `sensor` in `examples/sensor` has the messages, and the sensor
//! - `sensors` finds sensors and takes what they tell, all in one thread
//! - `screen` plots it; without a terminal, each reading is a line

mod options;
mod screen;
mod sensors;
mod stand_in;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use cable_car_examples::inputs::{Input, Inputs};
use cable_car_examples::options::{Trouble, exit, remark, with_option};
use cable_car_examples::terminal;
use cable_car_std::Watch;
use clap::Parser;
use ratatui::crossterm::event::KeyCode;

use crate::options::Options;
use crate::screen::Screen;
use crate::sensors::{Happening, Sensors};
use crate::stand_in::StandIn;

fn main() -> ExitCode {
    exit("plot", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let watch = Watch::new()?;
    let inputs = Inputs::new(Some(watch.waker()));
    inputs.heed_signals()?;
    let mut sensors = Sensors::start(options, watch).map_err(with_option)?;
    let stand_in = if options.network.loopback { Some(StandIn::start(options)?) } else { None };
    let mut view = View::open(options, &inputs)?;
    let result = plot(options, &inputs, &mut sensors, &mut view);
    drop(view);
    sensors.leave();
    drop(stand_in);
    result.map_err(Into::into)
}

fn plot(
    options: &Options,
    inputs: &Inputs,
    sensors: &mut Sensors,
    view: &mut View,
) -> io::Result<()> {
    let end = options.network.end_at();
    while end.is_none_or(|end| end > Instant::now()) {
        view.show(sensors)?;
        let deadline = [end, view.due()].into_iter().flatten().min();
        for happening in sensors.work(deadline)? {
            view.tell(&happening)?;
        }
        while let Some(input) = inputs.next() {
            match input {
                Input::Quit => return Ok(()),
                Input::Key(key) => match key.code {
                    KeyCode::Esc | KeyCode::Char('q' | 'Q') => return Ok(()),
                    KeyCode::Char('+' | '=') => sensors.set_pace(sensors.pace_ms() / 2),
                    KeyCode::Char('-') => sensors.set_pace(sensors.pace_ms().saturating_mul(2)),
                    _ => {}
                },
                Input::Resized => view.hurry(),
                Input::Line(_) => {}
            }
        }
    }
    Ok(())
}

/// How it is shown.
enum View {
    Lines(Trouble),
    Whole(Screen),
}

impl View {
    fn open(options: &Options, inputs: &Inputs) -> io::Result<Self> {
        if options.plain || !terminal::is_there() {
            remark("plot", "no sensor is here yet");
            return Ok(Self::Lines(Trouble::of("plot")));
        }
        let screen = Screen::open(options)?;
        inputs.heed_keys()?;
        Ok(Self::Whole(screen))
    }

    /// One line: readings are what is asked for, all else is a remark.
    fn tell(&mut self, happening: &Happening) -> io::Result<()> {
        match (self, happening) {
            (Self::Whole(screen), happening) => {
                screen.tell(happening);
                Ok(())
            }
            (Self::Lines(_), Happening::Reading { .. }) => writeln!(io::stdout(), "{happening}"),
            (Self::Lines(_), happening) => {
                remark("plot", happening);
                Ok(())
            }
        }
    }

    fn show(&mut self, sensors: &Sensors) -> io::Result<()> {
        match self {
            Self::Whole(screen) => screen.show(sensors, Instant::now()),
            Self::Lines(trouble) => {
                trouble.tell(sensors.trouble());
                Ok(())
            }
        }
    }

    /// There is something new to show.
    fn hurry(&mut self) {
        if let Self::Whole(screen) = self {
            screen.hurry();
        }
    }

    /// When it must be shown again though nothing happened.
    fn due(&self) -> Option<Instant> {
        match self {
            Self::Whole(screen) => Some(screen.due()),
            Self::Lines(_) => None,
        }
    }
}
