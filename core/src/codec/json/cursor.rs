//! Walks over a line: tokens, texts with their escapes resolved in place, values to be passed over.

use super::JsonErrorKind;

/// A position in a line. Text that is handed out is cut off the line, the rest can still be changed.
pub(super) struct Cursor<'de> {
    rest: &'de mut [u8],
    at: usize,
    /// How many bytes were cut off before `rest`.
    cut: usize,
}

impl<'de> Cursor<'de> {
    pub(super) fn new(line: &'de mut [u8]) -> Self {
        Self { rest: line, at: 0, cut: 0 }
    }

    /// Bytes since the start of the line.
    pub(super) fn position(&self) -> usize {
        self.cut + self.at
    }

    /// The next byte that is not white space, which stays in place.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.rest.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
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

    /// Takes a number or a word: all up to the next delimiter.
    #[inline]
    pub(super) fn token(&mut self) -> &[u8] {
        self.peek();
        let start = self.at;
        while let Some(&byte) = self.rest.get(self.at) {
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')) {
                break;
            }
            self.at += 1;
        }
        self.rest.get(start..self.at).unwrap_or_default()
    }

    /// Takes an integer of up to 128 bits, sign apart; anything else stays in place.
    pub(super) fn next_integer(&mut self) -> Option<(bool, u128)> {
        let here = self.at;
        let integer = super::number::parse_wide(self.token());
        if integer.is_none() {
            self.at = here;
        }
        integer
    }

    /// Takes a text, its escapes resolved.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'de str, JsonErrorKind> {
        self.expect(b'"')?;
        let (end, escaped) = self.find_quote()?;
        let cut = end + 1;
        let (head, tail) = core::mem::take(&mut self.rest).split_at_mut(cut);
        let text = head.get_mut(self.at..end).unwrap_or_default();
        self.rest = tail;
        self.at = 0;
        self.cut += cut;
        let len = if escaped { unescape(text)? } else { text.len() };
        let text: &'de [u8] = text;
        core::str::from_utf8(text.get(..len).unwrap_or_default())
            .map_err(|_| JsonErrorKind::NotText)
    }

    /// Where the text that begins here ends, and whether it has escapes.
    #[inline]
    fn find_quote(&self) -> Result<(usize, bool), JsonErrorKind> {
        let mut from = self.at;
        let mut escaped = false;
        while let Some(&byte) = self.rest.get(from) {
            match byte {
                b'"' => return Ok((from, escaped)),
                b'\\' => {
                    escaped = true;
                    from += 2;
                }
                _ => from += 1,
            }
        }
        Err(JsonErrorKind::End)
    }

    fn skip_string(&mut self) -> Result<(), JsonErrorKind> {
        self.expect(b'"')?;
        self.at = self.find_quote()?.0 + 1;
        Ok(())
    }

    /// Passes over one value of any kind, without recursion; `deepest` bounds its nesting.
    pub(super) fn skip_value(&mut self, deepest: u32) -> Result<(), JsonErrorKind> {
        // A bit for each open bracket, the innermost lowest: 1 for an object.
        let mut open = 0_u128;
        let mut depth = 0;
        loop {
            match self.peek().ok_or(JsonErrorKind::End)? {
                b'"' => self.skip_string()?,
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
            self.skip_string()?;
            self.expect(b':')?;
        }
        Ok(())
    }

    fn skip_word(&mut self) -> Result<(), JsonErrorKind> {
        match self.token() {
            b"true" | b"false" | b"null" => Ok(()),
            number if super::number::is_number(number) => Ok(()),
            b"" => Err(self.unexpected()),
            _ => Err(JsonErrorKind::Syntax),
        }
    }

    /// Whether one of `names` is the key of two attributes of the object that begins here. What
    /// comes is only looked at; where it is not well formed, reading it will say so.
    pub(super) fn has_duplicates(&mut self, names: &[&str]) -> bool {
        let mut seen = 0_u128;
        self.look_at_keys(|key| {
            let Some(index) = names.iter().position(|name| key.is(name)) else {
                return false;
            };
            // Names beyond the mask's are taken for duplicates, which costs time and no more.
            let bit = 1_u128.checked_shl(index as u32).unwrap_or(u128::MAX);
            let again = seen & bit != 0;
            seen |= bit;
            again
        })
    }

    /// Whether an attribute of this name follows the key that was just read.
    pub(super) fn has_later(&mut self, name: &str) -> bool {
        let here = self.at;
        let behind_value = self.next_is(b':') && self.skip_value(super::Json::DEEPEST).is_ok();
        let found = behind_value && self.next_is(b',') && self.look_at_keys(|key| key.is(name));
        self.at = here;
        found
    }

    /// Shows each key from here to the end of the object until `found`, and says whether it was.
    #[inline]
    fn look_at_keys(&mut self, mut found: impl FnMut(Key<'_>) -> bool) -> bool {
        let here = self.at;
        let mut result = false;
        while self.next_is(b'"') {
            let Ok((end, escaped)) = self.find_quote() else { break };
            let raw = self.rest.get(self.at..end).unwrap_or_default();
            result = found(Key { raw, escaped });
            self.at = end + 1;
            if result
                || !self.next_is(b':')
                || self.skip_value(super::Json::DEEPEST).is_err()
                || !self.next_is(b',')
            {
                break;
            }
        }
        self.at = here;
        result
    }
}

/// A key as it stands in the line.
#[derive(Clone, Copy)]
struct Key<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl Key<'_> {
    #[inline]
    fn is(self, name: &str) -> bool {
        self.raw == name.as_bytes() || self.escaped && escaped_is(self.raw, name)
    }
}

