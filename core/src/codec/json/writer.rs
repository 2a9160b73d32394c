//! A line as it is written: bytes, and texts in quotes and escapes.

use core::fmt;

use crate::codec::fields::EncodeError;

/// The part of a line that is written so far.
pub(super) struct Writer<'a> {
    space: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(space: &'a mut [u8]) -> Self {
        Self { space, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn byte_at(&self, at: usize) -> Option<u8> {
        self.space.get(at).copied()
    }

    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let end = self.len + bytes.len();
        let Some(space) = self.space.get_mut(self.len..end) else {
            return Err(EncodeError::Full);
        };
        space.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Writes a text in quotes; what is not printable ASCII is escaped.
    pub(super) fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        self.bytes(b"\"")?;
        self.escaped(text)?;
        self.bytes(b"\"")
    }

    fn escaped(&mut self, text: &str) -> Result<(), EncodeError> {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
            // An odd byte is where a character begins.
            let (plain, odd) = rest.split_at_checked(at).unwrap_or_default();
            self.bytes(plain.as_bytes())?;
            let mut characters = odd.chars();
            if let Some(character) = characters.next() {
                self.escape(character)?;
            }
            rest = characters.as_str();
        }
        self.bytes(rest.as_bytes())
    }

    /// Puts what was written from `start` on into quotes, and a colon behind it.
    pub(super) fn quote_from(&mut self, start: usize) -> Result<(), EncodeError> {
        self.bytes(b"\"\":")?;
        let written = self.space.get_mut(start..self.len).unwrap_or_default();
        // number"": -> "number":
        if let Some(end) = written.len().checked_sub(2) {
            written.get_mut(..end).unwrap_or_default().rotate_right(1);
        }
        Ok(())
    }

    fn escape(&mut self, character: char) -> Result<(), EncodeError> {
        match character {
            '"' => self.bytes(b"\\\""),
            '\\' => self.bytes(b"\\\\"),
            '\u{8}' => self.bytes(b"\\b"),
            '\u{c}' => self.bytes(b"\\f"),
            '\n' => self.bytes(b"\\n"),
            '\r' => self.bytes(b"\\r"),
            '\t' => self.bytes(b"\\t"),
            _ => character.encode_utf16(&mut [0; 2]).iter().try_for_each(|&unit| {
                let digit = |shift: u32| {
                    char::from_digit(u32::from(unit >> shift) & 0xf, 16).map_or(b'0', |c| c as u8)
                };
                self.bytes(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)])
            }),
        }
    }
}

/// What may stand in a text as it is.
#[inline]
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// Lets `Display` write the inside of a text.
pub(super) struct TextWriter<'w, 'a>(pub(super) &'w mut Writer<'a>);

impl fmt::Write for TextWriter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.escaped(text).map_err(|_| fmt::Error)
    }
}
