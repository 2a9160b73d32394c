//! Walks over a line: tokens, texts, values to be passed over.

use super::Json;
use super::error::Fault;
use super::escape::{RESOLVED_END, RESOLVED_START};
use super::number::{self, Number};

/// A position in a line.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'de> {
    line: Line<'de>,
    at: usize,
}

#[derive(Clone, Copy)]
enum Line<'de> {
    /// UTF-8 as a whole, which saves a check for each text.
    Text(&'de str),
    Bytes(&'de [u8]),
    /// Texts that had escapes stand between the marks of [`super::escape`].
    Resolved(&'de [u8]),
}

impl<'de> Cursor<'de> {
    #[inline]
    pub(super) fn new(line: &'de [u8], resolved: bool) -> Self {
        let line = match core::str::from_utf8(line) {
            _ if resolved => Line::Resolved(line),
            Ok(text) => Line::Text(text),
            Err(_) => Line::Bytes(line),
        };
        Self { line, at: 0 }
    }

    #[inline]
    fn line(&self) -> &'de [u8] {
        match self.line {
            Line::Text(text) => text.as_bytes(),
            Line::Bytes(bytes) | Line::Resolved(bytes) => bytes,
        }
    }

    /// Bytes since the start of the line.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is not white space, which stays in place.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.line().get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_behind_space(),
        }
    }

    #[cold]
    #[inline(never)]
    fn peek_behind_space(&mut self) -> Option<u8> {
        loop {
            let byte = *self.line().get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// What is not read yet.
    #[inline]
    fn rest(&self) -> &'de [u8] {
        self.line().get(self.at..).unwrap_or_default()
    }

    /// Whether `byte` is next, with no space before it.
    #[inline]
    pub(super) fn is_at(&self, byte: u8) -> bool {
        self.line().get(self.at) == Some(&byte)
    }

    /// Whether nothing but `end` is left.
    #[inline]
    pub(super) fn ends_with(&self, end: &[u8]) -> bool {
        self.rest() == end
    }

    /// Passes over a comma, unless it is the first key, over the text `name` and a colon, where they
    /// are next with no space between: as nearly every peer writes them.
    #[inline]
    pub(super) fn next_is_key(&mut self, first: bool, name: &str) -> bool {
        let rest = match self.rest() {
            [b'"', rest @ ..] if first => rest,
            [b',', b'"', rest @ ..] if !first => rest,
            _ => return false,
        };
        match rest.split_at_checked(name.len()) {
            Some((key, [b'"', b':', rest @ ..])) if same(key, name.as_bytes()) => {
                self.at = self.line().len() - rest.len();
                true
            }
            _ => false,
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
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.next_is(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// What is wrong when what stands here can not stand here.
    #[cold]
    pub(super) fn unexpected(&mut self) -> Fault {
        if self.peek().is_none() { Fault::End } else { Fault::Syntax }
    }

    /// Whether a text is next.
    #[inline]
    pub(super) fn text_is_next(&mut self) -> bool {
        matches!(self.peek(), Some(b'"' | RESOLVED_START))
    }

    /// Takes a text.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'de str, Fault> {
        let raw = self.raw_text()?;
        // Behind the text stands its closing mark.
        let end = self.at - 1;
        match self.line {
            Line::Text(line) => line.get(end - raw.len()..end).ok_or(Fault::NotText),
            _ => core::str::from_utf8(raw).map_err(|_| Fault::NotText),
        }
    }

    /// Takes a text that may not be UTF-8.
    #[inline]
    pub(super) fn raw_text(&mut self) -> Result<&'de [u8], Fault> {
        let end = match self.peek() {
            Some(b'"') => b'"',
            Some(RESOLVED_START) if matches!(self.line, Line::Resolved(_)) => RESOLVED_END,
            _ => return Err(self.unexpected()),
        };
        let rest = self.rest().get(1..).unwrap_or_default();
        let len = find(end, rest).ok_or(Fault::End)?;
        self.at += len + 2;
        Ok(rest.get(..len).unwrap_or_default())
    }

    /// Takes a number or a word: all up to the next delimiter.
    #[inline]
    pub(super) fn token(&mut self) -> &'de [u8] {
        self.peek();
        let rest = self.rest();
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
        let (negative, digits) = match self.rest() {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let mut magnitude = 0_u64;
        let mut len = 0;
        let end = loop {
            let &byte = digits.get(len)?;
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break byte;
            }
            magnitude = magnitude.wrapping_mul(10).wrapping_add(digit.into());
            len += 1;
        };
        let leading_zero = len > 1 && digits.first() == Some(&b'0');
        if !matches!(end, b',' | b'}' | b']') || leading_zero || !(1..=MOST_DIGITS).contains(&len) {
            return None;
        }
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
    pub(super) fn skip_value(&mut self, deepest: u32) -> Result<(), Fault> {
        // A bit for each open bracket, the innermost lowest: 1 for an object.
        let mut open = 0_u128;
        let mut depth = 0;
        loop {
            match self.peek().ok_or(Fault::End)? {
                b'"' | RESOLVED_START => drop(self.raw_text()?),
                bracket @ (b'[' | b'{') => {
                    self.at += 1;
                    if depth >= deepest.min(u128::BITS) {
                        return Err(Fault::TooDeep);
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

    fn skip_key(&mut self, object: bool) -> Result<(), Fault> {
        if object {
            self.raw_text()?;
            self.expect(b':')?;
        }
        Ok(())
    }

    fn skip_word(&mut self) -> Result<(), Fault> {
        match self.token() {
            b"true" | b"false" | b"null" => Ok(()),
            number if number::is_number(number) => Ok(()),
            b"" => Err(self.unexpected()),
            _ => Err(Fault::Syntax),
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

/// Whether two short texts of the same length are the same. The library's comparison is made for
/// long ones: for a few bytes the way there and back takes longer.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    const WORD: usize = size_of::<usize>();
    const HALF: usize = WORD / 2;
    // On machines of 32 bits this saves nothing, and is not compiled.
    if HALF > 2 && (HALF..WORD).contains(&one.len()) {
        // Two halves, which overlap.
        return one.first_chunk::<HALF>() == other.first_chunk()
            && one.last_chunk::<HALF>() == other.last_chunk();
    }
    let (words, rest) = one.as_chunks::<WORD>();
    let (other_words, other_rest) = other.as_chunks::<WORD>();
    let is_same = |(one, other): (&[u8; WORD], &[u8; WORD])| {
        usize::from_ne_bytes(*one) == usize::from_ne_bytes(*other)
    };
    words.iter().zip(other_words).all(is_same)
        && rest.iter().zip(other_rest).all(|(one, other)| one == other)
}

/// Finds a byte that is most often near: a few words are looked at before more is set up.
#[inline]
fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 4;
    const LOWEST_BITS: usize = usize::MAX / 0xff;
    let mut rest = bytes;
    for _ in 0..NEAR {
        let Some((word, behind)) = rest.split_first_chunk() else {
            let at = rest.iter().position(|&other| other == byte)?;
            return Some(bytes.len() - rest.len() + at);
        };
        // Bytes that are the same become 0; the lowest of those gets its highest bit set.
        let difference = usize::from_le_bytes(*word) ^ (LOWEST_BITS * usize::from(byte));
        let same = difference.wrapping_sub(LOWEST_BITS) & !difference & (LOWEST_BITS << 7);
        if same != 0 {
            return Some(bytes.len() - rest.len() + same.trailing_zeros() as usize / 8);
        }
        rest = behind;
    }
    memchr::memchr(byte, rest).map(|at| bytes.len() - rest.len() + at)
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
    fn the_first_of_several_bytes_is_found_wherever_it_is() {
        let mut bytes = [b'!'; 100];
        for at in (0..bytes.len()).rev() {
            bytes[at] = b'"';
            assert_eq!(find(b'"', &bytes), Some(at));
            assert_eq!(find(b'"', &bytes[..at]), None);
        }
        assert_eq!(find(0xff, &[0, 1, 0xfe, 0xff, 0xff, 0, 0, 0, 0]), Some(3));
    }

    #[test]
    fn texts_that_differ_in_one_byte_are_not_the_same() {
        let one = [b'a'; 40];
        for len in 0..one.len() {
            let one = &one[..len];
            assert!(same(one, one), "{len} bytes");
            for at in 0..len {
                let mut other = [b'a'; 40];
                other[at] = b'b';
                assert!(!same(one, &other[..len]), "byte {at} of {len}");
            }
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
