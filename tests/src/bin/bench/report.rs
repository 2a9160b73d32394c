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
    println!("{} ({}, {} is better)", row.measure.row, row.measure.unit, better(row).0);
    for (subject, values) in &row.subjects {
        let Spread { min, median, max } = Spread::of(values.clone());
        let numbers = [min, median, max].map(|number| format!("{:>10}", short(number)));
        let [min, median, max] = numbers;
        print!("  {:<28} {min} {median} {max}", subject.to_string());
        match ratios(row, *subject, Subject::Raw) {
            Some(Spread { min, median, max }) if *subject != Subject::Raw => {
                let [min, median, max] = [min, median, max].map(short);
                println!("   {median} of raw ({min} to {max})");
            }
            _ => println!(),
        }
    }
}

/// What cable-car is held against in a table: its figure over theirs.
const LIMITS: [Subject; 4] =
    [Subject::Raw, Subject::RawFlushed, Subject::Decoder, Subject::SerdeJson];

/// What it is compared with: how many times as fast it is.
const OTHERS: [Subject; 4] = [Subject::Tokio, Subject::Zmq, Subject::MessageIo, Subject::Python];

/// A line of a table.
fn print_markdown(row: &Row) {
    let Some(ours) = values(row, Subject::CableCar) else {
        return;
    };
    let Measure { row: name, unit } = &row.measure;
    let median = |values: &[f64]| short(Spread::of(values.to_vec()).median);
    print!("| {name} | {} {unit} {} |", median(ours), better(row).1);
    for limit in LIMITS {
        match ratios(row, Subject::CableCar, limit) {
            Some(Spread { min, median, max }) => {
                let [min, median, max] = [min, median, max].map(short);
                print!(" **{median}** ({min} to {max}) |");
            }
            None => print!(" |"),
        }
    }
    for other in OTHERS {
        let (faster, slower) = match *unit {
            job::RATE => (Subject::CableCar, other),
            _ => (other, Subject::CableCar),
        };
        match (ratios(row, faster, slower), values(row, other)) {
            (Some(ratios), _) if ratios.median.is_finite() => print!(" {} |", short(ratios.median)),
            // Nothing is so many times none: what the other one takes.
            (_, Some(theirs)) => print!(" {} {unit} |", median(theirs)),
            (_, None) => print!(" |"),
        }
    }
    println!();
}

/// What is better in a row, in a word and as an arrow.
fn better(row: &Row) -> (&'static str, char) {
    match row.measure.unit {
        job::RATE => ("more", '↑'),
        _ => ("less", '↓'),
    }
}

fn values(row: &Row, wanted: Subject) -> Option<&[f64]> {
    let found = row.subjects.iter().find(|(subject, _)| *subject == wanted);
    found.map(|(_, values)| values.as_slice())
}

/// What `subject` comes to beside `other`, round by round.
fn ratios(row: &Row, subject: Subject, other: Subject) -> Option<Spread> {
    let (subject, other) = (values(row, subject)?, values(row, other)?);
    Some(Spread::of(subject.iter().zip(other).map(|(one, other)| one / other).collect()))
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
    let digits = |number: f64| {
        let decimals = (2.0 - number.log10().floor()).clamp(0.0, 9.0);
        format!("{number:.*}", decimals as usize)
    };
    match number {
        0.0 => "0".into(),
        _ if number >= 1e6 => format!("{} M", digits(number / 1e6)),
        _ if number >= 1e4 => format!("{} k", digits(number / 1e3)),
        _ => digits(number),
    }
}
