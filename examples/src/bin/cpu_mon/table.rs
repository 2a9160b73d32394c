//! How the live table looks.

use std::collections::VecDeque;
use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table, Wrap};

use crate::machines::{Machine, Machines};
use crate::text::{age, load, size};

const SPACING: u16 = 2;
/// The narrowest bar, with its figure.
const BAR: u16 = 13;
const WIDEST_BAR: u16 = 40;
/// From this width on a bar has room for its total as well.
const BAR_WITH_TOTAL: u16 = 28;
const FIGURE: u16 = 7;
const TOTAL: u16 = 14;

/// What is to be seen.
pub(crate) struct Scene<'a> {
    pub(crate) machines: &'a Machines,
    /// What is done meanwhile.
    pub(crate) waiting: &'a str,
    pub(crate) trouble: Option<&'a str>,
    pub(crate) remarks: &'a VecDeque<String>,
    pub(crate) now: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    Address,
    Cpu,
    Memory,
    Swap,
    Load,
    Temperature,
    Age,
}

/// From left to right.
const COLUMNS: [Column; 8] = [
    Column::Name,
    Column::Address,
    Column::Cpu,
    Column::Memory,
    Column::Swap,
    Column::Load,
    Column::Temperature,
    Column::Age,
];

/// Which of them there are where there is no room for all: the first ones.
const IMPORTANCE: [Column; 8] = [
    Column::Name,
    Column::Cpu,
    Column::Memory,
    Column::Age,
    Column::Address,
    Column::Load,
    Column::Swap,
    Column::Temperature,
];

/// Draws everything anew.
pub(crate) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>) {
    // Remarks leave room for a few machines.
    let room = frame.area().height.saturating_sub(8);
    let remarks = u16::try_from(scene.remarks.len()).map_or(room, |count| count.min(room));
    let [title, body, remarks_area, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(remarks),
        Constraint::Length(1),
    ])
    .areas(frame.area());

    frame.render_widget(heading(scene.machines), title);
    let hidden = if scene.machines.iter().next().is_none() {
        let words = format!("No other machine yet: {}", scene.waiting);
        let words = Paragraph::new(words).wrap(Wrap { trim: true });
        frame.render_widget(words, inset(body));
        0
    } else {
        draw_table(frame, body, scene)
    };
    let skipped = scene.remarks.len() - usize::from(remarks);
    let lines = scene.remarks.iter().skip(skipped).map(|remark| Line::from(remark.as_str()));
    let lines = Paragraph::new(lines.collect::<Vec<_>>()).style(dim());
    frame.render_widget(lines, remarks_area);
    frame.render_widget(footing(scene, hidden), footer);
}

fn heading(machines: &Machines) -> Line<'static> {
    let count = match machines.present() {
        1 => "1 machine".to_owned(),
        count => format!("{count} machines"),
    };
    let name = Span::styled(" cpu_mon ", Style::new().add_modifier(Modifier::REVERSED));
    Line::from(vec![name, Span::raw("  "), Span::raw(count)])
}

