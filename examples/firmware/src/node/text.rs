//! Text and figures from the network, made fit for one line of output.

use core::fmt;

/// Characters of a text that are told.
const LONGEST: usize = 48;

/// A text from the network: its beginning, with everything escaped that would end or hide a line.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(LONGEST) {
            write!(f, "{}", character.escape_debug())?;
        }
        if characters.next().is_some() { f.write_str("...") } else { Ok(()) }
    }
}

/// A figure from the network with one decimal. The standard library's own way to write a fraction
/// takes 8 KB of flash.
pub(super) struct Tenths(pub(super) f64);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is no number becomes 0, what is out of range the nearest that is not.
        let tenths = (self.0 * 10.0) as i64;
        let sign = if tenths < 0 { "-" } else { "" };
        let tenths = tenths.unsigned_abs();
        write!(f, "{sign}{}.{}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_one_decimal() {
        for (figure, text) in [
            (0.0, "0.0"),
            (50.0, "50.0"),
            (1.5, "1.5"),
            (-0.25, "-0.2"),
            (f64::NAN, "0.0"),
            (f64::INFINITY, "922337203685477580.7"),
        ] {
            assert_eq!(Tenths(figure).to_string(), text);
        }
    }

    #[test]
    fn nothing_breaks_the_line() {
        assert_eq!(Plain("a\nb\u{1b}[2J").to_string(), "a\\nb\\u{1b}[2J");
        assert_eq!(Plain(&"x".repeat(49)).to_string(), format!("{}...", "x".repeat(48)));
    }
}
