//! Keys and signals, brought to the one place where the program waits.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use cable_car_std::Waker;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Quit,
    Redraw,
}

/// Where orders come together. Each source has a thread, which sleeps in the system.
pub(crate) struct Orders {
    given: Receiver<Order>,
    give: Give,
}

#[derive(Clone)]
struct Give {
    orders: Sender<Order>,
    waker: Waker,
}

impl Give {
    /// `false` once nobody takes orders any more.
    fn give(&self, order: Order) -> bool {
        let given = self.orders.send(order).is_ok();
        self.waker.wake();
        given
    }
}

impl Orders {
    /// `waker` is woken at each order.
    pub(crate) fn new(waker: Waker) -> Self {
        let (orders, given) = mpsc::channel();
        Self { given, give: Give { orders, waker } }
    }

    /// The next order that has been given, if there is one.
    pub(crate) fn next(&self) -> Option<Order> {
        self.given.try_recv().ok()
    }

    /// Takes the signals that end a program for orders, so that it can put the terminal in order
    /// and take leave of its peers.
    pub(crate) fn heed_signals(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

            let give = self.give.clone();
            let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
            thread::Builder::new().name("signals".into()).spawn(move || {
                for _ in signals.forever() {
                    give.give(Order::Quit);
                }
            })?;
        }
        Ok(())
    }

    /// Takes keys for orders, once the terminal gives each of them at once.
    pub(crate) fn heed_keys(&self) -> io::Result<()> {
        let give = self.give.clone();
        thread::Builder::new().name("keys".into()).spawn(move || {
            // Where the terminal can not be read, signals are still heeded.
            while let Ok(event) = event::read() {
                if order(&event).is_some_and(|order| !give.give(order)) {
                    return;
                }
            }
        })?;
        Ok(())
    }
}

fn order(event: &Event) -> Option<Order> {
    match event {
        Event::Resize(..) => Some(Order::Redraw),
        Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => None,
        Event::Key(KeyEvent { code: KeyCode::Esc | KeyCode::Char('q' | 'Q'), .. }) => {
            Some(Order::Quit)
        }
        Event::Key(KeyEvent { code: KeyCode::Char('c'), modifiers, .. })
            if modifiers.contains(KeyModifiers::CONTROL) =>
        {
            Some(Order::Quit)
        }
        _ => None,
    }
}
