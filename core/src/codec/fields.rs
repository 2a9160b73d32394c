//! Payloads of byte messages, field by field: integers and floats in network order, text, bytes.

use core::fmt;

/// Reads a payload from its start; every read checks that the bytes are there.
///
/// Integers and floats are big-endian, which a Python peer reads with `struct.unpack(">...")`.
///
/// ```
/// use cable_car::Reader;
///
/// let mut reader = Reader::new(&[0x01, 0x02, b'h', b'i']);
/// assert_eq!(reader.u16()?, 0x0102);
/// assert_eq!(reader.rest_text()?, "hi");
/// assert!(reader.u8().is_err());
/// # Ok::<(), cable_car::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// Writes a payload from its start; every write checks that there is room.
///
/// ```
/// use cable_car::Writer;
///
/// let mut space = [0; 8];
/// let mut writer = Writer::new(&mut space);
/// writer.i16(-2)?;
/// writer.text("hi")?;
/// assert_eq!(writer.written(), [0xff, 0xfe, b'h', b'i']);
/// # Ok::<(), cable_car::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Writer<'a> {
    space: &'a mut [u8],
    len: usize,
}

/// Why a payload could not be read as the message that its code names.
///
/// ```
/// use cable_car::{DecodeError, Reader};
///
/// assert_eq!(Reader::new(&[1]).u32(), Err(DecodeError::Short { missing: 3 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// The payload ends within a field.
    Short {
        /// How many bytes more the field needs.
        missing: usize,
    },
    /// The message was read, and bytes are left over.
    Long {
        /// How many.
        extra: usize,
    },
    /// Text that is not UTF-8.
    NotText,
    /// A value that the message does not allow; the text says which.
    Invalid(&'static str),
}

/// Why a message could not be written as a payload.
///
/// ```
/// use cable_car::{EncodeError, Writer};
///
/// assert_eq!(Writer::new(&mut [0; 3]).u32(7), Err(EncodeError::Full));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EncodeError {
    /// There is no room for the field.
    Full,
    /// A value that the message or the wire does not allow; the text says which.
    Invalid(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { missing } => write!(f, "payload ends {missing} bytes too early"),
            Self::Long { extra } => write!(f, "payload has {extra} bytes too many"),
            Self::NotText => f.write_str("text is not UTF-8"),
            Self::Invalid(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no room for the field"),
            Self::Invalid(what) => f.write_str(what),
        }
    }
}

impl core::error::Error for DecodeError {}
impl core::error::Error for EncodeError {}

/// The same method for every type of number, in both directions.
macro_rules! numbers {
    ($($name:ident),*) => {
        impl Reader<'_> {
            $(
                #[doc = concat!("Reads a big-endian `", stringify!($name), "`.")]
                ///
                /// ```
                /// use cable_car::Reader;
                ///
                #[doc = concat!("let payload = (7 as ", stringify!($name), ").to_be_bytes();")]
                #[doc = concat!(
                    "assert_eq!(Reader::new(&payload).", stringify!($name), "(), ",
                    "Ok(7 as ", stringify!($name), "));"
                )]
                /// ```
                ///
                /// # Errors
                /// [`DecodeError::Short`] where the payload ends before it.
                #[inline]
                pub fn $name(&mut self) -> Result<$name, DecodeError> {
                    self.array().map($name::from_be_bytes)
                }
            )*
        }

        impl Writer<'_> {
            $(
                #[doc = concat!("Writes a big-endian `", stringify!($name), "`.")]
                ///
                /// ```
                /// use cable_car::Writer;
                ///
                /// let mut space = [0; 16];
                /// let mut writer = Writer::new(&mut space);
                #[doc = concat!("writer.", stringify!($name), "(7 as ", stringify!($name), ")?;")]
                #[doc = concat!(
                    "assert_eq!(writer.written(), (7 as ", stringify!($name), ").to_be_bytes());"
                )]
                /// # Ok::<(), cable_car::EncodeError>(())
                /// ```
                ///
                /// # Errors
                /// [`EncodeError::Full`] where there is no room.
                #[inline]
                pub fn $name(&mut self, value: $name) -> Result<(), EncodeError> {
                    self.bytes(&value.to_be_bytes())
                }
            )*
        }
    };
}

