//! A payload, written field by field.

use super::EncodeError;

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

/// The same method for every type of number.
macro_rules! numbers {
    ($($name:ident),*) => {
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
