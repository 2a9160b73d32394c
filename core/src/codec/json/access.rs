//! The insides of arrays, objects and enums, one element at a time.

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::JsonError;
use super::cursor::Cursor;
use super::de::{Deserializer, Reading};
use super::error::Fault;
use super::number::{self, Number};

/// The elements of an array.
pub(super) struct Elements<'c, 'de> {
    cursor: &'c mut Cursor<'de>,
    reading: &'c Reading,
    depth: u32,
    first: bool,
}

impl<'c, 'de> Elements<'c, 'de> {
    pub(super) fn new(cursor: &'c mut Cursor<'de>, reading: &'c Reading, depth: u32) -> Self {
        Self { cursor, reading, depth, first: true }
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = JsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, JsonError> {
        let first = core::mem::replace(&mut self.first, false);
        if self.cursor.peek() == Some(b']') {
            return Ok(None);
        }
        if !first {
            self.cursor.expect(b',')?;
        }
        let element =
            Deserializer { cursor: self.cursor, reading: self.reading, depth: self.depth };
        seed.deserialize(element).map(Some)
    }
}

/// The attributes of an object. Of several with one name the last one counts, as for the peer.
pub(super) struct Entries<'c, 'de> {
    cursor: &'c mut Cursor<'de>,
    reading: &'c Reading,
    depth: u32,
    first: bool,
    /// The attributes that the type has; none where it takes whatever comes.
    fields: &'static [&'static str],
    /// Which of `fields` have come, a bit for each.
    seen: u64,
    /// The field that is being read; beyond the last one for what is none.
    field: usize,
    /// The field behind it, which comes next most of the time.
    next: usize,
    /// Whether the colon behind the key is passed.
    at_value: bool,
}

impl<'c, 'de> Entries<'c, 'de> {
    pub(super) fn new(
        cursor: &'c mut Cursor<'de>,
        reading: &'c Reading,
        depth: u32,
        fields: &'static [&'static str],
    ) -> Self {
        Self {
            cursor,
            reading,
            depth,
            first: true,
            fields,
            seen: 0,
            field: 0,
            next: 0,
            at_value: false,
        }
    }

    /// The name of the next field, where it is the one that is expected.
    #[inline]
    fn expected_key(&mut self) -> Option<&'static str> {
        let name = self.fields.get(self.next).copied()?;
        let quick = matches!(self.reading, Reading::Quick { .. });
        if !quick || !self.cursor.next_is_key(self.first, name) {
            return None;
        }
        self.first = false;
        self.at_value = true;
        self.begin(self.next);
        Some(name)
    }

    /// Any key; `None` at the end of the object. Fields that do not count are passed over.
    fn any_key(&mut self) -> Result<Option<&'de str>, JsonError> {
        loop {
            if self.cursor.peek() == Some(b'}') {
                return Ok(None);
            }
            if !core::mem::replace(&mut self.first, false) {
                self.cursor.expect(b',')?;
            }
            let key = self.cursor.raw_text()?;
            self.at_value = false;
            let Some(field) = self.fields.iter().position(|field| field.as_bytes() == key) else {
                self.field = self.fields.len();
                return Ok(Some(core::str::from_utf8(key).map_err(|_| Fault::NotText)?));
            };
            let first = self.begin(field);
            let counts = match self.reading {
                Reading::Quick { .. } => first,
                Reading::Careful => !self.cursor.comes_again(key),
            };
            if counts {
                // The name of the field is the key, and is known to be text.
                return Ok(self.fields.get(field).copied());
            }
            self.cursor.expect(b':')?;
            self.cursor.skip_value(self.depth)?;
        }
    }

    /// Goes to a field; whether it is there for the first time.
    #[inline]
    fn begin(&mut self, field: usize) -> bool {
        self.field = field;
        self.next = field + 1;
        // Fields beyond those that there are bits for share the last one.
        let bit = 1 << field.min(63);
        let again = self.seen & bit != 0;
        self.seen |= bit;
        if again {
            self.reading.note_duplicate();
        }
        !again
    }
}

impl<'de> de::MapAccess<'de> for Entries<'_, 'de> {
    type Error = JsonError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, JsonError> {
        let key = match self.expected_key() {
            Some(name) => name,
            None if self.cursor.is_at(b'}') => return Ok(None),
            None => match self.any_key()? {
                Some(key) => key,
                None => return Ok(None),
            },
        };
        seed.deserialize(KeyDeserializer(key)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, JsonError> {
        if !self.at_value {
            self.cursor.expect(b':')?;
        }
        let value = Deserializer { cursor: self.cursor, reading: self.reading, depth: self.depth };
        seed.deserialize(value)
            .map_err(|error| error.in_attribute(self.fields.get(self.field).copied()))
    }
}

/// A key: text, or a number where the map's keys are numbers.
struct KeyDeserializer<'de>(&'de str);

macro_rules! wide_keys {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
                match number::parse_wide(self.0.as_bytes()) {
                    Some((negative, magnitude)) => number::visit_wide(negative, magnitude, visitor),
                    None => visitor.visit_borrowed_str(self.0),
                }
            }
        )*
    };
}

macro_rules! number_keys {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
                match number::parse(self.0.as_bytes()) {
                    Some(Number::Unsigned(value)) => visitor.visit_u64(value),
                    Some(Number::Signed(value)) => visitor.visit_i64(value),
                    Some(Number::Float(value)) => visitor.visit_f64(value),
                    None => visitor.visit_borrowed_str(self.0),
                }
            }
        )*
    };
}

impl<'de> de::Deserializer<'de> for KeyDeserializer<'de> {
    type Error = JsonError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_borrowed_str(self.0)
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
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        let key: BorrowedStrDeserializer<'de, JsonError> = BorrowedStrDeserializer::new(self.0);
        key.deserialize_enum(name, variants, visitor)
    }

    number_keys! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    wide_keys! { deserialize_i128 deserialize_u128 }

    forward_to_deserialize_any! {
        bool char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A variant of an enum: its name as a text, or an object with one entry, name and content.
pub(super) struct Variant<'c, 'de> {
    value: Deserializer<'c, 'de>,
    has_content: bool,
}

impl<'c, 'de> Variant<'c, 'de> {
    pub(super) fn unit(value: Deserializer<'c, 'de>) -> Self {
        Self { value, has_content: false }
    }

    pub(super) fn with_content(value: Deserializer<'c, 'de>) -> Self {
        Self { value, has_content: true }
    }

    /// Content where there should be none, or the other way round.
    fn mismatch(expected: &'static str) -> JsonError {
        de::Error::invalid_type(de::Unexpected::Enum, &expected)
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = JsonError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), JsonError> {
        if !self.value.cursor.text_is_next() {
            return Err(Self::mismatch("the name of a variant"));
        }
        let name = self.value.cursor.text()?;
        if self.has_content {
            self.value.cursor.expect(b':')?;
        }
        let name: StrDeserializer<'_, JsonError> = name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        if self.has_content {
            self.value.cursor.skip_value(self.value.depth)?;
        }
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, JsonError> {
        if !self.has_content {
            return Err(Self::mismatch("a variant with content"));
        }
        seed.deserialize(self.value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, JsonError> {
        if !self.has_content {
            return Err(Self::mismatch("a variant with content"));
        }
        de::Deserializer::deserialize_tuple(self.value, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        if !self.has_content {
            return Err(Self::mismatch("a variant with content"));
        }
        de::Deserializer::deserialize_struct(self.value, "", fields, visitor)
    }
}
