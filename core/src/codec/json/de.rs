//! Values of a line as any type that serde can read, text borrowed from the line.

use core::cell::Cell;

use serde::Deserialize;
use serde::de::{self, Visitor};
use serde::forward_to_deserialize_any;

use super::access::{Elements, Entries, Variant};
use super::cursor::Cursor;
use super::error::Fault;
use super::escape::RESOLVED_START;
use super::number::{self, Number};
use super::{Json, JsonError};

/// Reads the value at `cursor`.
///
/// Whether an attribute comes twice is known only when it comes again, and is found out on the way.
/// Where one did, or where anything was wrong, the value is read once more, with a look ahead for
/// each attribute.
#[inline]
pub(super) fn read<'de, T: Deserialize<'de>>(cursor: &mut Cursor<'de>) -> Result<T, JsonError> {
    let start = *cursor;
    let reading = Reading::Quick { duplicates: Cell::new(false) };
    let value = T::deserialize(Deserializer { cursor, reading: &reading, depth: Json::DEEPEST });
    if value.is_ok() && !reading.has_duplicates() {
        return value;
    }
    *cursor = start;
    T::deserialize(Deserializer { cursor, reading: &Reading::Careful, depth: Json::DEEPEST })
}

/// How attributes that come twice are dealt with.
pub(super) enum Reading {
    /// They are noted, and passed over.
    Quick { duplicates: Cell<bool> },
    /// The last one is found.
    Careful,
}

impl Reading {
    #[cold]
    pub(super) fn note_duplicate(&self) {
        if let Self::Quick { duplicates } = self {
            duplicates.set(true);
        }
    }

    fn has_duplicates(&self) -> bool {
        matches!(self, Self::Quick { duplicates } if duplicates.get())
    }
}

/// Reads one value. `depth` is how deep it may still be nested.
pub(super) struct Deserializer<'c, 'de> {
    pub(super) cursor: &'c mut Cursor<'de>,
    pub(super) reading: &'c Reading,
    pub(super) depth: u32,
}

impl<'de> Deserializer<'_, 'de> {
    /// The depth left for what this value contains.
    fn within(&self) -> Result<u32, Fault> {
        self.depth.checked_sub(1).ok_or(Fault::TooDeep)
    }

    fn array<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        let depth = self.within()?;
        self.cursor.expect(b'[')?;
        let value = visitor.visit_seq(Elements::new(self.cursor, self.reading, depth))?;
        if self.cursor.peek() == Some(b',') {
            return Err(JsonError::mismatch(&"an array of fewer elements"));
        }
        self.cursor.expect(b']')?;
        Ok(value)
    }

    fn object<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        let depth = self.within()?;
        self.cursor.expect(b'{')?;
        let value = visitor.visit_map(Entries::new(self.cursor, self.reading, depth, fields))?;
        self.cursor.expect(b'}')?;
        Ok(value)
    }

    #[inline]
    fn word<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.cursor.short_integer() {
            Some(Number::Unsigned(value)) => visitor.visit_u64(value),
            Some(Number::Signed(value)) => visitor.visit_i64(value),
            _ => self.long_word(visitor),
        }
    }

    fn long_word<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.cursor.token() {
            b"true" => visitor.visit_bool(true),
            b"false" => visitor.visit_bool(false),
            b"null" => visitor.visit_unit(),
            b"" => Err(self.cursor.unexpected().into()),
            token => match number::parse(token) {
                Some(Number::Unsigned(value)) => visitor.visit_u64(value),
                Some(Number::Signed(value)) => visitor.visit_i64(value),
                Some(Number::Float(value)) => visitor.visit_f64(value),
                None => Err(Fault::Number.into()),
            },
        }
    }

    fn wide<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.cursor.wide_integer() {
            Some((negative, magnitude)) => number::visit_wide(negative, magnitude, visitor),
            None => de::Deserializer::deserialize_any(self, visitor),
        }
    }
}

/// Most numbers are what is asked for: integers of a few digits.
macro_rules! integers {
    ($($method:ident)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
                match self.cursor.short_integer() {
                    Some(Number::Unsigned(value)) => visitor.visit_u64(value),
                    Some(Number::Signed(value)) => visitor.visit_i64(value),
                    _ => self.deserialize_any(visitor),
                }
            }
        )*
    };
}

impl<'de> de::Deserializer<'de> for Deserializer<'_, 'de> {
    type Error = JsonError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.cursor.peek() {
            Some(b'"' | RESOLVED_START) => visitor.visit_borrowed_str(self.cursor.text()?),
            Some(b'[') => self.array(visitor),
            Some(b'{') => self.object(&[], visitor),
            Some(_) => self.word(visitor),
            None => Err(Fault::End.into()),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.cursor.peek() {
            Some(b'{') => self.object(fields, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    /// A class without attributes is `{}` on the wire; attributes that it has anyway are unknown.
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.cursor.peek() {
            Some(b'{') => {
                self.cursor.skip_value(self.depth)?;
                visitor.visit_unit()
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.cursor.peek() {
            Some(b'n') => match self.cursor.token() {
                b"null" => visitor.visit_none(),
                _ => Err(Fault::Syntax.into()),
            },
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        if self.cursor.peek() != Some(b'{') {
            return visitor.visit_enum(Variant::unit(self));
        }
        let depth = self.within()?;
        self.cursor.expect(b'{')?;
        let content = Deserializer { cursor: self.cursor, reading: self.reading, depth };
        let value = visitor.visit_enum(Variant::with_content(content))?;
        self.cursor.expect(b'}')?;
        Ok(value)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.wide(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.wide(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.cursor.skip_value(self.depth)?;
        visitor.visit_unit()
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        bool f32 f64 char str string bytes byte_buf
        unit seq tuple tuple_struct map identifier
    }
}
