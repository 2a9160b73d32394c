//! What strangers sent, as it may go to a terminal.

/// How much of a name is shown, in characters.
const LONGEST_NAME: usize = 64;

/// The text without control characters.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// The same of a name, which is cut where it is too long.
#[must_use]
pub fn printable_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}
