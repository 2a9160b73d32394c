//! What was measured, for people, for programs and for the README.

use serde::Serialize;

use crate::{job::Subject, options::Format, run::Row};

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
        println!("| row | subject | median | min to max | of raw | cable-car to it |");
        println!("|---|---|--:|--:|--:|--:|");
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

/// Lines of a table: what each subject makes of `raw`, and cable-car of it.
fn print_markdown(row: &Row) {
    for (subject, values) in &row.subjects {
        let Spread { min, median, max } = Spread::of(values.clone());
        let [min, median, max] = [min, median, max].map(short);
        let ratio = |one, other| {
            let ratio = ratios(row, one, other).filter(|_| one != other);
            ratio.map_or(String::new(), |ratio| format!("{:.2}", ratio.median))
        };
        let (name, unit) = (&row.measure.row, row.measure.unit);
        let of_raw = ratio(*subject, Subject::Raw);
        let ours = ratio(Subject::CableCar, *subject);
        println!("| {name} | {subject} | {median} {unit} | {min} to {max} | {of_raw} | {ours} |");
    }
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
