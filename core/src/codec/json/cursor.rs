//! Walks over a line: tokens, texts, values to be passed over.

use super::escape::{RESOLVED_END, RESOLVED_START};
use super::number::{self, Number};
use super::{Json, JsonErrorKind};

/// A position in a line.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'de> {
    line: &'de [u8],
    at: usize,
    /// The line where it is UTF-8 as a whole, which saves a check for each text.
    utf8: Option<&'de str>,
    /// Whether texts that had escapes stand between the marks of [`super::escape`].
    resolved: bool,
}

impl<'de> Cursor<'de> {
    pub(super) fn new(line: &'de [u8], resolved: bool) -> Self {
        Self { line, at: 0, utf8: core::str::from_utf8(line).ok(), resolved }
    }

    /// Bytes since the start of the line.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is not white space, which stays in place.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.line.get(self.at)?;
            if byte > b' ' || !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes over `byte` where it is the next one.
    #[inline]
    pub(super) fn next_is(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), JsonErrorKind> {
        if self.next_is(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// What is wrong when what stands here can not stand here.
    #[cold]
    pub(super) fn unexpected(&mut self) -> JsonErrorKind {
        if self.peek().is_none() { JsonErrorKind::End } else { JsonErrorKind::Syntax }
    }

    /// Whether a text is next.
    #[inline]
    pub(super) fn text_is_next(&mut self) -> bool {
        matches!(self.peek(), Some(b'"' | RESOLVED_START))
    }

    /// Takes a text.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'de str, JsonErrorKind> {
        let raw = self.raw_text()?;
        // Behind the text stands its closing mark.
        let end = self.at - 1;
        match self.utf8 {
            Some(line) => line.get(end - raw.len()..end).ok_or(JsonErrorKind::NotText),
            None => core::str::from_utf8(raw).map_err(|_| JsonErrorKind::NotText),
        }
    }

    /// Takes a text that may not be UTF-8.
    #[inline]
    pub(super) fn raw_text(&mut self) -> Result<&'de [u8], JsonErrorKind> {
        let end = match self.peek() {
            Some(b'"') => b'"',
            Some(RESOLVED_START) if self.resolved => RESOLVED_END,
            _ => return Err(self.unexpected()),
        };
        let rest = self.line.get(self.at + 1..).unwrap_or_default();
        let len = find(end, rest).ok_or(JsonErrorKind::End)?;
        self.at += len + 2;
        Ok(rest.get(..len).unwrap_or_default())
    }

    /// Takes a number or a word: all up to the next delimiter.
    #[inline]
    pub(super) fn token(&mut self) -> &'de [u8] {
        self.peek();
        let rest = self.line.get(self.at..).unwrap_or_default();
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let len = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// Takes an integer of a few digits, by far the most frequent number; anything else stays.
    #[inline]
    pub(super) fn short_integer(&mut self) -> Option<Number> {
        /// As many digits as a `u64` always has room for.
        const MOST_DIGITS: usize = 19;
        let rest = self.line.get(self.at..).unwrap_or_default();
        let digits = rest.strip_prefix(b"-").unwrap_or(rest);
        let mut magnitude = 0_u64;
        let mut len = 0;
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 || len == MOST_DIGITS {
                break;
            }
            magnitude = magnitude.wrapping_mul(10).wrapping_add(digit.into());
            len += 1;
        }
        let ends = matches!(digits.get(len), Some(b',' | b'}' | b']'));
        let leading_zero = len > 1 && digits.first() == Some(&b'0');
        if len == 0 || leading_zero || !ends {
            return None;
        }
        let negative = digits.len() < rest.len();
        let number = if negative {
            Number::Signed(0_i64.checked_sub_unsigned(magnitude)?)
        } else {
            Number::Unsigned(magnitude)
        };
        self.at += len + usize::from(negative);
        Some(number)
    }

    /// Takes an integer of up to 128 bits, sign apart; anything else stays in place.
    pub(super) fn wide_integer(&mut self) -> Option<(bool, u128)> {
        let here = self.at;
        let integer = number::parse_wide(self.token());
        if integer.is_none() {
            self.at = here;
        }
        integer
    }

    /// Passes over one value of any kind, without recursion; `deepest` bounds its nesting.
    pub(super) fn skip_value(&mut self, deepest: u32) -> Result<(), JsonErrorKind> {
        // A bit for each open bracket, the innermost lowest: 1 for an object.
        let mut open = 0_u128;
        let mut depth = 0;
        loop {
            match self.peek().ok_or(JsonErrorKind::End)? {
                b'"' | RESOLVED_START => drop(self.raw_text()?),
                bracket @ (b'[' | b'{') => {
                    self.at += 1;
                    if depth >= deepest.min(u128::BITS) {
                        return Err(JsonErrorKind::TooDeep);
                    }
                    let object = bracket == b'{';
                    open = open << 1 | u128::from(object);
                    depth += 1;
                    if !self.next_is(if object { b'}' } else { b']' }) {
                        self.skip_key(object)?;
                        continue;
                    }
                    open >>= 1;
                    depth -= 1;
                }
                _ => self.skip_word()?,
            }
            // A value is behind us: close what ends here, or go on to the next value.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let object = open & 1 == 1;
                if self.next_is(b',') {
                    self.skip_key(object)?;
                    break;
                }
                self.expect(if object { b'}' } else { b']' })?;
                open >>= 1;
                depth -= 1;
            }
        }
    }

    fn skip_key(&mut self, object: bool) -> Result<(), JsonErrorKind> {
        if object {
            self.raw_text()?;
            self.expect(b':')?;
        }
        Ok(())
    }

    fn skip_word(&mut self) -> Result<(), JsonErrorKind> {
        match self.token() {
            b"true" | b"false" | b"null" => Ok(()),
            number if number::is_number(number) => Ok(()),
            b"" => Err(self.unexpected()),
            _ => Err(JsonErrorKind::Syntax),
        }
    }

    /// Whether `key`, which was just read, comes again in the same object. What follows is only
    /// looked at; where it is not well formed, reading it will say so.
    pub(super) fn comes_again(mut self, key: &[u8]) -> bool {
        while self.next_is(b':')
            && self.skip_value(Json::DEEPEST).is_ok()
            && self.next_is(b',')
            && let Ok(later) = self.raw_text()
        {
            if later == key {
                return true;
            }
        }
        false
    }
}

/// Finds a byte that is most often near.
#[inline]
fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 16;
    match bytes.iter().take(NEAR).position(|&other| other == byte) {
        None => memchr::memchr(byte, bytes.get(NEAR..)?).map(|at| at + NEAR),
        near => near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_passed_over_to_its_last_byte() {
        for value in
            ["1", "-1.5e3", "\"ab\"", "[]", "[1,[{}],\"]\"]", "{\"}\":{\"a\":null}}", "NaN"]
        {
            let mut line = [b'.'; 64];
            line[..value.len()].copy_from_slice(value.as_bytes());
            line[value.len()] = b',';
            let mut cursor = Cursor::new(&line, false);
            assert_eq!(cursor.skip_value(8), Ok(()), "{value}");
            assert_eq!(cursor.position(), value.len());
            assert!(cursor.next_is(b','));
        }
    }

    #[test]
    fn what_is_no_integer_stays_in_place() {
        let mut cursor = Cursor::new(b"1.5,-7", false);
        assert_eq!(cursor.wide_integer(), None);
        assert_eq!(cursor.position(), 0);
        assert_eq!(cursor.token(), b"1.5");
        assert!(cursor.next_is(b','));
        assert_eq!(cursor.wide_integer(), Some((true, 7)));
    }
}
