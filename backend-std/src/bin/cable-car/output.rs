//! What is told: events on stdout, as lines for people or as JSON, and remarks on stderr.

use std::fmt;
use std::io::{self, IsTerminal, StdoutLock, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::text::plain;
use crate::value::{Numbers, Value};

/// How a line is meant, for those who see colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Attention,
    Bad,
    /// What stands there for order's sake.
    Faint,
}

/// Where everything goes that is told.
pub(crate) struct Output {
    /// Written to a line at a time and to the system when the program is about to wait.
    stdout: io::BufWriter<StdoutLock<'static>>,
    started: Instant,
    json: bool,
    terminal: bool,
    colour: bool,
}

/// One thing that happened.
pub(crate) struct Event<'a> {
    /// What it is, for programs.
    pub(crate) name: &'static str,
    /// Whom it is about.
    pub(crate) peer: Option<String>,
    /// What belongs to it, for programs.
    pub(crate) fields: &'a [(&'static str, Value)],
    /// The same for people.
    pub(crate) words: fmt::Arguments<'a>,
    pub(crate) tone: Tone,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal() && has_cursor();
        let colour = AutoStream::choice(&stdout) != ColorChoice::Never;
        Self {
            stdout: io::BufWriter::with_capacity(1 << 16, stdout.lock()),
            started: Instant::now(),
            json,
            terminal: terminal && !json,
            colour,
        }
    }

    /// When the program began.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Whether programs read it.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person looks at it, so that lines can be written over.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The size of the terminal, columns and lines; all the room there is where there is none.
    pub(crate) fn window(&self) -> (usize, usize) {
        if !self.terminal {
            return (usize::MAX, usize::MAX);
        }
        let size = terminal_size::terminal_size();
        size.map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()))
    }

    /// Tells what happened.
    pub(crate) fn tell(&mut self, event: &Event<'_>) -> io::Result<()> {
        if self.json {
            return self.tell_programs(event);
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let time = self.paint(Tone::Faint, format_args!("{seconds:9.3}"));
        let words = self.paint(event.tone, event.words);
        match &event.peer {
            Some(peer) => writeln!(self.stdout, "{time}  {peer}  {words}"),
            None => writeln!(self.stdout, "{time}  {words}"),
        }
    }

    /// Tells programs what is wrong with this end; people are told by a remark.
    pub(crate) fn tell_programs_of_error(&mut self, error: &str) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        let fields = [("error", error.into())];
        let (words, tone) = (format_args!(""), Tone::Bad);
        self.tell(&Event { name: "error", peer: None, fields: &fields, words, tone })
    }

    fn tell_programs(&mut self, event: &Event<'_>) -> io::Result<()> {
        let mut entries = vec![
            ("event".to_owned(), event.name.into()),
            // Of a thousandth of a second is more said than is known.
            ("t".to_owned(), Value::Float(rounded(self.started.elapsed().as_secs_f64()))),
        ];
        entries.extend(event.peer.clone().map(|peer| ("peer".to_owned(), peer.into())));
        entries.extend(event.fields.iter().map(|(name, value)| ((*name).into(), value.clone())));
        let mut line = String::new();
        Value::Object(entries).write(Numbers::Strict, &mut line);
        line.push('\n');
        self.stdout.write_all(line.as_bytes())
    }

    /// Writes text that is laid out already.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.stdout.write_all(text.as_bytes())
    }

    /// Hands all that was told to the system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }

    /// The words in the colour of their tone, where there are colours.
    pub(crate) fn paint(&self, tone: Tone, words: fmt::Arguments<'_>) -> String {
        let style = match tone {
            _ if !self.colour => Style::new(),
            Tone::Plain => Style::new(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Attention => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Faint => Style::new().dimmed(),
        };
        format!("{style}{words}{style:#}")
    }
}

/// How a wait goes, for whoever looks on: one line on stderr, written over each second and gone at
/// the end. Nothing where stderr is no terminal, or programs read what is told.
pub(crate) struct Progress {
    /// When it is to be written anew, where there is somebody to see it.
    due: Option<Instant>,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(output: &Output) -> Self {
        let is_seen = !output.json && io::stderr().is_terminal() && has_cursor();
        Self { due: is_seen.then(Instant::now), shown: false }
    }

    /// When to show it next.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What was written since is where it was.
    pub(crate) fn renew(&mut self) {
        self.due = self.due.map(|_| Instant::now());
    }

    /// Writes it if it is due. The cursor stays at the beginning of the line, for what comes next.
    pub(crate) fn show(&mut self, words: fmt::Arguments<'_>) {
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.due = Some(Instant::now() + Duration::from_secs(1));
            self.shown = true;
            // Where stderr is gone, nobody looks on.
            let _ = write!(io::stderr(), "{words}\u{1b}[K\r");
        }
    }

    /// How long a wait goes on, with how many were heard so far.
    pub(crate) fn show_listening(&mut self, heard: usize, end: Instant) {
        let left = end.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
        self.show(format_args!("listening: {heard} heard, {left} s left"));
    }

    /// Takes it away for good.
    pub(crate) fn end(&mut self) {
        self.due = None;
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\u{1b}[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether a terminal, if there is one, can write a line over.
fn has_cursor() -> bool {
    std::env::var_os("TERM").is_none_or(|name| name != "dumb")
}

/// An address as people write it.
pub(crate) fn address(address: SocketAddr) -> String {
    SocketAddr::new(address.ip().to_canonical(), address.port()).to_string()
}

/// To thousandths.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// A remark for whoever looks on. What the network says in it is made plain.
pub(crate) fn remark(words: fmt::Arguments<'_>) {
    // Where stderr is gone, nobody looks on.
    let _ = writeln!(io::stderr(), "cable-car: {}", plain(&words.to_string()));
}
