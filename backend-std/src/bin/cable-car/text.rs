//! Text and bytes from the network, for a terminal that obeys what is in them.

/// Whether a character is not to be shown as it is: it would move the cursor, change what stands
/// around it, or not be seen.
pub(crate) fn is_odd(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' // marks that are not seen
            | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
            | '\u{2028}'..='\u{202e}' // lines, paragraphs, and the direction of writing
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every odd character as `\u{1b}`.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match is_odd(character) {
            true => plain.extend(character.escape_unicode()),
            false => plain.push(character),
        }
    }
    plain
}

/// `7b 66 6f 6f`, with `between` two bytes what is wanted there.
pub(crate) fn hex(bytes: &[u8], between: &str) -> String {
    let mut text = String::with_capacity(bytes.len() * (2 + between.len()));
    for (index, byte) in bytes.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { between });
        let digits = [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16));
        text.extend(digits.into_iter().flatten());
    }
    text
}

/// The bytes as characters, as far as they are printable ASCII.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    bytes.iter().map(|byte| if is_printable(byte) { char::from(*byte) } else { '.' }).collect()
}

/// The text in lines of at most `width` characters, where its words allow that.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `1 peer`, `2 peers`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(plain("pöng \u{1b}[31m\u{7f}\u{9b}"), r"pöng \u{1b}[31m\u{7f}\u{9b}");
        assert_eq!(plain("a\u{202e}b\nc"), r"a\u{202e}b\u{a}c");
        assert_eq!(printable(b"{foo\x1b\xff"), "{foo..");
        assert_eq!(hex(b"{foo", " "), "7b 66 6f 6f");
        assert_eq!(hex(b"{foo", ""), "7b666f6f");
    }

    #[test]
    fn text_is_broken_between_words_alone() {
        assert_eq!(wrap("ab cd efghij k", 5), ["ab cd", "efghij", "k"]);
        assert_eq!(wrap("ab cd", usize::MAX), ["ab cd"]);
    }
}
