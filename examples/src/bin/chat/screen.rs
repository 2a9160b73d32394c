//! The chat on the whole terminal: what was said, and the line that is being typed.

use std::io;

use cable_car_examples::inputs::Input;
use cable_car_examples::terminal::Terminal;
use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as Row, Span};
use ratatui::widgets::Paragraph;

use crate::room::{Line, Room};
use crate::{Order, order};

/// How many lines PageUp and PageDown move.
const PAGE: usize = 10;
/// The longest text that can be typed, in characters.
const LONGEST: usize = 1000;
const COLORS: [Color; 6] =
    [Color::Cyan, Color::Green, Color::Yellow, Color::Magenta, Color::Blue, Color::Red];

/// The terminal, taken over.
pub(crate) struct Screen {
    terminal: Terminal,
    editor: Editor,
}

/// The line that is being typed, and how far one looks back.
#[derive(Debug, Default)]
struct Editor {
    typed: Vec<char>,
    cursor: usize,
    back: usize,
}

impl Screen {
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self { terminal: Terminal::open()?, editor: Editor::default() })
    }

    pub(crate) fn read(&mut self, input: &Input) -> Order {
        match input {
            Input::Key(key) => self.editor.key(*key),
            _ => Order::Nothing,
        }
    }

    pub(crate) fn show(
        &mut self,
        room: &Room,
        names: &[&str],
        trouble: Option<&str>,
    ) -> io::Result<()> {
        let Self { terminal, editor } = self;
        terminal.draw(|frame| draw(frame, room, names, trouble, editor)).map(drop)
    }
}

impl Editor {
    fn key(&mut self, key: KeyEvent) -> Order {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => return Order::Leave,
            KeyCode::Enter => {
                self.back = 0;
                self.cursor = 0;
                let line: String = std::mem::take(&mut self.typed).into_iter().collect();
                return order(&line);
            }
            KeyCode::Char('u') if control => {
                self.typed.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char(character) if !control && self.typed.len() < LONGEST => {
                self.typed.insert(self.cursor, character);
                self.cursor += 1;
            }
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.typed.remove(self.cursor);
            }
            KeyCode::Delete if self.cursor < self.typed.len() => {
                self.typed.remove(self.cursor);
            }
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = self.typed.len().min(self.cursor + 1),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.typed.len(),
            KeyCode::PageUp => self.back += PAGE,
            KeyCode::PageDown => self.back = self.back.saturating_sub(PAGE),
            _ => {}
        }
        Order::Nothing
    }
}

fn draw(
    frame: &mut Frame<'_>,
    room: &Room,
    names: &[&str],
    trouble: Option<&str>,
    editor: &mut Editor,
) {
    let [title, body, input, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());

    let name = Span::styled(" chat ", Style::new().add_modifier(Modifier::REVERSED));
    let company = match names {
        [] => "  nobody else is here".to_owned(),
        names => format!("  here: {}", names.join(", ")),
    };
    frame.render_widget(Row::from(vec![name, Span::raw(company)]), title);

    draw_lines(frame, body, room, &mut editor.back);

    let prompt = format!("{}> ", room.me());
    let before: String = editor.typed[..editor.cursor].iter().collect();
    let after: String = editor.typed[editor.cursor..].iter().collect();
    let column = Span::raw(format!("{prompt}{before}")).width();
    // The cursor stays in sight.
    let hidden = (column + 1).saturating_sub(usize::from(input.width));
    let text = Paragraph::new(format!("{prompt}{before}{after}"))
        .scroll((0, u16::try_from(hidden).unwrap_or(u16::MAX)));
    frame.render_widget(text, input);
    let column = u16::try_from(column - hidden).unwrap_or(u16::MAX);
    frame.set_cursor_position((input.x.saturating_add(column), input.y));

    let dim = Style::new().add_modifier(Modifier::DIM);
    let (words, style) = match trouble {
        Some(trouble) => (trouble, Style::new().fg(Color::Red)),
        None if editor.back > 0 => ("PageDown: back to the latest", dim),
        None => ("Enter: say it   Esc: leave", dim),
    };
    frame.render_widget(Span::styled(words.to_owned(), style), footer);
}

/// The latest lines at the bottom, those before them above, as many as there is room for.
fn draw_lines(frame: &mut Frame<'_>, area: Rect, room: &Room, back: &mut usize) {
    let height = usize::from(area.height);
    let mut rows: Vec<Row<'_>> = Vec::new();
    for line in room.latest() {
        if rows.len() >= height + *back {
            break;
        }
        rows.extend(wrapped(line, usize::from(area.width)).into_iter().rev());
    }
    *back = (*back).min(rows.len().saturating_sub(height));
    let shown: Vec<_> = rows.into_iter().skip(*back).take(height).collect();
    let top = u16::try_from(height - shown.len()).unwrap_or(0);
    let area = Rect { y: area.y + top, height: area.height - top, ..area };
    frame.render_widget(Paragraph::new(shown.into_iter().rev().collect::<Vec<_>>()), area);
}

