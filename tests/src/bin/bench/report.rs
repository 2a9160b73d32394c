//! What was measured, for people, for programs and for the README.

use serde::Serialize;

use crate::{
    job::{self, Measure, Subject},
    options::Format,
    run::Row,
};

/// One subject's results in a row.
#[derive(Debug, Serialize)]
struct Line<'a> {
    row: &'a str,
    subject: String,
    unit: &'a str,
    min: f64,
    median: f64,
    max: f64,
    /// To `raw`, by the median of all rounds; none where the row has no such limit.
    ratio: Option<f64>,
}

/// Least, median and greatest of several values.
#[derive(Debug, Clone, Copy)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

/// What stands before all rows.
pub(crate) fn begin(format: Format) {
    if format == Format::Markdown {
        let limits = LIMITS.map(|limit| format!("to {limit}")).join(" | ");
        let others = OTHERS.map(|other| format!("as fast as {other}")).join(" | ");
        println!("| | cable-car | {limits} | {others} |");
        println!("|---|--:|{}", "--:|".repeat(LIMITS.len() + OTHERS.len()));
    }
}

pub(crate) fn print(row: &Row, format: Format) {
    match format {
        Format::Json => print_json(row),
        Format::Text => print_text(row),
        Format::Markdown => print_markdown(row),
    }
}

fn print_json(row: &Row) {
    for (subject, values) in &row.subjects {
        let Spread { min, median, max } = Spread::of(values.clone());
        let line = Line {
            row: &row.measure.row,
            subject: subject.to_string(),
            unit: row.measure.unit,
            min,
            median,
            max,
            ratio: ratios(row, *subject, Subject::Raw).map(|ratios| ratios.median),
        };
        println!("{}", serde_json::to_string(&line).expect("plain data"));
    }
}

fn print_text(row: &Row) {
    println!("{} ({})", row.measure.row, row.measure.unit);
    for (subject, values) in &row.subjects {
        let Spread { min, median, max } = Spread::of(values.clone());
        let numbers = [min, median, max].map(|number| format!("{:>10}", short(number)));
        let [min, median, max] = numbers;
        print!("  {:<28} {min} {median} {max}", subject.to_string());
        match ratios(row, *subject, Subject::Raw) {
            Some(Spread { min, median, max }) if *subject != Subject::Raw => {
                println!("   {median:.3} of raw ({min:.3} to {max:.3})");
            }
            _ => println!(),
        }
    }
}

/// What cable-car is held against in a table: its figure over theirs.
const LIMITS: [Subject; 3] = [Subject::Raw, Subject::RawFlushed, Subject::Decoder];

/// What it is compared with: how many times as fast it is.
const OTHERS: [Subject; 4] = [Subject::Tokio, Subject::Zmq, Subject::MessageIo, Subject::Python];

/// A line of a table.
fn print_markdown(row: &Row) {
    let ours = row.subjects.iter().find(|(subject, _)| *subject == Subject::CableCar);
    let Some((_, ours)) = ours else {
        return;
    };
    let Measure { row: name, unit } = &row.measure;
    print!("| {name} | {} {unit} |", short(Spread::of(ours.clone()).median));
    for limit in LIMITS {
        match ratios(row, Subject::CableCar, limit) {
            Some(Spread { min, median, max }) => {
                print!(" **{median:.2}** ({min:.2} to {max:.2}) |");
            }
            None => print!(" |"),
        }
    }
    for other in OTHERS {
        let (faster, slower) = match *unit {
            job::RATE => (Subject::CableCar, other),
            _ => (other, Subject::CableCar),
        };
        match ratios(row, faster, slower) {
            Some(Spread { median, .. }) if median.is_finite() => print!(" {} |", short(median)),
            _ => print!(" |"),
        }
    }
    println!();
}

/// What `subject` comes to beside `other`, round by round.
fn ratios(row: &Row, subject: Subject, other: Subject) -> Option<Spread> {
    let values = |wanted| row.subjects.iter().find(|(subject, _)| *subject == wanted);
    let (subject, other) = (values(subject)?, values(other)?);
    Some(Spread::of(subject.1.iter().zip(&other.1).map(|(one, other)| one / other).collect()))
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { min: at(0), median: at(values.len() / 2), max: at(values.len().wrapping_sub(1)) }
    }
}

/// Three digits that count.
fn short(number: f64) -> String {
    let digits = |number: f64| match number {
        _ if number >= 100.0 => format!("{number:.0}"),
        _ if number >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    };
    match number {
        0.0 => "0".into(),
        _ if number >= 1e6 => format!("{} M", digits(number / 1e6)),
        _ if number >= 1e4 => format!("{} k", digits(number / 1e3)),
        _ => digits(number),
    }
}
