//! A payload, read field by field.

use super::DecodeError;

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

/// The same method for every type of number.
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
    };
}

numbers!(u8, i8, u16, i16, u32, i32, u64, i64, u128, i128, f32, f64);
