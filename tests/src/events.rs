//! A program that tells what happens, a JSON object a line, and what a test waits for in it.

use std::{
    collections::VecDeque,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::process::{PATIENCE, Process};

/// A program under test whose standard output is events.
#[derive(Debug)]
pub struct Events {
    process: Process,
    skipped: VecDeque<Value>,
}

impl Events {
    /// Starts the program.
    ///
    /// # Panics
    ///
    /// If it can not be started.
    #[must_use]
    pub fn spawn(command: Command) -> Self {
        Self { process: Process::spawn(command), skipped: VecDeque::new() }
    }

    /// The next event that has not been taken; `None` after `timeout`, or when it has ended.
    ///
    /// # Panics
    ///
    /// If it writes anything but events.
    pub fn next_event(&mut self, timeout: Duration) -> Option<Value> {
        self.skipped.pop_front().or_else(|| self.read_event(timeout))
    }

    /// The next event of that name. Others before it are kept for later calls, in order.
    ///
    /// # Panics
    ///
    /// If there is none within [`PATIENCE`]; the message holds what the program has written.
    pub fn expect(&mut self, event: &str) -> Value {
        self.expect_within(event, PATIENCE)
    }

    /// [`Events::expect`] with a time of its own.
    ///
    /// # Panics
    ///
    /// If there is none within `timeout`; the message holds what the program has written.
    pub fn expect_within(&mut self, event: &str, timeout: Duration) -> Value {
        match self.find(timeout, |next| next["event"] == event) {
            Some(found) => found,
            None => {
                panic!("no event {event} within {timeout:?} from {}", self.process.transcript())
            }
        }
    }

    /// The next event that `wanted` takes. Others before it are kept for later calls, in order.
    ///
    /// # Panics
    ///
    /// If there is none within [`PATIENCE`]; the message holds what the program has written.
    pub fn expect_where(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        match self.find(PATIENCE, wanted) {
            Some(found) => found,
            None => panic!("no such event from {}", self.process.transcript()),
        }
    }

    /// Whether an event of that name comes within `timeout`; it is taken.
    ///
    /// # Panics
    ///
    /// If it writes anything but events.
    pub fn has(&mut self, event: &str, timeout: Duration) -> bool {
        self.find(timeout, |next| next["event"] == event).is_some()
    }

    /// The program itself: its end, its processor time, what it has written.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The next event that `wanted` takes, if one comes within `timeout`. Others before it are kept for
    /// later calls, in order.
    ///
    /// # Panics
    ///
    /// If it writes anything but events.
    pub fn find(&mut self, timeout: Duration, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(found) = self.skipped.iter().position(&wanted) {
            return self.skipped.remove(found);
        }
        let deadline = Instant::now() + timeout;
        while let Some(next) = self.read_event(deadline.saturating_duration_since(Instant::now())) {
            if wanted(&next) {
                return Some(next);
            }
            self.skipped.push_back(next);
        }
        None
    }

    fn read_event(&mut self, timeout: Duration) -> Option<Value> {
        let line = self.process.next_line(timeout)?;
        Some(serde_json::from_str(&line).unwrap_or_else(|e| panic!("not an event: {e}: {line}")))
    }
}
