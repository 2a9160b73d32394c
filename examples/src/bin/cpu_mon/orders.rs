//! What the user wants, by keys and signals.

use std::io;

use cable_car_examples::inputs::{Input, Inputs};
use cable_car_std::Waker;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

/// What the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Quit,
    Redraw,
}

/// Where orders come together.
pub(crate) struct Orders(Inputs);

impl Orders {
    /// Signals that end a program are orders from now on; `waker` is woken at each order.
    pub(crate) fn new(waker: Waker) -> io::Result<Self> {
        let inputs = Inputs::new(Some(waker));
        inputs.heed_signals()?;
        Ok(Self(inputs))
    }

    /// The next order that has been given, if there is one.
    pub(crate) fn next(&self) -> Option<Order> {
        std::iter::from_fn(|| self.0.next()).find_map(|input| order(&input))
    }

    /// Takes keys for orders, once the terminal gives each of them at once.
    pub(crate) fn heed_keys(&self) -> io::Result<()> {
        self.0.heed_keys()
    }
}

fn order(input: &Input) -> Option<Order> {
    match input {
        Input::Resized => Some(Order::Redraw),
        Input::Quit
        | Input::Key(KeyEvent { code: KeyCode::Esc | KeyCode::Char('q' | 'Q'), .. }) => {
            Some(Order::Quit)
        }
        Input::Key(_) | Input::Line(_) => None,
    }
}