numbers!(u8, i8, u16, i16, u32, i32, u64, i64, u128, i128, f32, f64);

impl<'a> Reader<'a> {
    /// Reads `payload` from its first byte.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// let mut reader = Reader::new(&[0, 3, 7]);
    /// assert_eq!((reader.u16()?, reader.u8()?), (3, 7));
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    #[inline]
    pub const fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    /// How many bytes are left.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// let mut reader = Reader::new(&[0, 3, 7]);
    /// reader.u16()?;
    /// assert_eq!(reader.remaining(), 1);
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Reads one byte as a truth value: 0 is false, 1 is true, as Python's `struct` has it.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// assert_eq!(Reader::new(&[1]).bool(), Ok(true));
    /// assert!(Reader::new(&[2]).bool().is_err());
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::Short`] at the end, [`DecodeError::Invalid`] for any other byte.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid("a bool is neither 0 nor 1")),
        }
    }

    /// Reads `N` bytes.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// let id: [u8; 4] = Reader::new(b"ABCDE").array()?;
    /// assert_eq!(&id, b"ABCD");
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::Short`] where fewer are left.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((array, rest)) = self.rest.split_first_chunk() else {
            return Err(self.short_of(N));
        };
        self.rest = rest;
        Ok(*array)
    }

    /// Reads `count` bytes in place.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// let mut reader = Reader::new(&[2, 0xaa, 0xbb]);
    /// let count = reader.u8()?;
    /// assert_eq!(reader.bytes(count.into())?, [0xaa, 0xbb]);
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::Short`] where fewer are left.
    #[inline]
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.short_of(count));
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// Reads `count` bytes of UTF-8 in place.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// assert_eq!(Reader::new(b"hi there").text(2)?, "hi");
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::Short`] where fewer are left, [`DecodeError::NotText`] where it is not UTF-8.
    pub fn text(&mut self, count: usize) -> Result<&'a str, DecodeError> {
        core::str::from_utf8(self.bytes(count)?).map_err(|_| DecodeError::NotText)
    }

    /// Reads all that is left, in place.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// let mut reader = Reader::new(&[7, 1, 2, 3]);
    /// reader.u8()?;
    /// assert_eq!(reader.rest(), [1, 2, 3]);
    /// assert_eq!(reader.remaining(), 0);
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    #[inline]
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Reads all that is left as UTF-8, in place.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// assert_eq!(Reader::new("héllo".as_bytes()).rest_text()?, "héllo");
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::NotText`] where it is not UTF-8.
    pub fn rest_text(&mut self) -> Result<&'a str, DecodeError> {
        core::str::from_utf8(self.rest()).map_err(|_| DecodeError::NotText)
    }

    /// Reads one byte, a length, and lets `read` have the part of so many bytes behind it. What it
    /// leaves of the part is an error.
    ///
    /// ```
    /// use cable_car::Reader;
    ///
    /// let mut reader = Reader::new(&[2, b'h', b'i', 7]);
    /// assert_eq!(reader.prefixed(Reader::rest_text)?, "hi");
    /// assert_eq!(reader.u8()?, 7);
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::Short`] where the part is not there, [`DecodeError::Long`] where it is not
    /// read to its end, and what `read` gives.
    #[inline]
    pub fn prefixed<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let len = self.u8()?;
        let mut part = Self::new(self.bytes(len.into())?);
        let value = read(&mut part)?;
        match part.remaining() {
            0 => Ok(value),
            extra => Err(DecodeError::Long { extra }),
        }
    }

    #[cold]
    fn short_of(&self, count: usize) -> DecodeError {
        DecodeError::Short { missing: count.saturating_sub(self.rest.len()) }
    }
}

impl<'a> Writer<'a> {
    /// Writes to `space` from its first byte.
    ///
    /// ```
    /// use cable_car::Writer;
    ///
    /// let mut space = [0; 8];
    /// let mut writer = Writer::new(&mut space);
    /// writer.u16(3)?;
    /// writer.u8(7)?;
    /// assert_eq!(writer.written(), [0, 3, 7]);
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    #[inline]
    pub const fn new(space: &'a mut [u8]) -> Self {
        Self { space, len: 0 }
    }

    /// What was written so far.
    ///
    /// ```
    /// use cable_car::Writer;
    ///
    /// let mut space = [0; 8];
    /// let mut writer = Writer::new(&mut space);
    /// writer.text("hi")?;
    /// assert_eq!(writer.written(), b"hi");
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    pub fn written(&self) -> &[u8] {
        self.space.get(..self.len).unwrap_or_default()
    }

    /// How many bytes were written so far.
    ///
    /// ```
    /// use cable_car::Writer;
    ///
    /// let mut space = [0; 8];
    /// let mut writer = Writer::new(&mut space);
    /// writer.u32(3)?;
    /// assert_eq!(writer.len(), 4);
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written so far.
    ///
    /// ```
    /// use cable_car::Writer;
    ///
    /// let mut space = [0; 8];
    /// let mut writer = Writer::new(&mut space);
    /// assert!(writer.is_empty());
    /// writer.u8(3)?;
    /// assert!(!writer.is_empty());
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes one byte: 0 for false, 1 for true.
    ///
    /// ```
    /// use cable_car::Writer;
    ///
    /// let mut space = [0; 8];
    /// let mut writer = Writer::new(&mut space);
    /// writer.bool(true)?;
    /// assert_eq!(writer.written(), [1]);
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError::Full`] where there is no room.
    pub fn bool(&mut self, value: bool) -> Result<(), EncodeError> {
        self.u8(u8::from(value))
    }

    /// Writes bytes as they are. Nothing is written where not all of them fit.
    ///
    /// ```
    /// use cable_car::Writer;
    ///
    /// let mut space = [0; 8];
    /// let mut writer = Writer::new(&mut space);
    /// writer.bytes(b"abc")?;
    /// assert!(writer.bytes(b"too long").is_err());
    /// assert_eq!(writer.written(), b"abc");
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError::Full`] where there is no room.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let free = self.space.get_mut(self.len..).unwrap_or_default();
        let Some((space, _)) = free.split_at_mut_checked(bytes.len()) else {
            return Err(EncodeError::Full);
        };
        space.copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    /// Writes text as UTF-8, without its length.
    ///
    /// ```
    /// use cable_car::Writer;
    ///
    /// let mut space = [0; 8];
    /// let mut writer = Writer::new(&mut space);
    /// writer.text("é")?;
    /// assert_eq!(writer.written(), [0xc3, 0xa9]);
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError::Full`] where there is no room.
    pub fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        self.bytes(text.as_bytes())
    }

    /// Writes one byte, the length of what `write` writes behind it. Nothing is written where that
    /// fails.
    ///
    /// ```
    /// use cable_car::Writer;
    ///
    /// let mut space = [0; 8];
    /// let mut writer = Writer::new(&mut space);
    /// writer.prefixed(|part| part.text("hi"))?;
    /// writer.u8(7)?;
    /// assert_eq!(writer.written(), [2, b'h', b'i', 7]);
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError::Full`] where there is no room, [`EncodeError::Invalid`] where it is longer
    /// than 255 bytes, and what `write` gives.
    #[inline]
    pub fn prefixed(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = self.len;
        let written = self.u8(0).and_then(|()| write(self));
        let len = u8::try_from(self.len.saturating_sub(start).saturating_sub(1));
        let len = len.map_err(|_| EncodeError::Invalid("text or bytes longer than 255"));
        match written.and(len) {
            Ok(len) => {
                if let Some(prefix) = self.space.get_mut(start) {
                    *prefix = len;
                }
                Ok(())
            }
            Err(error) => {
                self.len = start;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        let mut space = [0; 96];
        let mut writer = Writer::new(&mut space);
        writer.u8(200).unwrap();
        writer.i8(-100).unwrap();
        writer.u16(60_000).unwrap();
        writer.i16(-30_000).unwrap();
        writer.u32(4_000_000_000).unwrap();
        writer.i32(-2_000_000_000).unwrap();
        writer.u64(u64::MAX).unwrap();
        writer.i64(i64::MIN).unwrap();
        writer.u128(u128::MAX - 1).unwrap();
        writer.i128(i128::MIN).unwrap();
        writer.f32(1.5).unwrap();
        writer.f64(-1e300).unwrap();
        writer.bool(true).unwrap();
        let len = writer.len();
        let mut reader = Reader::new(&space[..len]);
        assert_eq!(reader.u8(), Ok(200));
        assert_eq!(reader.i8(), Ok(-100));
        assert_eq!(reader.u16(), Ok(60_000));
        assert_eq!(reader.i16(), Ok(-30_000));
        assert_eq!(reader.u32(), Ok(4_000_000_000));
        assert_eq!(reader.i32(), Ok(-2_000_000_000));
        assert_eq!(reader.u64(), Ok(u64::MAX));
        assert_eq!(reader.i64(), Ok(i64::MIN));
        assert_eq!(reader.u128(), Ok(u128::MAX - 1));
        assert_eq!(reader.i128(), Ok(i128::MIN));
        assert_eq!(reader.f32(), Ok(1.5));
        assert_eq!(reader.f64(), Ok(-1e300));
        assert_eq!(reader.bool(), Ok(true));
        assert_eq!(reader.remaining(), 0);
    }

    #[test]
    fn a_read_past_the_end_takes_nothing() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u32(), Err(DecodeError::Short { missing: 1 }));
        assert_eq!(reader.bytes(5), Err(DecodeError::Short { missing: 2 }));
        assert_eq!(reader.rest(), [1, 2, 3]);
    }

    #[test]
    fn a_write_past_the_end_writes_nothing() {
        let mut space = [0; 3];
        let mut writer = Writer::new(&mut space);
        writer.u16(7).unwrap();
        assert_eq!(writer.u16(8), Err(EncodeError::Full));
        assert_eq!(writer.written(), [0, 7]);
        writer.u8(9).unwrap();
        assert_eq!(writer.written(), [0, 7, 9]);
    }

    #[test]
    fn a_prefixed_part_is_written_whole_or_not_at_all() {
        let mut space = [0; 300];
        let mut writer = Writer::new(&mut space[..4]);
        assert_eq!(writer.prefixed(|part| part.text("four")), Err(EncodeError::Full));
        assert_eq!(writer.prefixed(|part| part.u8(1).and(part.u64(2))), Err(EncodeError::Full));
        assert_eq!(writer.written(), []);
        writer.prefixed(|part| part.text("abc")).unwrap();
        assert_eq!(writer.written(), *b"\x03abc");
        assert_eq!(writer.prefixed(|_| Ok(())), Err(EncodeError::Full));
        let mut writer = Writer::new(&mut space);
        let long = writer.prefixed(|part| part.bytes(&[7; 256]));
        assert!(matches!(long, Err(EncodeError::Invalid(_))));
        assert!(writer.is_empty());
        writer.prefixed(|part| part.bytes(&[7; 255])).unwrap();
        assert_eq!(writer.len(), 256);
    }

    #[test]
    fn a_prefixed_part_is_read_to_its_end() {
        let mut reader = Reader::new(b"\x03abc\x02d");
        assert_eq!(reader.prefixed(Reader::u8), Err(DecodeError::Long { extra: 2 }));
        assert_eq!(reader.prefixed(Reader::u8), Err(DecodeError::Short { missing: 1 }));
        assert_eq!(reader.rest(), b"d");
        assert_eq!(Reader::new(&[]).prefixed(Reader::u8), Err(DecodeError::Short { missing: 1 }));
    }

    #[test]
    fn odd_values_are_refused() {
        assert_eq!(Reader::new(&[0xff]).rest_text(), Err(DecodeError::NotText));
        assert_eq!(Reader::new(&[0xc3, 0xa9]).text(1), Err(DecodeError::NotText));
        assert!(matches!(Reader::new(&[2]).bool(), Err(DecodeError::Invalid(_))));
    }
}