/// A line in as many rows as it takes.
fn wrapped(line: &Line, width: usize) -> Vec<Row<'static>> {
    let (name, text, style) = match line {
        Line::Said { by, text } => (format!("{by}: "), text, Style::new()),
        Line::Remark(text) => {
            let style = Style::new().add_modifier(Modifier::DIM | Modifier::ITALIC);
            (String::new(), text, style)
        }
    };
    let color = name.bytes().fold(0, |sum, byte| sum + usize::from(byte)) % COLORS.len();
    let color = Style::new().fg(COLORS[color]).add_modifier(Modifier::BOLD);
    let mut left = width.saturating_sub(Span::raw(name.as_str()).width());
    let mut rows = vec![vec![Span::styled(name, color)]];
    for word in text.split_inclusive(' ') {
        let mut word = word;
        if Span::raw(word.trim_end()).width() > left && left < width {
            rows.push(Vec::new());
            left = width;
        }
        // A word that is longer than a row is cut.
        while !word.is_empty() {
            let cut = fitting(word, left.max(1));
            let (here, rest) = word.split_at(cut);
            left = left.saturating_sub(Span::raw(here).width());
            if let Some(row) = rows.last_mut() {
                row.push(Span::styled(here.to_owned(), style));
            }
            word = rest;
            if !word.is_empty() {
                rows.push(Vec::new());
                left = width;
            }
        }
    }
    rows.into_iter().map(Row::from).collect()
}

/// How many bytes of `word` fit into so many columns, at least one character.
fn fitting(word: &str, columns: usize) -> usize {
    // A space at the end may stick out.
    if Span::raw(word.trim_end()).width() <= columns {
        return word.len();
    }
    let mut used = 0;
    for (at, character) in word.char_indices() {
        used += Span::raw(character.to_string()).width();
        if used > columns && at > 0 {
            return at;
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn shown(room: &Room, names: &[&str], editor: &mut Editor, size: (u16, u16)) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        terminal.draw(|frame| draw(frame, room, names, None, editor)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..size.1).map(|y| row(y).trim_end().to_owned()).collect()
    }

    fn press(editor: &mut Editor, keys: &[KeyCode]) -> Order {
        let press = |&code: &KeyCode| editor.key(code.into());
        keys.iter().map(press).last().unwrap_or(Order::Nothing)
    }

    #[test]
    fn the_latest_lines_are_at_the_bottom_and_long_ones_wrap() {
        let mut room = Room::new("ann");
        for number in 0..20 {
            room.said(&"bob", &format!("line {number}"));
        }
        room.said(&"bob", "words that take more than a row, and onewordthatislongerthanthat");
        let mut editor = Editor::default();
        let rows = shown(&room, &["bob"], &mut editor, (24, 9));
        let expected = [
            " chat   here: bob",
            "bob: line 19",
            "bob: words that take",
            "more than a row, and",
            "onewordthatislongerthant",
            "hat",
            "ann>",
            "Enter: say it   Esc: lea",
        ];
        assert_eq!(rows[0], expected[0]);
        assert_eq!(rows[2..], expected[1..]);
        press(&mut editor, &[KeyCode::PageUp, KeyCode::PageUp, KeyCode::PageUp]);
        let rows = shown(&room, &["bob"], &mut editor, (24, 9));
        assert_eq!((rows[1].as_str(), editor.back), ("bob: line 0", 18));
    }

    #[test]
    fn a_line_is_typed_and_mended() {
        let mut editor = Editor::default();
        for character in "helo".chars() {
            press(&mut editor, &[KeyCode::Char(character)]);
        }
        let keys = [KeyCode::Left, KeyCode::Char('l'), KeyCode::Home, KeyCode::Delete];
        press(&mut editor, &keys);
        let rows = shown(&Room::new("ann"), &[], &mut editor, (30, 5));
        assert_eq!(
            (rows[0].as_str(), rows[3].as_str()),
            (" chat   nobody else is here", "ann> ello")
        );
        let keys = [KeyCode::Char('j'), KeyCode::End, KeyCode::Backspace, KeyCode::Enter];
        assert_eq!(press(&mut editor, &keys), Order::Say("jell".to_owned()));
        assert_eq!(press(&mut editor, &[KeyCode::Enter]), Order::Nothing);
        assert_eq!(press(&mut editor, &[KeyCode::Esc]), Order::Leave);
    }

    #[test]
    fn the_smallest_terminal_is_no_trouble() {
        let mut room = Room::new("ann");
        room.said(&"bob", "wide: 漢字 😀");
        for size in [(1, 1), (2, 2), (3, 4), (1, 10)] {
            shown(&room, &[], &mut Editor::default(), size);
        }
    }
}
