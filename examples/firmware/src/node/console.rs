//! What is understood on a byte link: the four standard messages, and one that is echoed.

use cable_car::{
    Byte, ByteMessage, DecodeError, EncodeError, Identify, Join, Quit, Reader, Retry, Writer,
    message_set,
};

/// Room for the longest payload that is accepted.
const LONGEST: usize = Byte::LONGEST_ACCEPTED - Byte::HEADER;

/// Any bytes, which are sent back as they are.
///
/// They are held in place rather than borrowed, so that the link they came by can be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Echo {
    bytes: [u8; LONGEST],
    len: u8,
}

impl ByteMessage<'_> for Echo {
    const CODE: u8 = 0x20;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.bytes(self.bytes.get(..usize::from(self.len)).unwrap_or_default())
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut bytes = [0; LONGEST];
        let came = payload.rest();
        let room = bytes.get_mut(..came.len()).ok_or(DecodeError::Invalid("too long"))?;
        room.copy_from_slice(came);
        // No longer than `LONGEST`, which fits.
        Ok(Self { bytes, len: came.len() as u8 })
    }
}

message_set! {
    /// What is understood on a byte link.
    pub(super) enum Order: Byte { Identify, Join, Retry, Quit, Echo }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_payload_comes_back_as_it_is() {
        for len in [0, 1, 252, 253] {
            let sent = [0xa5; LONGEST];
            let sent = &sent[..len];
            let echo = Echo::decode(&mut Reader::new(sent)).expect("any length");
            let mut space = [0; LONGEST];
            let mut writer = Writer::new(&mut space);
            echo.encode(&mut writer).expect("it fits");
            assert_eq!(writer.written(), sent);
        }
    }
}
