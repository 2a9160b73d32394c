//! What was found, told as it is found, and counted.

use crate::failure::{Failure, Outcome};
use crate::output::{Event, Output, Tone};
use crate::text::{count, plain, wrap};
use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Good,
    /// Not as it could be, and no fault by itself.
    Note,
    Bad,
}

/// One thing that was looked at.
pub(super) struct Finding {
    check: &'static str,
    grade: Grade,
    words: String,
    todo: Vec<String>,
    peer: Option<String>,
}

impl Finding {
    pub(super) fn good(check: &'static str, words: impl Into<String>) -> Self {
        Self { check, grade: Grade::Good, words: words.into(), todo: Vec::new(), peer: None }
    }

    pub(super) fn note(check: &'static str, words: impl Into<String>) -> Self {
        Self { grade: Grade::Note, ..Self::good(check, words) }
    }

    pub(super) fn bad(check: &'static str, words: impl Into<String>) -> Self {
        Self { grade: Grade::Bad, ..Self::good(check, words) }
    }

    /// What to do about it; more than one thing may have to be tried.
    pub(super) fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo.push(todo.into());
        self
    }

    pub(super) fn about(self, peer: impl Into<String>) -> Self {
        Self { peer: Some(peer.into()), ..self }
    }
}

/// Everything that was looked at.
pub(super) struct Findings<'o> {
    output: &'o mut Output,
    faults: usize,
}

impl<'o> Findings<'o> {
    pub(super) fn new(output: &'o mut Output) -> Self {
        Self { output, faults: 0 }
    }

    pub(super) fn tell(&mut self, finding: Finding) -> Result<(), Failure> {
        let Finding { check, grade, words, todo, peer } = finding;
        self.faults += usize::from(grade == Grade::Bad);
        let (name, mark, tone) = match grade {
            Grade::Good => ("ok", "ok", Tone::Good),
            Grade::Note => ("note", "note", Tone::Attention),
            Grade::Bad => ("fault", "FAULT", Tone::Bad),
        };
        if self.output.is_json() {
            let fields = [
                ("check", check.into()),
                ("result", name.into()),
                ("text", words.into()),
                ("todo", Value::Array(todo.into_iter().map(Value::Text).collect())),
            ];
            let words = format_args!("");
            self.output.tell(&Event { name: "check", peer, fields: &fields, words, tone })?;
        } else {
            let mark = self.output.paint(tone, format_args!("{mark:<5}"));
            let mut text = String::new();
            self.lay_out(&mut text, &format!("{mark}  "), 7, &words);
            for todo in todo {
                self.lay_out(&mut text, "       -> ", 10, &todo);
            }
            self.output.write(&text)?;
        }
        Ok(self.output.flush()?)
    }

    /// Writes words behind `head`, which is `indent` characters wide, and below.
    fn lay_out(&self, text: &mut String, head: &str, indent: usize, words: &str) {
        let (width, _) = self.output.window();
        for (index, line) in wrap(&plain(words), width.saturating_sub(indent)).iter().enumerate() {
            match index {
                0 => text.push_str(head),
                _ => text.extend(std::iter::repeat_n(' ', indent)),
            }
            text.push_str(line);
            text.push('\n');
        }
    }

    pub(super) fn verdict(self) -> Result<Outcome, Failure> {
        let (words, tone) = match self.faults {
            0 => ("nothing is wrong".to_owned(), Tone::Good),
            faults => (count(faults, "fault"), Tone::Bad),
        };
        if self.output.is_json() {
            let fields = [("faults", Value::from(self.faults as u64))];
            let words = format_args!("");
            self.output.tell(&Event {
                name: "verdict",
                peer: None,
                fields: &fields,
                words,
                tone,
            })?;
        } else {
            let words = self.output.paint(tone, format_args!("{words}"));
            self.output.write(&format!("{words}\n"))?;
        }
        Ok(if self.faults == 0 { Outcome::Fine } else { Outcome::Fault })
    }
}
