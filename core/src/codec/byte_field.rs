//! What a field of a byte message may be, and how much of the payload it takes.

use heapless::Vec;

use super::fields::{DecodeError, EncodeError, Reader, Writer};

/// A type that a field of a byte message may have.
///
/// These are `bool`, integers of a fixed width, `f32` and `f64`, all big-endian; text and bytes,
/// `&str` and `&[u8]`, with the feature `alloc` also `String` and `Vec<u8>`; and arrays of any of
/// them that has an end. A struct or an enum of one's own becomes one by `#[derive(ByteField)]`
/// (feature `derive`), or by hand:
///
/// ```
/// use cable_car::{ByteField, DecodeError, EncodeError, Extent, Reader, Writer};
///
/// /// A temperature, as a tenth of a degree on the wire.
/// struct Celsius(f32);
///
/// impl ByteField<'_> for Celsius {
///     const EXTENT: Extent = Extent::Fixed(2);
///
///     fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
///         payload.i16((self.0 * 10.0) as i16)
///     }
///
///     fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
///         Ok(Self(f32::from(payload.i16()?) / 10.0))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can not be a field of a byte message",
    label = "not a field of a byte message",
    note = "fields are bool, integers of a fixed width (u8 to u128, i8 to i128), f32, f64, arrays \
            of these, &str and &[u8]; with the feature `alloc` also String and Vec<u8>",
    note = "a struct or enum of your own can be one: #[derive(ByteField)]"
)]
pub trait ByteField<'a>: Sized {
    /// How much of the payload it takes.
    ///
    /// ```
    /// # use cable_car::{ByteField, Extent};
    /// assert_eq!(<[u16; 3] as ByteField>::EXTENT, Extent::Fixed(6));
    /// ```
    const EXTENT: Extent;

    /// Writes it.
    ///
    /// ```
    /// # use cable_car::{ByteField, Writer};
    /// let mut space = [0; 8];
    /// let mut payload = Writer::new(&mut space);
    /// [1_u16, 2].encode(&mut payload)?;
    /// assert_eq!(payload.written(), [0, 1, 0, 2]);
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError::Invalid`] for a value that can not be sent; the rest comes from [`Writer`].
    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Reads it, and no more than it.
    ///
    /// ```
    /// # use cable_car::{ByteField, Reader};
    /// let mut payload = Reader::new(&[0, 1, 7]);
    /// assert_eq!((u16::decode(&mut payload)?, payload.remaining()), (1, 1));
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for a value that is not allowed; the rest comes from [`Reader`].
    fn decode(payload: &mut Reader<'a>) -> Result<Self, DecodeError>;

    #[doc(hidden)]
    #[inline]
    fn encode_array<const N: usize>(
        array: &[Self; N],
        payload: &mut Writer<'_>,
    ) -> Result<(), EncodeError> {
        array.iter().try_for_each(|item| item.encode(payload))
    }

    #[doc(hidden)]
    #[inline]
    fn decode_array<const N: usize>(payload: &mut Reader<'a>) -> Result<[Self; N], DecodeError> {
        let mut items = Vec::<Self, N>::new();
        while items.len() < N {
            // There is room for it, as was just seen.
            let _ = items.push(Self::decode(payload)?);
        }
        // It is never too short.
        items.into_array().map_err(|_| DecodeError::Short { missing: 0 })
    }
}

/// How much of a payload a [`ByteField`] takes.
///
/// ```
/// use cable_car::{ByteField, Extent};
///
/// assert_eq!(<u32 as ByteField>::EXTENT, Extent::Fixed(4));
/// assert_eq!(<&str as ByteField>::EXTENT, Extent::Rest);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many bytes, whatever its value.
    Fixed(usize),
    /// As many bytes as it says itself.
    Marked,
    /// All that is left: nothing can follow it.
    Rest,
}

impl Extent {
    /// The extent of several fields, one after the other.
    #[doc(hidden)]
    pub const fn sum(fields: &[Self]) -> Self {
        let mut sum = Self::Fixed(0);
        let mut fields = fields;
        while let [first, rest @ ..] = fields {
            sum = match (sum, *first) {
                (Self::Rest, _) => panic!("a field follows one that takes all that is left"),
                (_, Self::Rest) => Self::Rest,
                (Self::Fixed(one), Self::Fixed(other)) => Self::Fixed(one.saturating_add(other)),
                _ => Self::Marked,
            };
            fields = rest;
        }
        sum
    }

    const fn times(self, count: usize) -> Self {
        match self {
            Self::Fixed(len) => Self::Fixed(len.saturating_mul(count)),
            Self::Marked => Self::Marked,
            Self::Rest => panic!("in an array, nobody would know where an item ends"),
        }
    }
}

macro_rules! numbers {
    ($($name:ident),*) => {
        $(
            impl ByteField<'_> for $name {
                const EXTENT: Extent = Extent::Fixed(size_of::<Self>());

                #[inline]
                fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
                    payload.$name(*self)
                }

                #[inline]
                fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
                    payload.$name()
                }

                #[inline]
                fn decode_array<const N: usize>(
                    payload: &mut Reader<'_>,
                ) -> Result<[Self; N], DecodeError> {
                    let mut array = [Self::default(); N];
                    for item in &mut array {
                        *item = payload.$name()?;
                    }
                    Ok(array)
                }
            }
        )*
    };
}

numbers!(bool, i8, u16, i16, u32, i32, u64, i64, u128, i128, f32, f64);

impl ByteField<'_> for u8 {
    const EXTENT: Extent = Extent::Fixed(1);

    #[inline]
    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.u8(*self)
    }

    #[inline]
    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        payload.u8()
    }

    #[inline]
    fn encode_array<const N: usize>(
        array: &[Self; N],
        payload: &mut Writer<'_>,
    ) -> Result<(), EncodeError> {
        payload.bytes(array)
    }

    #[inline]
    fn decode_array<const N: usize>(payload: &mut Reader<'_>) -> Result<[Self; N], DecodeError> {
        payload.array()
    }
}

impl<'a, T: ByteField<'a>, const N: usize> ByteField<'a> for [T; N] {
    const EXTENT: Extent = T::EXTENT.times(N);

    #[inline]
    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        T::encode_array(self, payload)
    }

    #[inline]
    fn decode(payload: &mut Reader<'a>) -> Result<Self, DecodeError> {
        T::decode_array(payload)
    }
}

impl<'message: 'a, 'a> ByteField<'message> for &'a str {
    const EXTENT: Extent = Extent::Rest;

    #[inline]
    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.text(self)
    }

    #[inline]
    fn decode(payload: &mut Reader<'message>) -> Result<Self, DecodeError> {
        payload.rest_text()
    }
}

impl<'message: 'a, 'a> ByteField<'message> for &'a [u8] {
    const EXTENT: Extent = Extent::Rest;

    #[inline]
    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.bytes(self)
    }

    #[inline]
    fn decode(payload: &mut Reader<'message>) -> Result<Self, DecodeError> {
        Ok(payload.rest())
    }
}

#[cfg(feature = "alloc")]
impl ByteField<'_> for alloc::string::String {
    const EXTENT: Extent = Extent::Rest;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.text(self)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        payload.rest_text().map(Self::from)
    }
}

#[cfg(feature = "alloc")]
impl ByteField<'_> for alloc::vec::Vec<u8> {
    const EXTENT: Extent = Extent::Rest;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.bytes(self)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(payload.rest().to_vec())
    }
}
