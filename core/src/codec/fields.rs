//! Payloads of byte messages, field by field: integers and floats in network order, text, bytes.

mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

use core::fmt;

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
