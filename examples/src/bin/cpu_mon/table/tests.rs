use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;

use super::{Scene, draw};
use crate::machines::{GONE_FOR, Machines};
use crate::stats::MsgStats;

/// What is to be seen on a terminal of that size, line by line.
fn seen(width: u16, height: u16, scene: &Scene<'_>) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("no real terminal");
    terminal.draw(|frame| draw(frame, scene)).expect("a test backend takes everything");
    let buffer = terminal.backend().buffer();
    let lines = buffer.content().chunks(usize::from(width));
    lines.map(|line| line.iter().map(Cell::symbol).collect()).collect()
}

fn stats(host: &str) -> MsgStats {
    MsgStats {
        host: Some(host.to_owned()),
        cpu_percent: Some(50.0),
        load_avg: Some([3.2, 2.9, 2.1]),
        memory_percent: Some(2.2),
        memory_total: Some(25_276_514_304),
        swap_percent: Some(100.0),
        swap_total: Some(1 << 30),
        temp: None,
    }
}

/// `here` has reported a while ago, `there` has left.
fn machines(now: Instant) -> Machines {
    let mut machines = Machines::default();
    for (remote, host) in [("10.0.0.1:8227", "here"), ("10.0.0.2:8227", "there")] {
        let remote = remote.parse().expect("an address");
        machines.joined(remote);
        machines.reported(remote, stats(host), now);
    }
    machines.lost("10.0.0.2:8227".parse().expect("an address"), now);
    machines
}

fn scene<'a>(machines: &'a Machines, remarks: &'a VecDeque<String>, now: Instant) -> Scene<'a> {
    Scene { machines, waiting: "beacon sent", trouble: None, remarks, now }
}

fn line<'a>(lines: &'a [String], word: &str) -> &'a str {
    lines.iter().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {lines:#?}"))
}

#[test]
fn a_machine_is_a_row() {
    let (now, remarks) = (Instant::now(), VecDeque::new());
    let machines = machines(now);
    let lines = seen(120, 10, &scene(&machines, &remarks, now + Duration::from_secs(2)));
    assert!(lines[0].contains("1 machine"), "{lines:#?}");
    let titles = ["Machine", "Address", "CPU", "Memory", "Swap", "Load", "Age"];
    assert!(titles.iter().all(|title| lines[1].contains(title)), "{lines:#?}");
    assert!(!lines[1].contains("Temp"), "nobody has one: {lines:#?}");
    let row = line(&lines, "here ");
    for text in ["10.0.0.1", "█    ", " 50.0%", "  2.2%", "█ 100.0%", "3.20 2.90 2.10", "2 s"] {
        assert!(row.contains(text), "{text:?}: {row}");
    }
    assert!(lines[9].starts_with("q: quit  beacon sent"), "{lines:#?}");
}

#[test]
fn a_machine_that_left_says_so() {
    let (now, remarks) = (Instant::now(), VecDeque::new());
    let machines = machines(now);
    let lines = seen(120, 10, &scene(&machines, &remarks, now + GONE_FOR / 2));
    let row = line(&lines, "there");
    assert!(row.contains("gone") && row.contains("15 s"), "{row}");
    assert!(!row.contains('%'), "{row}");
}

#[test]
fn a_narrow_terminal_has_what_matters_most() {
    let (now, remarks) = (Instant::now(), VecDeque::new());
    let machines = machines(now);
    let scene = scene(&machines, &remarks, now);
    let lines = seen(46, 6, &scene);
    assert!(line(&lines, "here ").contains("50.0%"), "{lines:#?}");
    assert!(!lines[1].contains("Address") && lines[1].contains("Memory"), "{lines:#?}");
    let lines = seen(24, 6, &scene);
    assert!(line(&lines, "here ").contains("50.0%"), "{lines:#?}");
    assert!(!lines[1].contains("Memory"), "{lines:#?}");
    // And none is too small to be drawn on.
    for width in 1..=24 {
        for height in 1..=6 {
            seen(width, height, &scene);
        }
    }
}

#[test]
fn a_wide_terminal_has_the_totals() {
    let (now, remarks) = (Instant::now(), VecDeque::new());
    let mut machines = machines(now);
    let warm = MsgStats { temp: Some(45.4), ..stats("here") };
    machines.reported("10.0.0.1:8227".parse().unwrap(), warm, now);
    let lines = seen(160, 6, &scene(&machines, &remarks, now));
    assert!(line(&lines, "here ").contains("2.2% of 23.5 GiB"), "{lines:#?}");
    assert!(line(&lines, "here ").contains("45 °C"), "{lines:#?}");
}

#[test]
fn odd_figures_do_no_harm() {
    let (now, remarks) = (Instant::now(), VecDeque::new());
    let remote = "10.0.0.1:8227".parse().unwrap();
    let mut machines = Machines::default();
    machines.joined(remote);
    for percent in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300] {
        let odd = MsgStats {
            host: Some("odd\u{1b}[2J\n".repeat(1000)),
            cpu_percent: Some(percent),
            memory_percent: Some(percent),
            memory_total: Some(u64::MAX),
            load_avg: Some([percent; 3]),
            temp: Some(percent),
            ..MsgStats::default()
        };
        machines.reported(remote, odd, now);
        let lines = seen(160, 6, &scene(&machines, &remarks, now));
        assert!(line(&lines, "odd").contains("10.0.0.1"), "{lines:#?}");
    }
}

#[test]
fn nobody_there_says_what_is_done() {
    let (now, remarks) = (Instant::now(), VecDeque::new());
    let machines = Machines::default();
    let mut scene = scene(&machines, &remarks, now);
    let lines = seen(60, 6, &scene);
    assert!(line(&lines, "No other machine yet: beacon sent").starts_with(' '), "{lines:#?}");
    scene.trouble = Some("no network");
    let lines = seen(60, 6, &scene);
    assert!(line(&lines, "no network").starts_with("q: quit"), "{lines:#?}");
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let (now, remarks) = (Instant::now(), VecDeque::from(["a remark".to_owned()]));
    let machines = machines(now);
    let lines = seen(80, 4, &scene(&machines, &remarks, now));
    assert!(line(&lines, "1 more").starts_with("q: quit"), "{lines:#?}");
    let lines = seen(80, 12, &scene(&machines, &remarks, now));
    assert!(lines[10].starts_with("a remark"), "{lines:#?}");
}
