//! Keys, lines and signals, brought to the one place where a program waits.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use cable_car_std::Waker;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Something from the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// A line was typed or piped in.
    Line(String),
    /// The window has another size.
    Resized,
    /// The program is to end: a signal, or Ctrl-C.
    Quit,
}

/// Where they come together. Each source has a thread, which sleeps in the system.
#[derive(Debug)]
pub struct Inputs {
    given: Receiver<Input>,
    give: Give,
}

#[derive(Clone, Debug)]
struct Give {
    inputs: Sender<Input>,
    waker: Option<Waker>,
}

impl Give {
    /// `false` once nobody takes them any more.
    fn give(&self, input: Input) -> bool {
        let given = self.inputs.send(input).is_ok();
        if let Some(waker) = &self.waker {
            waker.wake();
        }
        given
    }
}

impl Inputs {
    /// `waker`, if there is one, is woken at each.
    #[must_use]
    pub fn new(waker: Option<Waker>) -> Self {
        let (inputs, given) = mpsc::channel();
        Self { given, give: Give { inputs, waker } }
    }

    /// The next one that has come, if there is one.
    pub fn next(&self) -> Option<Input> {
        self.given.try_recv().ok()
    }

    /// Sleeps until one comes, but no longer than until `deadline`.
    pub fn wait(&self, deadline: Instant) -> Option<Input> {
        self.given.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
    }

    /// Takes the signals that end a program, so that it can put the terminal in order and take
    /// leave of its peers.
    ///
    /// # Errors
    /// What the system says.
    pub fn heed_signals(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

            let give = self.give.clone();
            let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
            thread::Builder::new().name("signals".into()).spawn(move || {
                for _ in signals.forever() {
                    give.give(Input::Quit);
                }
            })?;
        }
        Ok(())
    }

    /// Takes keys, once the terminal gives each of them at once.
    ///
    /// # Errors
    /// What the system says.
    pub fn heed_keys(&self) -> io::Result<()> {
        let give = self.give.clone();
        thread::Builder::new().name("keys".into()).spawn(move || {
            // Where the terminal can not be read, signals are still heeded.
            while let Ok(event) = event::read() {
                if input(&event).is_some_and(|input| !give.give(input)) {
                    return;
                }
            }
        })?;
        Ok(())
    }

    /// Takes the lines of standard input. Its end is nothing to take.
    ///
    /// # Errors
    /// What the system says.
    pub fn heed_lines(&self) -> io::Result<()> {
        let give = self.give.clone();
        thread::Builder::new().name("lines".into()).spawn(move || {
            // A line that is no text ends them.
            for line in io::stdin().lines().map_while(Result::ok) {
                if !give.give(Input::Line(line)) {
                    return;
                }
            }
        })?;
        Ok(())
    }
}

fn input(event: &Event) -> Option<Input> {
    match event {
        Event::Resize(..) => Some(Input::Resized),
        Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => None,
        Event::Key(KeyEvent { code: KeyCode::Char('c'), modifiers, .. })
            if modifiers.contains(KeyModifiers::CONTROL) =>
        {
            Some(Input::Quit)
        }
        Event::Key(key) => Some(Input::Key(*key)),
        _ => None,
    }
}
