//! The benchmark program: it does all of its work, says what it should, and takes no wrong message.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{collections::BTreeSet, io::Write, net::TcpStream, process::Command};

use cable_car::{Link, Moved};
use cable_car_tests::{
    process::{PATIENCE, Process, run},
    require::{Need, require},
    sample::{Sample, Samples},
};
use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_bench");

fn bench(arguments: &[&str]) -> Result<Vec<Value>, String> {
    let output =
        run(Command::new(BENCH).args(["--quick", "--rounds", "1", "--json"]).args(arguments))?;
    Ok(output.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn every_row_is_measured_for_us_and_for_the_limit() {
    let subjects = "cable-car,raw,raw-flushed,decoder,serde-json";
    let lines = bench(&["--subjects", subjects]).unwrap();
    let mut rows = BTreeSet::new();
    for line in &lines {
        let text = |field: &str| line[field].as_str().unwrap_or_else(|| panic!("{field}: {line}"));
        let number =
            |field: &str| line[field].as_f64().unwrap_or_else(|| panic!("{field}: {line}"));
        let (row, subject) = (text("row"), text("subject"));
        assert!(!text("unit").is_empty());
        assert!(number("min") <= number("median") && number("median") <= number("max"));
        match subject {
            "raw" => assert_eq!(number("ratio"), 1.0),
            // What has no limit to be held against.
            "cable-car"
                if !lines.iter().any(|other| other["row"] == row && other["subject"] == "raw") =>
            {
                assert!(line["ratio"].is_null());
            }
            _ => assert!(number("ratio") > 0.0),
        }
        assert!(rows.insert((row.to_owned(), subject.to_owned())), "twice: {line}");
    }
    let has = |row: &str, subject: &str| {
        assert!(rows.contains(&(row.to_owned(), subject.to_owned())), "{row}, {subject}");
    };
    for flush in ["1", "10", "100", "1000"] {
        for subject in ["cable-car", "raw", "raw, a write a flush"] {
            has(&format!("one-way byte {flush}"), subject);
            has(&format!("one-way JSON {flush}"), subject);
            if subject != "raw, a write a flush" {
                has(&format!("peers {flush}"), subject);
            }
        }
        has(&format!("one-way JSON {flush}"), "serde_json alone");
    }
    for transport in ["byte", "JSON"] {
        has(&format!("round trip {transport} p50"), "cable-car");
        has(&format!("round trip {transport} p99"), "raw");
        has(&format!("backlog {transport} 100000"), "cable-car");
        has(&format!("allocations {transport}"), "cable-car");
    }
    for row in ["time to link by discovery", "processor time at rest", "memory a peer"] {
        has(row, "cable-car");
    }
}

#[test]
fn a_message_in_the_wrong_place_is_a_failure() {
    let job = r#"{"subject":"CableCar","work":{"OneWay":{"transport":"Byte","flush":1}},
        "part":"Server","span":{"secs":0,"nanos":0}}"#;
    for (numbers, right) in [(&[0, 1, 2], true), (&[0, 2, 1], false)] {
        let mut command = Command::new(BENCH);
        command.args(["--job", job]);
        let mut server = Process::spawn(command);
        let port = server.expect_line(PATIENCE, |line| line.contains("Port"));
        let port: Value = serde_json::from_str(&port).unwrap();
        let port = u16::try_from(port["Port"].as_u64().unwrap()).unwrap();

        let mut link: Link<Samples, _, _> = Link::new([0; 0], [0; 64]);
        for &number in numbers {
            link.send(&Sample::numbered(number)).unwrap();
        }
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        link.transmit(|bytes| {
            socket.write_all(bytes).unwrap();
            Moved::All(bytes.len())
        });
        drop(socket);
        let status = server.wait(PATIENCE).expect("it ends");
        assert_eq!(status.success(), right, "{numbers:?}: {}", server.transcript());
    }
}

#[test]
fn a_row_that_is_not_there_is_a_mistake() {
    let error = bench(&["--row", "one way"]).unwrap_err();
    assert!(error.contains("no row has such a name"), "{error}");
    let error = bench(&["--subjects", "nobody"]).unwrap_err();
    assert!(error.contains("cable-car"), "names those that there are: {error}");
}

/// Those that it is held against do the work as well, and their messages are checked as ours are.
#[cfg(feature = "peers")]
#[test]
fn the_other_libraries_are_measured() {
    let rows = [
        ["one-way byte 1000", "tokio-util codec", "zmq", "message-io"].as_slice(),
        &["round trip byte p50", "tokio-util codec", "zmq", "message-io"],
        &["round trip byte p99", "tokio-util codec", "zmq", "message-io"],
        &["one-way JSON 1000", "tokio-util codec"],
        &["round trip JSON p50", "tokio-util codec"],
        &["allocations JSON", "tokio-util codec"],
    ];
    measures("tokio,zmq,message-io", &rows);
}

#[test]
fn the_python_package_is_measured() {
    if !require(Need::Peer) {
        return;
    }
    let rows =
        ["one-way byte 1000", "one-way JSON 1000", "round trip byte p50", "backlog byte 1000"];
    measures("python", &rows.map(|row| [row, "cable_car (Python)"]).each_ref().map(|row| &row[..]));
}

/// Each of `rows` is a name, then the subjects that do that work.
fn measures(subjects: &str, rows: &[&[&str]]) {
    let mut arguments = vec!["--subjects", subjects];
    arguments.extend(rows.iter().flat_map(|row| ["--row", row[0]]));
    let lines = bench(&arguments).unwrap();
    for (row, subjects) in rows.iter().filter_map(|row| row.split_first()) {
        let mut those: Vec<_> = lines.iter().filter(|line| line["row"] == *row).collect();
        for subject in subjects {
            let at = those.iter().position(|line| line["subject"] == *subject);
            let line = those.swap_remove(at.unwrap_or_else(|| panic!("{row}, {subject}")));
            assert!(line["median"].as_f64().unwrap() > 0.0, "{line}");
        }
        assert!(those.is_empty(), "{row}: {those:?}");
    }
}

/// Counts of work, not of time: the same on every machine.
#[test]
fn a_message_asks_for_no_memory() {
    for line in bench(&["--row", "allocations", "--subjects", "cable-car"]).unwrap() {
        assert_eq!(line["max"], 0.0, "{line}");
    }
}
