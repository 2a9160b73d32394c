//! JSON values as peers send them, which is more than JSON allows, and as text for people and programs.

use std::fmt::{self, Write};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::text::is_odd;

/// One value. Attributes keep their order, and all of those that come twice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Unsigned(u128),
    Signed(i128),
    Float(f64),
    Text(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// Whether numbers that JSON does not have are written as such, as on the wire, or as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// `NaN`, for people.
    AsTheyCome,
    /// `"NaN"`, for every program that reads JSON.
    Strict,
}

impl Value {
    /// Writes it without a space, and nothing in it that a terminal would obey.
    pub(crate) fn write(&self, numbers: Numbers, to: &mut String) {
        // Writing to a String never fails.
        let _ = match self {
            Self::Null => to.write_str("null"),
            Self::Bool(value) => write!(to, "{value}"),
            Self::Unsigned(value) => write!(to, "{value}"),
            Self::Signed(value) => write!(to, "{value}"),
            Self::Float(value) => {
                write_float(*value, numbers, to);
                Ok(())
            }
            Self::Text(text) => {
                write_text(text, to);
                Ok(())
            }
            Self::Array(elements) => {
                to.push('[');
                for (index, element) in elements.iter().enumerate() {
                    to.push_str(if index == 0 { "" } else { "," });
                    element.write(numbers, to);
                }
                to.write_char(']')
            }
            Self::Object(entries) => {
                to.push('{');
                for (index, (name, value)) in entries.iter().enumerate() {
                    to.push_str(if index == 0 { "" } else { "," });
                    write_text(name, to);
                    to.push(':');
                    value.write(numbers, to);
                }
                to.write_char('}')
            }
        };
    }
}

fn write_float(value: f64, numbers: Numbers, to: &mut String) {
    let word = match value {
        _ if value.is_nan() => "NaN",
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => {
            // As `Debug` has it: with a fraction or an exponent, so that it stays a float.
            let _ = write!(to, "{value:?}");
            return;
        }
    };
    let quote = if numbers == Numbers::Strict { "\"" } else { "" };
    let _ = write!(to, "{quote}{word}{quote}");
}

fn write_text(text: &str, to: &mut String) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            _ if is_odd(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(to, "\\u{unit:04x}");
                }
            }
            _ => to.push(character),
        }
    }
    to.push('"');
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Python's integers have any size; asked for one of 128 bits, the transport gives those that
        // fit, and everything else as it is.
        deserializer.deserialize_u128(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Signed(value.into()))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Signed(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Object(entries))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Unsigned(value) => serializer.serialize_u128(*value),
            Self::Signed(value) => serializer.serialize_i128(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(elements) => elements.serialize(serializer),
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (name, value) in entries {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Unsigned(number.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &Value, numbers: Numbers) -> String {
        let mut text = String::new();
        value.write(numbers, &mut text);
        text
    }

    #[test]
    fn what_json_has_no_number_for_is_text_where_programs_read() {
        let value = Value::Array(vec![
            Value::Float(f64::NAN),
            Value::Float(f64::NEG_INFINITY),
            Value::Float(1e22),
            Value::Unsigned(1 << 100),
        ]);
        let people = "[NaN,-Infinity,1e22,1267650600228229401496703205376]";
        assert_eq!(written(&value, Numbers::AsTheyCome), people);
        let programs = "[\"NaN\",\"-Infinity\",1e22,1267650600228229401496703205376]";
        assert_eq!(written(&value, Numbers::Strict), programs);
    }

    #[test]
    fn nothing_in_a_text_reaches_a_terminal_as_a_command() {
        let value = Value::Text("\u{1b}[2J\"\\\n\u{9b}é\u{202e}\u{e0041}".to_owned());
        let expected = r#""\u001b[2J\"\\\n\u009bé\u202e\udb40\udc41""#;
        assert_eq!(written(&value, Numbers::Strict), expected);
    }
}
