//! The program that measures discovery: a row has a figure of each kind, and a mistake is told.
#![cfg(target_os = "linux")]

use std::process::Command;

use cable_car_tests::{
    process::run,
    require::{Need, require_all},
};

const DISCOVERY: &str = env!("CARGO_BIN_EXE_discovery");

#[test]
fn a_row_is_measured_for_us_and_for_the_python_package() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let table = run(Command::new(DISCOVERY).args(["--quick", "--only", "goodbye"]));
    let table = table.unwrap_or_else(|error| panic!("{error}"));
    let rows: Vec<Vec<_>> =
        table.lines().skip(2).map(|row| row.split('|').map(str::trim).collect()).collect();
    let [row] = &rows[..] else { panic!("not one row: {table}") };
    let ["", name, ours, python, ""] = row[..] else { panic!("not three cells: {table}") };
    assert!(name.contains("goodbye"), "{table}");
    // All rounds have a time, and nothing else is said.
    let times: Vec<_> = ours.split(", ").map(|time| time.split_once(' ')).collect();
    assert_eq!(times.len(), 3, "{table}");
    for time in times {
        let (number, unit) = time.unwrap_or_else(|| panic!("no unit: {table}"));
        assert!(number.parse().is_ok_and(|number: f64| number > 0.0), "{table}");
        assert!(matches!(unit, "ms" | "s"), "{table}");
    }
    assert!(python.contains(|c: char| c.is_ascii_digit()), "{table}");
}

#[test]
fn a_row_that_is_not_there_is_a_mistake() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let error = run(Command::new(DISCOVERY).args(["--only", "farewell"]));
    let error = error.expect_err("no row has such a name");
    assert!(error.contains("goodbye"), "names those that there are: {error}");
}
