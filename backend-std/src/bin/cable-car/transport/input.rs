//! Lines that somebody typed, as messages, or what is wrong with them.

use cable_car_std::cable_car::{Link, Moved};
use cable_car_std::{AnyJson, BadMessage, Byte};

use super::{Frame, Line};
use crate::value::Value;

const JSON_FORM: &str = r#"write ["Name",{"attribute":value}], such as ["MsgJoin",{}]"#;
const BYTE_FORM: &str = "write a code and bytes in hexadecimal, such as 0x11 7b 66 6f 6f";

/// How many bytes of payload are sent at the most.
const LONGEST_PAYLOAD: usize = Byte::LONGEST_SENT - Byte::HEADER;

/// `CODE BYTES`, all in hexadecimal, each with `0x` or without, the bytes apart or together.
pub(super) fn frame(line: &[u8]) -> Result<Frame, String> {
    if line.trim_ascii_start().starts_with(b"[") {
        return Err(format!("this is JSON: say --transport json at the start, or {BYTE_FORM}"));
    }
    let line = std::str::from_utf8(line).map_err(|_| format!("not hexadecimal: {BYTE_FORM}"))?;
    let mut words = line.split_whitespace();
    let word = words.next().ok_or_else(|| format!("an empty line: {BYTE_FORM}"))?;
    let digits = without_prefix(word);
    let code = match digits.len() {
        1 | 2 => byte(digits),
        _ => None,
    };
    let Some(code) = code else {
        return Err(format!("{word:?} is no code from 00 to ff: {BYTE_FORM}"));
    };
    let mut payload = Vec::new();
    for word in words {
        let digits = without_prefix(word);
        for pair in digits.as_bytes().chunks(2) {
            let value = std::str::from_utf8(pair).ok().and_then(byte);
            payload.push(value.ok_or_else(|| format!("{word:?} is not hexadecimal: {BYTE_FORM}"))?);
        }
        if digits.len() % 2 == 1 {
            return Err(format!("{word:?} has half a byte: write two digits for each"));
        }
    }
    if payload.len() > LONGEST_PAYLOAD {
        let len = payload.len();
        return Err(format!("{len} bytes are too many: a message has {LONGEST_PAYLOAD} at most"));
    }
    Ok(Frame { code, payload })
}

fn without_prefix(word: &str) -> &str {
    word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word)
}

fn byte(digits: &str) -> Option<u8> {
    // Rust would take a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u8::from_str_radix(digits, 16).ok()
}

/// `["Name",{...}]`, read as one that comes from a peer is.
pub(super) fn line(line: &[u8]) -> Result<Line, String> {
    if line.trim_ascii().is_empty() {
        return Err(format!("an empty line: {JSON_FORM}"));
    }
    let line = [line, b"\n"].concat();
    let mut memory = vec![0; line.len()];
    let mut link: Link<AnyJson, _, [u8; 0]> = Link::new(&mut memory[..], []);
    link.receive(|space| {
        space.copy_from_slice(&line);
        Moved::All(line.len())
    });
    let message = match link.get() {
        Some(Ok(frame)) => {
            let name = frame.name().to_owned();
            frame.attributes("as written").map(|attributes: Value| Line { name, attributes })
        }
        Some(Err(bad)) => Err(bad),
        None => return Err(format!("not one line: {JSON_FORM}")),
    };
    message.map_err(|bad| match bad {
        _ if frame(&line).is_ok() => {
            format!("these are bytes: say --transport byte at the start, or {JSON_FORM}")
        }
        BadMessage::Line { error } | BadMessage::Attributes { error, .. } => {
            format!("{error}; {JSON_FORM}")
        }
        bad => format!("{bad}; {JSON_FORM}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_hexadecimal_in_every_spelling() {
        let expected = Frame { code: 0x11, payload: b"{foo".to_vec() };
        for text in ["11 7b666f6f", "0x11 7b 66 6f 6f", " 0X11\t0x7B 0x66 6F6f\r"] {
            assert_eq!(frame(text.as_bytes()), Ok(expected.clone()), "{text}");
        }
        assert_eq!(frame(b"2"), Ok(Frame { code: 2, payload: vec![] }));
        let longest = format!("ff {}", "00".repeat(252));
        assert!(frame(longest.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_frame_is_told_with_what_to_write() {
        for (text, words) in [
            ("", "an empty line: write a code"),
            ("join", "\"join\" is no code from 00 to ff"),
            ("256", "\"256\" is no code"),
            ("0x", "\"0x\" is no code"),
            ("+1", "\"+1\" is no code"),
            ("11 7b6", "\"7b6\" has half a byte: write two digits"),
            ("11 zz", "\"zz\" is not hexadecimal: write a code"),
            ("11 hello", "\"hello\" is not hexadecimal"),
            ("11 +1", "\"+1\" is not hexadecimal"),
            ("11 éé", "is not hexadecimal"),
            ("[\"MsgJoin\",{}]", "this is JSON: say --transport json"),
        ] {
            let error = frame(text.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        let long = format!("ff {}", "00".repeat(253));
        assert!(frame(long.as_bytes()).unwrap_err().contains("253 bytes are too many"));
        assert!(frame(b"\xff").unwrap_err().contains("not hexadecimal"));
    }

    #[test]
    fn a_line_is_read_as_from_a_peer() {
        let read = line(br#" ["Msg",{"a":[1,NaN,"\u00e9"],"a":null}] "#).unwrap();
        assert_eq!(read.name, "Msg");
        let Value::Object(entries) = read.attributes else { panic!("no object") };
        assert_eq!(entries[1], ("a".to_owned(), Value::Null));
        let Value::Array(elements) = &entries[0].1 else { panic!("no array") };
        assert_eq!(elements[2], Value::from("é"));
    }

    #[test]
    fn what_is_no_line_is_told_with_what_to_write() {
        for (text, words) in [
            ("", "an empty line: write [\"Name\""),
            ("MsgJoin", "not JSON of the form [\"Name\",{...}] (at byte 0)"),
            ("[\"MsgJoin\"]", "(at byte 10)"),
            ("[\"MsgJoin\",[]]", "attributes are not an object"),
            ("[\"MsgJoin\",{\"a\":1}", "ends too early"),
            ("[\"MsgJoin\",{\"a\":01}]", "not a number"),
            ("{\"MsgJoin\":{}}", "not JSON of the form"),
            ("0x11 7b66", "these are bytes: say --transport byte"),
        ] {
            let error = line(text.as_bytes()).unwrap_err();
            assert!(error.contains(words) && error.contains("write ["), "{text}: {error}");
        }
    }
}
