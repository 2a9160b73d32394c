//! Escapes in texts, resolved in place before a line is read.
//!
//! A text only ever gets shorter by it. One that had escapes then stands between two marks rather
//! than between quotes, since it may contain quotes now; the marks are bytes that no UTF-8 has.
//! What is left over of it becomes white space.

use super::error::Fault;

/// Stands before a text whose escapes are resolved.
pub(super) const RESOLVED_START: u8 = 0xfe;

/// Stands behind a text whose escapes are resolved.
pub(super) const RESOLVED_END: u8 = 0xff;

/// Resolves the escapes of all texts of a line; whether there were any.
///
/// Half of a surrogate pair, which Python sends for what is no character, becomes U+FFFD.
#[inline]
pub(super) fn resolve(line: &mut [u8]) -> Result<bool, (Fault, usize)> {
    match memchr::memchr(b'\\', line) {
        None => Ok(false),
        Some(_) => resolve_texts(line).map(|()| true),
    }
}

fn resolve_texts(line: &mut [u8]) -> Result<(), (Fault, usize)> {
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' => {
                let (end, escaped) = find_quote(line, at + 1);
                if escaped {
                    let token = line.get_mut(at..=end).ok_or((Fault::End, at))?;
                    resolve_text(token).map_err(|kind| (kind, at))?;
                }
                at = end + 1;
            }
            RESOLVED_START | RESOLVED_END => return Err((Fault::Syntax, at)),
            _ => at += 1,
        }
    }
    Ok(())
}

/// Where the text that begins at `from` ends, or the end of the line, and whether it has escapes.
fn find_quote(line: &[u8], from: usize) -> (usize, bool) {
    let mut at = from;
    let mut escaped = false;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            None => return (line.len(), escaped),
            Some(found) if rest.get(found) == Some(&b'"') => return (at + found, escaped),
            Some(found) => {
                escaped = true;
                at += found + 2;
            }
        }
    }
}

/// Resolves the escapes of one text, quotes included.
fn resolve_text(token: &mut [u8]) -> Result<(), Fault> {
    let [start, text @ ..] = token else {
        return Err(Fault::End);
    };
    *start = RESOLVED_START;
    let end = text.len().saturating_sub(1);
    let (mut read, mut write) = (0, 0);
    while let Some(&byte) = text.get(..end).and_then(|text| text.get(read)) {
        let mut utf8 = [byte, 0, 0, 0];
        let mut len = 1;
        read += 1;
        if byte == b'\\' {
            let (character, taken) = escape(text.get(read..end).unwrap_or_default())?;
            read += taken;
            len = character.encode_utf8(&mut utf8).len();
        } else if byte >= RESOLVED_START {
            return Err(Fault::NotText);
        }
        // The shortest escape of n bytes of UTF-8 is longer than n, so that `write` stays behind.
        for &byte in utf8.iter().take(len) {
            if let Some(space) = text.get_mut(write) {
                *space = byte;
            }
            write += 1;
        }
    }
    let left_over = text.get_mut(write..).unwrap_or_default();
    left_over.fill(b' ');
    if let Some(end) = left_over.first_mut() {
        *end = RESOLVED_END;
    }
    Ok(())
}

/// The character that an escape stands for, and the length of the escape after its backslash.
fn escape(text: &[u8]) -> Result<(char, usize), Fault> {
    let character = match text.first().ok_or(Fault::Escape)? {
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        _ => return Err(Fault::Escape),
    };
    Ok((character, 1))
}

/// `uXXXX`, or `uXXXX\uXXXX` for a surrogate pair.
fn unicode_escape(text: &[u8]) -> Result<(char, usize), Fault> {
    let first = hex(text, 1).ok_or(Fault::Escape)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, 5));
    }
    let second = match text.get(5..7) {
        Some(b"\\u") => hex(text, 7),
        _ => None,
    };
    let pair = match (first, second) {
        (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
            char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        _ => None,
    };
    Ok(pair.map_or((char::REPLACEMENT_CHARACTER, 5), |character| (character, 11)))
}

fn hex(text: &[u8], from: usize) -> Option<u32> {
    let digits = text.get(from..from + 4)?;
    digits.iter().try_fold(0, |sum, &digit| Some(sum << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn resolves(line: &str, expected: &[u8]) {
        let mut bytes = [0; 64];
        let bytes = &mut bytes[..line.len()];
        bytes.copy_from_slice(line.as_bytes());
        assert_eq!(resolve(bytes), Ok(line.contains('\\')));
        assert_eq!(bytes, expected, "{line}");
    }

    #[test]
    fn only_texts_with_escapes_change() {
        resolves(r#"["a",{"b":1}]"#, br#"["a",{"b":1}]"#);
        resolves(r#"["a","b\nc"]"#, b"[\"a\",\xfeb\nc\xff ]");
        resolves(r#""\"\\\/""#, b"\xfe\"\\/\xff   ");
    }

    #[test]
    fn surrogates_are_joined_or_replaced() {
        resolves(r#""\ud83d\ude00""#, b"\xfe\xf0\x9f\x98\x80\xff        ");
        resolves(r#""\ud83d!""#, b"\xfe\xef\xbf\xbd!\xff   ");
        resolves(r#""\ude00\ud83d""#, b"\xfe\xef\xbf\xbd\xef\xbf\xbd\xff      ");
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        for line in [r#""\x""#, r#""\u12""#, r#""\u12g4""#, r#""\"#, r#""abc\""#, r#""\u"#] {
            let mut bytes = [0; 16];
            let bytes = &mut bytes[..line.len()];
            bytes.copy_from_slice(line.as_bytes());
            assert!(resolve(bytes).is_err(), "{line}");
        }
        assert!(resolve(&mut [0xfe, b'\\']).is_err());
        assert!(resolve(&mut [b'"', b'\\', b'n', 0xff, b'"']).is_err());
    }
}