/// Resolves all escapes of a text in place and gives its new length.
fn unescape(text: &mut [u8]) -> Result<usize, JsonErrorKind> {
    let (mut read, mut write) = (0, 0);
    while let Some(&byte) = text.get(read) {
        let mut utf8 = [byte, 0, 0, 0];
        let mut len = 1;
        read += 1;
        if byte == b'\\' {
            let (character, taken) = escape(text.get(read..).unwrap_or_default())?;
            read += taken;
            len = character.encode_utf8(&mut utf8).len();
        }
        // The shortest escape of n bytes of UTF-8 is longer than n, so that `write` stays behind.
        for &byte in utf8.iter().take(len) {
            if let Some(space) = text.get_mut(write) {
                *space = byte;
            }
            write += 1;
        }
    }
    Ok(write)
}

/// The character that an escape stands for, and the length of the escape after its backslash.
fn escape(text: &[u8]) -> Result<(char, usize), JsonErrorKind> {
    let character = match text.first().ok_or(JsonErrorKind::Escape)? {
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        _ => return Err(JsonErrorKind::Escape),
    };
    Ok((character, 1))
}

/// `uXXXX`, or `uXXXX\uXXXX` for a surrogate pair.
fn unicode_escape(text: &[u8]) -> Result<(char, usize), JsonErrorKind> {
    let first = hex(text, 1).ok_or(JsonErrorKind::Escape)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, 5));
    }
    let second = match text.get(5..7) {
        Some(b"\\u") => hex(text, 7),
        _ => None,
    };
    match (first, second) {
        (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            Ok((char::from_u32(code).ok_or(JsonErrorKind::Escape)?, 11))
        }
        _ => Err(JsonErrorKind::Escape),
    }
}

fn hex(text: &[u8], from: usize) -> Option<u32> {
    let digits = text.get(from..from + 4)?;
    digits.iter().try_fold(0, |sum, &digit| Some(sum << 4 | char::from(digit).to_digit(16)?))
}

/// Compares a key that is still escaped with a name.
fn escaped_is(key: &[u8], name: &str) -> bool {
    let mut rest = key;
    let mut name = name.as_bytes();
    while let [byte, after @ ..] = rest {
        let mut utf8 = [*byte, 0, 0, 0];
        let mut len = 1;
        rest = after;
        if *byte == b'\\' {
            let Ok((character, taken)) = escape(rest) else {
                return false;
            };
            rest = rest.get(taken..).unwrap_or_default();
            len = character.encode_utf8(&mut utf8).len();
        }
        let Some(tail) = name.strip_prefix(utf8.get(..len).unwrap_or_default()) else {
            return false;
        };
        name = tail;
    }
    name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_never_gets_longer() {
        for (escaped, plain) in [
            (r"\n", "\n"),
            (r"\u0041", "A"),
            (r"\u00e9", "é"),
            (r"\uffff", "\u{ffff}"),
            (r"\ud83d\ude00", "😀"),
            (r"a\/é\u20ac\\", "a/é€\\"),
        ] {
            let mut text = [0; 32];
            let text = &mut text[..escaped.len()];
            text.copy_from_slice(escaped.as_bytes());
            assert_eq!(unescape(text), Ok(plain.len()));
            assert_eq!(&text[..plain.len()], plain.as_bytes());
            assert!(escaped_is(escaped.as_bytes(), plain));
            assert!(!escaped_is(b"x", plain) && !escaped_is(escaped.as_bytes(), "x"));
        }
    }

    #[test]
    fn a_value_is_passed_over_to_its_last_byte() {
        for value in
            ["1", "-1.5e3", "\"a\\\"b\"", "[]", "[1,[{}],\"]\"]", "{\"}\":{\"a\":null}}", "NaN"]
        {
            let mut line = [b'.'; 64];
            line[..value.len()].copy_from_slice(value.as_bytes());
            line[value.len()] = b',';
            let mut cursor = Cursor::new(&mut line);
            assert_eq!(cursor.skip_value(8), Ok(()), "{value}");
            assert_eq!(cursor.position(), value.len());
            assert!(cursor.next_is(b','));
        }
    }

    #[test]
    fn looking_ahead_moves_nothing() {
        let mut line = *br#" "a":1,"b":[2],"\u0061":3}"#;
        let mut cursor = Cursor::new(&mut line);
        assert!(cursor.has_duplicates(&["b", "a"]));
        assert!(!cursor.has_duplicates(&["b"]));
        assert_eq!(cursor.position(), 0);
        assert_eq!(cursor.string(), Ok("a"));
        let here = cursor.position();
        assert!(cursor.has_later("a"));
        assert!(!cursor.has_later("c"));
        assert_eq!(cursor.position(), here);
        assert!(cursor.next_is(b':'));
    }

    #[test]
    fn what_is_no_integer_stays_in_place() {
        let mut line = *b"1.5,-7";
        let mut cursor = Cursor::new(&mut line);
        assert_eq!(cursor.next_integer(), None);
        assert_eq!(cursor.position(), 0);
        assert_eq!(cursor.token(), b"1.5");
        assert!(cursor.next_is(b','));
        assert_eq!(cursor.next_integer(), Some((true, 7)));
    }
}
