//! The plot on the terminal: a curve a sensor, and its latest reading.

use std::io;
use std::time::{Duration, Instant};

use cable_car_examples::terminal::Terminal;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph, Wrap};

use crate::options::Options;
use crate::sensors::{Happening, Sensor, Sensors, WINDOW};

/// How often the plot moves on, and how often one looks where there is none.
const FRAME: Duration = Duration::from_millis(50);
const EMPTY: Duration = Duration::from_secs(1);
const COLORS: [Color; 6] =
    [Color::Cyan, Color::Yellow, Color::Green, Color::Magenta, Color::Blue, Color::Red];

/// The terminal, taken over.
pub(crate) struct Screen {
    terminal: Terminal,
    waiting: String,
    remark: String,
    drawn: Option<Instant>,
    pause: Duration,
}

impl Screen {
    pub(crate) fn open(options: &Options) -> io::Result<Self> {
        let waiting = format!(
            "No sensor yet: beacon sent to UDP {} every second, connections taken on TCP {}. \
             --loopback runs a sensor in this program.",
            options.network.udp_port, options.network.tcp_port
        );
        let (remark, drawn, pause) = (String::new(), None, EMPTY);
        Ok(Self { terminal: Terminal::open()?, waiting, remark, drawn, pause })
    }

    /// Something that happened; the latest is shown.
    pub(crate) fn tell(&mut self, happening: &Happening) {
        match happening {
            Happening::Reading { .. } => {}
            _ => {
                self.remark = happening.to_string();
                self.hurry();
            }
        }
    }

    /// There is something new to show.
    pub(crate) fn hurry(&mut self) {
        self.drawn = None;
    }

    /// When it must be shown again.
    pub(crate) fn due(&self) -> Instant {
        self.drawn.map_or_else(Instant::now, |drawn| drawn + self.pause)
    }

    /// Shows how it is, if that is due.
    pub(crate) fn show(&mut self, sensors: &Sensors, now: Instant) -> io::Result<()> {
        if self.drawn.is_some() && now < self.due() {
            return Ok(());
        }
        self.drawn = Some(now);
        let trouble = sensors.trouble();
        let all: Vec<&Sensor> = sensors.iter().collect();
        let curves: Vec<Curve> = all.iter().map(|sensor| Curve::of(sensor, now)).collect();
        self.pause = if all.is_empty() { EMPTY } else { FRAME };
        let waiting = all.is_empty().then_some(self.waiting.as_str());
        let pace = sensors.pace_ms();
        let remark = trouble.as_deref().unwrap_or(&self.remark);
        self.terminal.draw(|frame| draw(frame, &curves, waiting, pace, remark)).map(drop)
    }
}

/// What a sensor has told, as it is drawn.
struct Curve {
    legend: String,
    heating: bool,
    /// Seconds before now, and degrees.
    points: Vec<(f64, f64)>,
}

impl Curve {
    fn of(sensor: &Sensor, now: Instant) -> Self {
        let points = sensor.readings.iter().map(|&(came, reading)| {
            (-now.saturating_duration_since(came).as_secs_f64(), f64::from(reading.celsius))
        });
        // A sensor that is broken may say that it is no number.
        let points: Vec<_> = points.filter(|(_, celsius)| celsius.is_finite()).collect();
        let latest = sensor.readings.back().map(|&(_, reading)| reading);
        let legend = match latest {
            Some(reading) => format!("{}  {:.1} °C", sensor.name, reading.celsius),
            None => sensor.name.clone(),
        };
        Self { legend, heating: latest.is_some_and(|reading| reading.heating), points }
    }
}

fn draw(frame: &mut Frame<'_>, curves: &[Curve], waiting: Option<&str>, pace: u16, remark: &str) {
    let [title, body, footer] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
            .areas(frame.area());
    let mut heading = vec![Span::styled(" plot ", Style::new().add_modifier(Modifier::REVERSED))];
    for (curve, color) in curves.iter().zip(COLORS.iter().cycle()) {
        let flame = if curve.heating { " on" } else { "" };
        heading.push(Span::styled(format!("  {}{flame}", curve.legend), *color));
    }
    frame.render_widget(Line::from(heading), title);
    match waiting {
        Some(waiting) => {
            let area =
                Rect { x: body.x + body.width.min(1), width: body.width.saturating_sub(2), ..body };
            frame.render_widget(Paragraph::new(waiting).wrap(Wrap { trim: true }), area);
        }
        None => draw_chart(frame, body, curves),
    }
    let keys = format!("+ -: a reading every {pace} ms   q: leave   {remark}");
    frame.render_widget(Span::styled(keys, Style::new().add_modifier(Modifier::DIM)), footer);
}

fn draw_chart(frame: &mut Frame<'_>, area: Rect, curves: &[Curve]) {
    let datasets = curves.iter().zip(COLORS.iter().cycle()).map(|(curve, color)| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(*color)
            .data(&curve.points)
    });
    let all = || curves.iter().flat_map(|curve| curve.points.iter().map(|&(_, celsius)| celsius));
    // Whole tens around what there is, so that the plot does not jump about.
    let low = (all().fold(20.0, f64::min) / 10.0).floor() * 10.0;
    let high = (all().fold(60.0, f64::max) / 10.0).ceil() * 10.0;
    let window = WINDOW.as_secs_f64();
    let middle = f64::midpoint(low, high);
    let chart = Chart::new(datasets.collect())
        .block(Block::new())
        .x_axis(Axis::default().bounds([-window, 0.0]).labels(["-60 s", "-30 s", "now"]))
        .y_axis(
            Axis::default()
                .bounds([low, high])
                .labels([low, middle, high].map(|celsius| format!("{celsius:.0} °C"))),
        );
    frame.render_widget(chart, area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    #[test]
    fn odd_figures_and_small_terminals_do_no_harm() {
        let points = vec![(-70.0, 1e38), (-1.0, -1e38), (0.0, 20.0), (0.0, 20.0)];
        let curve = |points| Curve { legend: "tank  20.0 °C".to_owned(), heating: true, points };
        for curves in [vec![], vec![curve(points), curve(Vec::new())]] {
            for (width, height) in [(1, 1), (3, 5), (80, 24)] {
                for waiting in [None, Some("No sensor yet")] {
                    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                    terminal.draw(|frame| draw(frame, &curves, waiting, 100, "")).unwrap();
                }
            }
        }
    }
}
