//! A half of the field on the terminal: the own goal line at the left, open to the other half at the
//! right.

use std::io;

use cable_car_examples::terminal::Terminal;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::canvas::{Canvas, Circle, Line as Stroke};
use ratatui::widgets::{Block, Borders, Paragraph};

use crate::field::{Field, PADDLE_REACH, PADDLE_X};
use crate::messages::HALF;
use crate::rival::Rival;

/// The terminal, taken over.
pub(crate) struct Screen {
    terminal: Terminal,
    remark: String,
}

impl Screen {
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self { terminal: Terminal::open()?, remark: String::new() })
    }

    /// Something that went wrong; empty once it is over.
    pub(crate) fn remark(&mut self, words: String) {
        self.remark = words;
    }

    pub(crate) fn draw(&mut self, field: &Field, rival: &Rival) -> io::Result<()> {
        let words = words(field, rival);
        let remark = Some(&self.remark).filter(|remark| !remark.is_empty());
        let trouble = rival.trouble().or_else(|| remark.cloned());
        let name = rival.name().unwrap_or("the other");
        self.terminal.draw(|frame| draw(frame, field, name, &words, trouble.as_deref())).map(drop)
    }
}

/// What the player should know now.
fn words(field: &Field, rival: &Rival) -> String {
    match () {
        () if rival.is_busy() => "somebody is there, and in a game: wait".to_owned(),
        () if !rival.is_here() => "looking for another player on this network...".to_owned(),
        () if field.serves && field.balls.is_empty() => "Space: serve".to_owned(),
        () => String::new(),
    }
}

fn draw(frame: &mut Frame<'_>, field: &Field, name: &str, words: &str, trouble: Option<&str>) {
    let [title, body, footer] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(3), Constraint::Length(1)])
            .areas(frame.area());
    let score = format!("  you {}  {name} {}", field.score, field.rival_score);
    let label = Span::styled(" ball ", Style::new().add_modifier(Modifier::REVERSED));
    frame.render_widget(Line::from(vec![label, Span::raw(score)]), title);

    draw_field(frame, body, field);
    if !words.is_empty() {
        let middle = Rect { y: body.y + body.height / 2, height: 1, ..body };
        frame.render_widget(Paragraph::new(words).centered(), middle.intersection(body));
    }

    let dim = Style::new().add_modifier(Modifier::DIM);
    let (text, style) = match trouble {
        Some(trouble) => (trouble, Style::new().fg(Color::Red)),
        None => ("Up, Down: paddle   Space: serve   q: leave", dim),
    };
    frame.render_widget(Span::styled(text, style), footer);
}

fn draw_field(frame: &mut Frame<'_>, area: Rect, field: &Field) {
    let size = f64::from(HALF);
    // A canvas counts upwards.
    let up = |y: f32| size - f64::from(y);
    let paddle = |x: f64, y: f32, color| Stroke {
        x1: x,
        y1: up(y - PADDLE_REACH),
        x2: x,
        y2: up(y + PADDLE_REACH),
        color,
    };
    let canvas = Canvas::default()
        .block(Block::new().borders(Borders::LEFT | Borders::TOP | Borders::BOTTOM))
        .marker(Marker::Braille)
        .x_bounds([0.0, size])
        .y_bounds([0.0, size])
        .paint(|context| {
            context.draw(&paddle(f64::from(PADDLE_X), field.paddle, Color::Green));
            if let Some(y) = field.rival {
                // Far behind this edge.
                context.draw(&paddle(size, f32::from(y), Color::DarkGray));
            }
            context.layer();
            for ball in &field.balls {
                let (x, y) = (f64::from(ball.x), up(ball.y));
                for radius in [6.0, 12.0] {
                    context.draw(&Circle { x, y, radius, color: Color::Yellow });
                }
            }
        });
    frame.render_widget(canvas, area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    #[test]
    fn a_field_fits_any_terminal() {
        let mut field = Field::new();
        field.serve();
        field.rival = Some(i16::MAX);
        for (width, height) in [(1, 1), (5, 3), (80, 24), (300, 100)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| draw(frame, &field, "bob", "Space", Some("trouble"))).unwrap();
        }
    }
}
