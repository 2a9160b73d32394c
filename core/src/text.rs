//! A few bytes of text held in place, for what an error quotes.

use core::fmt;

/// The longest snippet, in bytes.
const CAPACITY: usize = 39;

/// A short text held in place; what is longer is cut at a character.
///
/// ```
/// use cable_car::Snippet;
///
/// assert_eq!(Snippet::new("MsgStats").as_str(), "MsgStats");
/// assert!(Snippet::new(&"x".repeat(100)).as_str().len() < 100);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Snippet {
    bytes: [u8; CAPACITY],
    len: u8,
}

impl Snippet {
    /// Keeps `text`, or as much of its beginning as there is room for.
    ///
    /// ```
    /// # use cable_car::Snippet;
    /// assert_eq!(Snippet::new("MsgStats").to_string(), "MsgStats");
    /// ```
    pub fn new(text: &str) -> Self {
        let mut snippet = Self { bytes: [0; CAPACITY], len: 0 };
        // What does not fit is cut.
        let _ = snippet.push(text);
        snippet
    }

    /// The text.
    ///
    /// ```
    /// # use cable_car::Snippet;
    /// assert_eq!(Snippet::new("MsgStats").as_str(), "MsgStats");
    /// ```
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    fn push(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let from = usize::from(self.len);
            let to = from + character.len_utf8();
            let space = self.bytes.get_mut(from..to).ok_or(fmt::Error)?;
            let utf8 = &mut [0; 4];
            for (space, byte) in space.iter_mut().zip(character.encode_utf8(utf8).bytes()) {
                *space = byte;
            }
            self.len = to as u8;
        }
        Ok(())
    }
}

impl From<fmt::Arguments<'_>> for Snippet {
    fn from(text: fmt::Arguments<'_>) -> Self {
        let mut snippet = Self::new("");
        // What does not fit is cut.
        let _ = fmt::write(&mut snippet, text);
        snippet
    }
}

impl fmt::Write for Snippet {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text)
    }
}

impl fmt::Debug for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Snippet {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_a_character() {
        let snippet = Snippet::new("ééééééééééééééééééééééééééééé");
        assert_eq!(snippet.as_str().len(), 38);
        assert!(snippet.as_str().chars().all(|c| c == 'é'));
    }
}
