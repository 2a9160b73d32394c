//! What was said, and what happened besides.

use std::collections::VecDeque;
use std::fmt;

use cable_car_examples::text::printable;

/// How many lines are kept.
const LINES: usize = 1000;

/// The latest lines, the oldest first.
#[derive(Debug)]
pub(crate) struct Room {
    me: String,
    lines: VecDeque<Line>,
    /// How many of them were asked for as news already.
    told: usize,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Said { by: String, text: String },
    Remark(String),
}

impl Room {
    pub(crate) fn new(me: &str) -> Self {
        Self { me: me.to_owned(), lines: VecDeque::new(), told: 0 }
    }

    /// What this side is called.
    pub(crate) fn me(&self) -> &str {
        &self.me
    }

    /// A peer says something.
    pub(crate) fn said(&mut self, by: &impl fmt::Display, text: &str) {
        self.push(Line::Said { by: by.to_string(), text: printable(text) });
    }

    /// This side says something. Where it is a peer of itself, it is said twice.
    pub(crate) fn said_by_me(&mut self, text: &str) {
        self.push(Line::Said { by: self.me.clone(), text: printable(text) });
    }

    /// Something happens.
    pub(crate) fn remark(&mut self, words: fmt::Arguments<'_>) {
        self.push(Line::Remark(printable(&words.to_string())));
    }

    /// All lines, the latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().rev()
    }

    /// The lines that have come since this was asked last.
    pub(crate) fn news(&mut self) -> impl Iterator<Item = &Line> {
        let told = std::mem::replace(&mut self.told, self.lines.len());
        self.lines.iter().skip(told)
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
            self.told = self.told.saturating_sub(1);
        }
        self.lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_come_once_and_old_lines_go() {
        let mut room = Room::new("ann");
        room.said(&"bob", "hi\u{1b}[2J");
        room.remark(format_args!("bob\n is gone"));
        let news: Vec<_> = room.news().cloned().collect();
        let hi = Line::Said { by: "bob".into(), text: "hi[2J".into() };
        assert_eq!(news, [hi, Line::Remark("bob is gone".into())]);
        assert_eq!(room.news().count(), 0);
        for _ in 0..LINES {
            room.said_by_me("again");
        }
        room.said_by_me("last");
        assert_eq!(room.latest().count(), LINES);
        assert_eq!(room.news().count(), LINES);
        assert!(matches!(room.latest().next(), Some(Line::Said { text, .. }) if text == "last"));
    }
}
