//! The terminal: taken over, and given back as it was.

use std::io::{self, IsTerminal};
use std::ops::{Deref, DerefMut};

use ratatui::DefaultTerminal;

/// Whether standard output is a terminal that can be drawn on.
#[must_use]
pub fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !dumb && io::stdout().is_terminal()
}

/// A terminal that was taken over. When this is dropped, and when the program panics, it is as it
/// was.
#[derive(Debug)]
pub struct Terminal(DefaultTerminal);

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// What the system says; the terminal is as it was.
    pub fn open() -> io::Result<Self> {
        ratatui::try_init().inspect_err(|_| ratatui::restore()).map(Self)
    }
}

impl Deref for Terminal {
    type Target = DefaultTerminal;

    fn deref(&self) -> &DefaultTerminal {
        &self.0
    }
}

impl DerefMut for Terminal {
    fn deref_mut(&mut self) -> &mut DefaultTerminal {
        &mut self.0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // After a panic it has been done, before the panic was told: doing it again would put the
        // cursor back into what was told.
        if !std::thread::panicking() {
            ratatui::restore();
        }
    }
}
