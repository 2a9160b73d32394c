//! Any serde type as a line: no spaces, ASCII only, byte for byte what the peer can read.

use core::fmt;

use serde::ser::{self, Serialize};

use super::writer::{TextWriter, Writer};
use crate::codec::fields::EncodeError;

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
