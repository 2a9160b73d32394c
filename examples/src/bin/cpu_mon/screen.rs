//! The live table on the terminal.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use cable_car_examples::terminal::Terminal;

use crate::machines::Machines;
use crate::options::Options;
use crate::table::{Scene, draw};

/// How often ages are brought up to date.
const SLOW: Duration = Duration::from_secs(1);
/// How long changes are gathered, so that many of them cost no more than one.
const FAST: Duration = Duration::from_millis(50);
/// How many remarks are shown.
const REMARKS: usize = 8;

/// The live view.
pub(crate) struct Screen {
    terminal: Terminal,
    verbose: bool,
    waiting: String,
    remarks: VecDeque<String>,
    drawn: Option<Instant>,
    hurry: bool,
}

impl Screen {
    /// Takes the terminal over.
    pub(crate) fn open(options: &Options) -> io::Result<Self> {
        Ok(Self {
            terminal: Terminal::open()?,
            verbose: options.verbose,
            waiting: options.waiting(),
            remarks: VecDeque::new(),
            drawn: None,
            hurry: true,
        })
    }

    /// For those who asked for more words.
    pub(crate) fn remark(&mut self, words: fmt::Arguments<'_>) {
        if !self.verbose {
            return;
        }
        if self.remarks.len() == REMARKS {
            self.remarks.pop_front();
        }
        self.remarks.push_back(words.to_string());
    }

    /// There is something new to show.
    pub(crate) fn hurry(&mut self) {
        self.hurry = true;
    }

    /// When it must be shown again.
    pub(crate) fn due(&self) -> Instant {
        let pause = if self.hurry { FAST } else { SLOW };
        self.drawn.map_or_else(Instant::now, |drawn| drawn + pause)
    }

    /// Shows how it is, if that is due.
    pub(crate) fn show(
        &mut self,
        machines: &Machines,
        trouble: Option<&str>,
        now: Instant,
    ) -> io::Result<()> {
        if self.drawn.is_some() && now < self.due() {
            return Ok(());
        }
        let (waiting, remarks) = (&self.waiting, &self.remarks);
        let scene = Scene { machines, waiting, trouble, remarks, now };
        self.terminal.draw(|frame| draw(frame, &scene))?;
        self.drawn = Some(now);
        self.hurry = false;
        Ok(())
    }
}
