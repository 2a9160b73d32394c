//! A ball between two screens: it leaves one and enters the other.
//!
//! ```sh
//! cargo run --bin ball               # on two machines, or in two terminals of one
//! cargo run --bin ball -- --loopback # alone: what leaves comes back
//! ```
//!
//! The players face each other, each with a half of the field on a screen. Each sees it from an own
//! side: what is far to the right for one is far to the right for the other, too, so that what
//! crosses is turned around.
//!
//! - `messages` is what they tell each other, as bytes
//! - `rival` finds the other player, and passes messages: it never waits
//! - `field` is the game: a half of the field, its balls, and the paddle
//! - `screen` draws it

mod field;
mod messages;
mod options;
mod rival;
mod screen;

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cable_car_examples::inputs::{Input, Inputs};
use cable_car_examples::options::{Trouble, exit, remark, with_option};
use cable_car_examples::terminal;
use clap::Parser;
use ratatui::crossterm::event::KeyCode;

use crate::field::{Event, Field};
use crate::options::Options;
use crate::rival::{News, Rival};
use crate::screen::Screen;

/// The field moves on by steps of this length.
const STEP: Duration = Duration::from_micros(16_667);
/// How often one looks whether another player has come.
const SEARCH: Duration = Duration::from_millis(100);
/// A machine that was asleep does not make up for more than this.
const LONGEST_FRAME: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    exit("ball", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if !options.plain && !terminal::is_there() {
        return Err(
            "it needs a terminal to draw on; --plain tells what happens, line by line".into()
        );
    }
    let inputs = Inputs::new(None);
    inputs.heed_signals()?;
    let mut rival = Rival::seek(options).map_err(with_option)?;
    let mut view = View::open(options, &inputs)?;
    let result = play(options, &inputs, &mut rival, &mut view);
    rival.leave();
    result.map_err(Into::into)
}

fn play(options: &Options, inputs: &Inputs, rival: &mut Rival, view: &mut View) -> io::Result<()> {
    let end = options.network.end_at();
    let mut field = Field::new();
    let mut simulated = Instant::now();
    while end.is_none_or(|end| end > Instant::now()) {
        let frame = Instant::now();
        simulated = simulated.max(frame.checked_sub(LONGEST_FRAME).unwrap_or(frame));
        while simulated + STEP <= frame {
            simulated += STEP;
            if options.auto && rival.is_here() {
                field.play_by_itself();
            }
            for event in field.step(STEP.as_secs_f32()) {
                view.tell(&event)?;
                rival.tell(&event);
            }
        }
        for news in rival.work(field.paddle()) {
            view.hear(&news)?;
            match news {
                News::Here(_) | News::Gone(_) => field = Field::new(),
                News::Ball(ball) => field.enter(ball),
                News::Paddle(paddle) => field.rival = Some(paddle.y),
                News::Missed => field.won(),
                News::Bad(_) => {}
            }
        }
        view.draw(&field, rival)?;
        let pause = if rival.is_here() { STEP } else { SEARCH };
        match inputs.wait(simulated + pause) {
            Some(Input::Quit) => break,
            Some(Input::Key(key)) => match key.code {
                KeyCode::Esc | KeyCode::Char('q' | 'Q') => break,
                KeyCode::Up | KeyCode::Char('k' | 'w') => field.move_paddle(true),
                KeyCode::Down | KeyCode::Char('j' | 's') => field.move_paddle(false),
                KeyCode::Char(' ') if rival.is_here() => field.serve(),
                _ => {}
            },
            _ => {}
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
        if options.plain {
            remark("ball", "looking for another player");
            return Ok(Self::Lines(Trouble::of("ball")));
        }
        let screen = Screen::open()?;
        inputs.heed_keys()?;
        Ok(Self::Whole(screen))
    }

    fn tell(&self, event: &Event) -> io::Result<()> {
        match self {
            Self::Lines(_) => line(format_args!("{event}")),
            Self::Whole(_) => Ok(()),
        }
    }

    fn hear(&mut self, news: &News) -> io::Result<()> {
        match (self, news) {
            (Self::Whole(screen), News::Here(_)) => screen.remark(String::new()),
            (Self::Whole(screen), News::Gone(_) | News::Bad(_)) => screen.remark(news.to_string()),
            // One comes with each key.
            (Self::Whole(_), _) | (Self::Lines(_), News::Paddle(_)) => {}
            (Self::Lines(_), news) => line(format_args!("{news}"))?,
        }
        Ok(())
    }

    fn draw(&mut self, field: &Field, rival: &Rival) -> io::Result<()> {
        match self {
            Self::Whole(screen) => screen.draw(field, rival),
            Self::Lines(trouble) => {
                trouble.tell(rival.trouble());
                Ok(())
            }
        }
    }
}

fn line(words: fmt::Arguments<'_>) -> io::Result<()> {
    writeln!(io::stdout(), "{words}")
}
