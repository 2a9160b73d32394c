//! Any serde type as a line: no spaces, ASCII only, byte for byte what the peer can read.

use core::fmt;

use serde::ser::{self, Serialize};

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
    fn quote_from(&mut self, start: usize) -> Result<(), EncodeError> {
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
struct TextWriter<'w, 'a>(&'w mut Writer<'a>);

impl fmt::Write for TextWriter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.escaped(text).map_err(|_| fmt::Error)
    }
}

impl ser::Error for EncodeError {
    #[cold]
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Invalid("the message's own Serialize refused it")
    }
}

/// Writes one value.
pub(super) struct Serializer<'w, 'a> {
    writer: &'w mut Writer<'a>,
}

impl<'w, 'a> Serializer<'w, 'a> {
    pub(super) fn new(writer: &'w mut Writer<'a>) -> Self {
        Self { writer }
    }

    fn open(self, open: &[u8], close: &'static [u8]) -> Result<Group<'w, 'a>, EncodeError> {
        self.writer.bytes(open)?;
        Ok(Group { writer: self.writer, close, first: true })
    }

    /// `{"variant":` and the opening of what it contains.
    fn open_variant(
        self,
        variant: &str,
        open: &[u8],
        close: &'static [u8],
    ) -> Result<Group<'w, 'a>, EncodeError> {
        self.writer.bytes(b"{")?;
        self.writer.text(variant)?;
        self.writer.bytes(b":")?;
        self.open(open, close)
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty),*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), EncodeError> {
                self.writer.bytes(itoa::Buffer::new().format(value).as_bytes())
            }
        )*
    };
}

macro_rules! floats {
    ($($method:ident: $type:ty),*) => {
        $(
            /// What is not finite goes as the bare word that Python reads and writes.
            fn $method(self, value: $type) -> Result<(), EncodeError> {
                if value.is_finite() {
                    return self.writer.bytes(ryu::Buffer::new().format_finite(value).as_bytes());
                }
                self.writer.bytes(match value {
                    _ if value.is_nan() => b"NaN",
                    _ if value > 0.0 => b"Infinity",
                    _ => b"-Infinity",
                })
            }
        )*
    };
}

impl<'w, 'a> ser::Serializer for Serializer<'w, 'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Group<'w, 'a>;
    type SerializeTuple = Group<'w, 'a>;
    type SerializeTupleStruct = Group<'w, 'a>;
    type SerializeTupleVariant = Group<'w, 'a>;
    type SerializeMap = Group<'w, 'a>;
    type SerializeStruct = Group<'w, 'a>;
    type SerializeStructVariant = Group<'w, 'a>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_i128: i128, serialize_u128: u128
    }

    floats! { serialize_f32: f32, serialize_f64: f64 }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.writer.bytes(if value { b"true" } else { b"false" })
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.writer.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.writer.text(value)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.writer.bytes(b"\"")?;
        // `Writer` only ever fails for want of room.
        fmt::write(&mut TextWriter(self.writer), format_args!("{value}"))
            .map_err(|_| EncodeError::Full)?;
        self.writer.bytes(b"\"")
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.writer.bytes(b"null")
    }

    /// A class without attributes is `{}` on the wire.
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        self.writer.bytes(b"{}")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.writer.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let group = self.open_variant(variant, b"", b"}")?;
        value.serialize(Serializer::new(group.writer))?;
        group.writer.bytes(group.close)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Group<'w, 'a>, EncodeError> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Group<'w, 'a>, EncodeError> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Group<'w, 'a>, EncodeError> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Group<'w, 'a>, EncodeError> {
        self.open_variant(variant, b"[", b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Group<'w, 'a>, EncodeError> {
        self.open(b"{", b"}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Group<'w, 'a>, EncodeError> {
        self.open(b"{", b"}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Group<'w, 'a>, EncodeError> {
        self.open_variant(variant, b"{", b"}}")
    }
}

/// An array or an object that is being written.
pub(super) struct Group<'w, 'a> {
    writer: &'w mut Writer<'a>,
    close: &'static [u8],
    first: bool,
}

impl Group<'_, '_> {
    fn separate(&mut self) -> Result<(), EncodeError> {
        match core::mem::replace(&mut self.first, false) {
            true => Ok(()),
            false => self.writer.bytes(b","),
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.separate()?;
        value.serialize(Serializer::new(self.writer))
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), EncodeError> {
        self.separate()?;
        self.writer.text(key)?;
        self.writer.bytes(b":")?;
        value.serialize(Serializer::new(self.writer))
    }

    fn close(self) -> Result<(), EncodeError> {
        self.writer.bytes(self.close)
    }
}

macro_rules! groups_of_elements {
    ($($trait:ident: $method:ident),*) => {
        $(
            impl ser::$trait for Group<'_, '_> {
                type Ok = ();
                type Error = EncodeError;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                    self.element(value)
                }

                fn end(self) -> Result<(), EncodeError> {
                    self.close()
                }
            }
        )*
    };
}

groups_of_elements! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

macro_rules! groups_of_fields {
    ($($trait:ident),*) => {
        $(
            impl ser::$trait for Group<'_, '_> {
                type Ok = ();
                type Error = EncodeError;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    key: &'static str,
                    value: &T,
                ) -> Result<(), EncodeError> {
                    self.entry(key, value)
                }

                fn end(self) -> Result<(), EncodeError> {
                    self.close()
                }
            }
        )*
    };
}

groups_of_fields! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Group<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    /// JSON's keys are texts; a number becomes one, as in Python.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.separate()?;
        let start = self.writer.len();
        key.serialize(Serializer::new(self.writer))?;
        match self.writer.byte_at(start) {
            Some(b'"') => self.writer.bytes(b":"),
            Some(b'0'..=b'9' | b'-') => self.writer.quote_from(start),
            _ => Err(EncodeError::Invalid("a key of a map is neither text nor a number")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(Serializer::new(self.writer))
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}
