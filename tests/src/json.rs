//! Single lines of the JSON transport, written and read as a link does it.

use std::fmt::Debug;

use cable_car::{AnyJson, BadMessage, EncodeError, JsonErrorKind, JsonFrame, Link, Moved};
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};
use serde_json::Value;

use crate::stream::Fixed;

/// What a link makes of one line, the line feed included.
fn receive(line: &[u8]) -> Link<AnyJson, Fixed, [u8; 0]> {
    let mut link = Link::new(Fixed::new(line.len()), []);
    link.receive(|space| {
        space[..line.len()].copy_from_slice(line);
        Moved::All(line.len())
    });
    link
}

fn line_of(attributes: &str) -> Vec<u8> {
    format!("[\"Msg\",{attributes}]\n").into_bytes()
}

/// Reads a line with `read`.
///
/// # Panics
///
/// Where the line is none.
pub fn read_line<T>(
    line: &[u8],
    read: impl FnOnce(JsonFrame<'_>) -> Result<T, BadMessage>,
) -> Result<T, BadMessage> {
    receive(line).get().expect("one line").and_then(read)
}

/// Reads attributes as a type that owns what it holds.
pub fn parse<T: DeserializeOwned>(attributes: &str) -> Result<T, BadMessage> {
    read_line(&line_of(attributes), |frame| frame.attributes("Msg"))
}

/// Reads attributes as a type that borrows from the line, which stays in memory for good.
///
/// # Panics
///
/// Where the line is none.
pub fn parse_borrowed<T: Deserialize<'static>>(attributes: &str) -> Result<T, BadMessage> {
    let link = Box::leak(Box::new(receive(&line_of(attributes))));
    link.get().expect("one line").and_then(|frame| frame.attributes("Msg"))
}

/// What is wrong with attributes of this type.
///
/// # Panics
///
/// Where nothing is.
pub fn error_of<T: DeserializeOwned + Debug>(attributes: &str) -> JsonErrorKind {
    match parse::<T>(attributes) {
        Err(BadMessage::Attributes { name: "Msg", error }) => error.kind(),
        Err(BadMessage::Line { error }) => error.kind(),
        other => panic!("{attributes} gives {other:?}"),
    }
}

/// The line of a message named `name`, its line feed included.
pub fn write<T: Serialize + ?Sized>(name: &str, attributes: &T) -> Result<String, EncodeError> {
    let mut space = vec![0; 64];
    loop {
        match cable_car::write_line(name, attributes, &mut space) {
            Err(EncodeError::Full) if space.len() < 1 << 24 => space.resize(space.len() * 2, 0),
            Err(error) => return Err(error),
            Ok(len) => {
                space.truncate(len);
                return Ok(String::from_utf8_lossy(&space).into_owned());
            }
        }
    }
}

/// Attributes as they are written.
///
/// # Panics
///
/// Where they can not be.
pub fn attributes<T: Serialize + ?Sized>(attributes: &T) -> String {
    let line = write("Msg", attributes).expect("can be written");
    let inner = line.strip_prefix("[\"Msg\",").and_then(|line| line.strip_suffix("]\n"));
    inner.expect("a line").to_owned()
}

/// What serde_json makes of a line: name, attributes, and whatever else is ignored.
pub fn read_by_serde_json(line: &[u8]) -> Option<(String, Value)> {
    let Ok(Value::Array(mut elements)) = serde_json::from_slice(line) else {
        return None;
    };
    match (elements.first(), elements.get(1)) {
        (Some(Value::String(name)), Some(Value::Object(_))) => {
            Some((name.clone(), elements.swap_remove(1)))
        }
        _ => None,
    }
}

/// Whether two values are equal but for the last bits of floats and what -0 is.
pub fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) if ours != theirs => {
            match (ours.as_f64(), theirs.as_f64()) {
                (Some(ours), Some(theirs)) => {
                    let difference = (ours - theirs).abs();
                    difference <= theirs.abs() * 1e-15 || difference <= 5e-323
                }
                _ => false,
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(one, other)| same(one, other))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .all(|(key, one)| theirs.get(key).is_some_and(|other| same(one, other)))
        }
        _ => ours == theirs,
    }
}
