//! `scout`: who is on the network, from their beacons alone.

mod table;

use std::io;
use std::time::{Duration, Instant};

use self::table::{Entry, Known, News};
use crate::ear::{self, Ear};
use crate::failure::{Failure, Outcome};
use crate::options::Common;
use crate::output::{Event, Output, Progress, Tone, remark, rounded};
use crate::text::{count, plain};
use crate::value::Value;

/// How often the live table is written anew.
const REDRAW: Duration = Duration::from_millis(250);

pub(crate) fn run(common: &Common, output: &mut Output) -> Result<Outcome, Failure> {
    let mut ear = Ear::open(ear::bind(common.udp_port)?)?;
    let span = common.listen_for();
    let end = output.started() + span;
    let seconds = span.as_secs_f64();
    remark(format_args!("listening to beacons on UDP {} for {seconds} s", common.udp_port));
    let mut known = Known::new();
    let mut drawn = 0;
    let mut redraw = Instant::now();
    let mut progress = Progress::new(output);
    while Instant::now() < end && !ear.is_stopped() {
        let redraw_at = output.is_terminal().then_some(redraw);
        let turn = [redraw_at, progress.due()].into_iter().flatten().fold(end, Instant::min);
        let mut news = Vec::new();
        ear.listen(turn, |from, datagram| news.extend(known.heard(from, datagram)))?;
        if output.is_terminal() {
            // However many beacons come, so often is enough for eyes.
            if redraw <= Instant::now() {
                drawn = draw(&known, drawn, output.window(), output)?;
                redraw = Instant::now() + REDRAW;
                progress.renew();
            }
        } else {
            for news in news {
                tell(&news, output)?;
            }
        }
        output.flush()?;
        progress.show_listening(known.entries().count(), end);
    }
    progress.end();
    if output.is_terminal() {
        draw(&known, drawn, (usize::MAX, usize::MAX), output)?;
    } else if output.is_json() {
        for entry in known.entries() {
            let age = Value::Float(rounded(entry.age().as_secs_f64()));
            tell_entry("peer", entry, &[("age", age)], output)?;
        }
    }
    if known.ignored() > 0 {
        let others = count(known.ignored(), "more beacon");
        remark(format_args!("{others} of more peers than are shown"));
    }
    if known.entries().next().is_none() {
        remark(format_args!("no beacon was heard; `cable-car doctor` says what may be wrong"));
        return Ok(Outcome::Fault);
    }
    Ok(Outcome::Fine)
}

fn tell(news: &News, output: &mut Output) -> io::Result<()> {
    match news {
        News::Found(entry) => tell_entry("found", entry, &[], output),
        News::Left(entry) => tell_entry("left", entry, &[], output),
    }
}

fn tell_entry(
    name: &'static str,
    entry: &Entry,
    more: &[(&'static str, Value)],
    output: &mut Output,
) -> io::Result<()> {
    let mut fields = vec![
        ("kind", entry.kind().into()),
        ("service", entry.service.clone().into()),
        ("instance", entry.instance.map(|instance| instance.to_string()).into()),
        ("tcp_port", entry.tcp_port.map(u64::from).into()),
        ("interface", entry.interface.clone().into()),
    ];
    fields.extend_from_slice(more);
    let [_, columns @ ..] = columns(entry);
    output.tell(&Event {
        name,
        peer: Some(entry.name()),
        fields: &fields,
        words: format_args!("{name}  {}", columns.join("  ")),
        tone: Tone::Plain,
    })
}

const HEADER: [&str; 7] = ["ADDRESS", "KIND", "SERVICE", "INSTANCE", "TCP", "INTERFACE", "AGE"];

/// What is shown of a peer but its age, with what came from the network made harmless.
fn columns(entry: &Entry) -> [String; 6] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        entry.address.to_string(),
        entry.kind().to_owned(),
        or_dash(entry.service.as_deref().filter(|name| !name.is_empty()).map(plain)),
        or_dash(entry.instance.map(|instance| instance.to_string())),
        or_dash(entry.tcp_port.map(|port| port.to_string())),
        or_dash(entry.interface.clone()),
    ]
}

/// Writes the table over the `drawn` lines of the last one, within a window; how many it has.
fn draw(
    known: &Known,
    drawn: usize,
    (width, height): (usize, usize),
    output: &mut Output,
) -> io::Result<usize> {
    let rows: Vec<[String; 7]> = known.entries().map(row).collect();
    if rows.is_empty() {
        return Ok(0);
    }
    let mut widths = HEADER.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: &[String]| -> String {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        // A line that the terminal breaks would be two.
        line.trim_end().chars().take(width.saturating_sub(1)).collect()
    };
    // The header, the line below for what more there is, and the one that the cursor is in.
    let room = height.saturating_sub(3).max(1);
    let mut lines =
        vec![output.paint(Tone::Faint, format_args!("{}", line(&HEADER.map(str::to_owned))))];
    for (row, entry) in rows.iter().zip(known.entries()).take(room) {
        let tone = if entry.left { Tone::Faint } else { Tone::Plain };
        lines.push(output.paint(tone, format_args!("{}", line(row))));
    }
    if rows.len() > room {
        lines.push(format!("and {} more", rows.len() - room));
    }
    let mut text = if drawn > 0 { format!("\u{1b}[{drawn}A") } else { String::new() };
    for line in &lines {
        // The rest of a line is what was there before.
        text.push_str(line);
        text.push_str("\u{1b}[K\n");
    }
    text.push_str("\u{1b}[J");
    output.write(&text)?;
    Ok(lines.len())
}

fn row(entry: &Entry) -> [String; 7] {
    let age = match entry.left {
        true => "left".to_owned(),
        false => format!("{:.1} s", entry.age().as_secs_f64()),
    };
    let [address, kind, service, instance, tcp, interface] = columns(entry);
    [address, kind, service, instance, tcp, interface, age]
}