fn footing(scene: &Scene<'_>, hidden: usize) -> Line<'static> {
    let words = match (scene.trouble, hidden) {
        (Some(trouble), _) => trouble.to_owned(),
        // It is said above already.
        (None, 0) if scene.machines.iter().next().is_none() => String::new(),
        (None, 0) => scene.waiting.to_owned(),
        (None, hidden) => format!("{hidden} more: make the window higher"),
    };
    let style = if scene.trouble.is_some() { Style::new().fg(Color::Red) } else { dim() };
    Line::from(vec![Span::raw("q: quit  "), Span::styled(words, style)])
}

/// Gives how many machines there was no room for.
fn draw_table(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> usize {
    let columns = columns(scene.machines, area.width);
    let rows = scene.machines.iter().map(|machine| row(machine, &columns, scene.now));
    let header = columns.iter().map(|&(column, _)| Cell::from(title(column)));
    let header = Row::new(header).style(Style::new().add_modifier(Modifier::BOLD));
    let widths = columns.iter().map(|&(_, width)| Constraint::Length(width));
    let table = Table::new(rows, widths).header(header).column_spacing(SPACING);
    frame.render_widget(table, area);
    scene.machines.iter().count().saturating_sub(usize::from(area.height.saturating_sub(1)))
}

/// The columns that there is room for, and their widths.
fn columns(machines: &Machines, width: u16) -> Vec<(Column, u16)> {
    let mut left = width + SPACING;
    let mut columns: Vec<(Column, u16)> = Vec::new();
    for column in IMPORTANCE {
        let wanted = narrowest(column, machines);
        // The most important one is there in any case.
        if wanted == 0 || (left < wanted + SPACING && !columns.is_empty()) {
            continue;
        }
        left = left.saturating_sub(wanted + SPACING);
        columns.push((column, wanted));
    }
    columns.sort_by_key(|(column, _)| COLUMNS.iter().position(|other| other == column));
    let bars = columns.iter().filter(|(column, _)| is_bar(*column)).count();
    let more = u16::try_from(bars).ok().and_then(|bars| left.checked_div(bars)).unwrap_or(0);
    for (_, width) in columns.iter_mut().filter(|(column, _)| is_bar(*column)) {
        *width = (*width + more).min(WIDEST_BAR);
    }
    columns
}

/// 0 for a column that nobody has anything for.
fn narrowest(column: Column, machines: &Machines) -> u16 {
    let longest = |text: &dyn Fn(&Machine) -> usize| {
        u16::try_from(machines.iter().map(text).max().unwrap_or(0)).unwrap_or(u16::MAX)
    };
    match column {
        Column::Name => longest(&|machine| Span::raw(machine.name.as_str()).width()).clamp(7, 20),
        Column::Address => longest(&|machine| machine.address.to_string().len()).max(7),
        Column::Cpu | Column::Memory | Column::Swap => BAR,
        Column::Load => 17,
        Column::Age => 6,
        Column::Temperature => {
            let known =
                |machine: &Machine| machine.report.as_ref().and_then(|(stats, _)| stats.temp);
            if machines.iter().any(|machine| known(machine).is_some()) { 6 } else { 0 }
        }
    }
}

fn is_bar(column: Column) -> bool {
    matches!(column, Column::Cpu | Column::Memory | Column::Swap)
}

fn title(column: Column) -> &'static str {
    match column {
        Column::Name => "Machine",
        Column::Address => "Address",
        Column::Cpu => "CPU",
        Column::Memory => "Memory",
        Column::Swap => "Swap",
        Column::Load => "Load",
        Column::Temperature => "Temp",
        Column::Age => "Age",
    }
}

fn row<'a>(machine: &'a Machine, columns: &[(Column, u16)], now: Instant) -> Row<'a> {
    let cells = columns.iter().map(|&(column, width)| cell(machine, column, width, now));
    let row = Row::new(cells);
    if machine.gone.is_some() { row.style(dim()) } else { row }
}

fn cell(machine: &Machine, column: Column, width: u16, now: Instant) -> Cell<'_> {
    // What a machine said before it left is not so any more.
    let report = machine.report.as_ref().filter(|_| machine.gone.is_none());
    let stats = report.map(|(stats, _)| stats);
    match column {
        Column::Name => machine.name.as_str().into(),
        Column::Address => machine.address.to_string().into(),
        Column::Cpu if machine.gone.is_some() => "gone".into(),
        Column::Cpu => bar(stats.and_then(|stats| stats.cpu_percent), None, width),
        Column::Memory => bar(
            stats.and_then(|stats| stats.memory_percent),
            stats.and_then(|stats| stats.memory_total),
            width,
        ),
        Column::Swap => bar(
            // Of nothing, nothing is used.
            stats.filter(|stats| stats.swap_total != Some(0)).and_then(|stats| stats.swap_percent),
            stats.and_then(|stats| stats.swap_total).filter(|&total| total > 0),
            width,
        ),
        Column::Load => stats.and_then(|stats| stats.load_avg).map(load).unwrap_or_default().into(),
        Column::Temperature => {
            let degrees = stats.and_then(|stats| stats.temp);
            degrees.map(|degrees| format!("{degrees:.0} °C")).unwrap_or_default().into()
        }
        Column::Age => {
            let since = machine.gone.or(machine.report.as_ref().map(|&(_, came)| came));
            since.map(|since| age(now.saturating_duration_since(since))).unwrap_or_default().into()
        }
    }
}

/// A bar and its figure, with the total where there is room.
fn bar(percent: Option<f64>, total: Option<u64>, width: u16) -> Cell<'static> {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let Some(percent) = percent else { return Cell::from("-").style(dim()) };
    let total =
        total.filter(|_| width >= BAR_WITH_TOTAL).map(|total| format!(" of {}", size(total)));
    let cells = width - FIGURE - if total.is_some() { TOTAL } else { 0 };
    // What is no number is nothing, what is too much is all.
    let eighths = (percent / 100.0 * f64::from(cells) * 8.0).round() as usize;
    let eighths = eighths.min(usize::from(cells) * 8);
    let filled = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    let empty = " ".repeat(usize::from(cells) - eighths.div_ceil(8));
    let style = Style::new().fg(color(percent)).bg(Color::DarkGray);
    let figure = format!("{percent:>6.1}%{}", total.unwrap_or_default());
    Cell::from(Line::from(vec![Span::styled(filled + &empty, style), Span::raw(figure)]))
}

fn color(percent: f64) -> Color {
    match percent {
        ..60.0 => Color::Green,
        60.0..85.0 => Color::Yellow,
        _ => Color::Red,
    }
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn inset(area: Rect) -> Rect {
    Rect { x: area.x + area.width.min(1), width: area.width.saturating_sub(2), ..area }
}

#[cfg(test)]
mod tests;
