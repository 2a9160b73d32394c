//! Memory for a messenger that grows with what it has to hold, up to a limit.

use cable_car::Storage;

/// How much memory a messenger's buffers have, in bytes, each way.
///
/// ```
/// use cable_car_std::BufferSize;
///
/// let roomy = BufferSize { limit: 256 << 20, ..BufferSize::default() };
/// assert_eq!(roomy.initial, 64 << 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferSize {
    /// To begin with. Default 64 KiB.
    pub initial: usize,
    /// At the most: the longest line that can be received or sent, and how much may be queued.
    /// Default 16 MiB.
    pub limit: usize,
}

impl Default for BufferSize {
    fn default() -> Self {
        Self { initial: 64 << 10, limit: 16 << 20 }
    }
}

/// Memory that doubles when it is too small.
#[derive(Debug)]
pub(crate) struct Growing {
    bytes: Vec<u8>,
    limit: usize,
}

impl Growing {
    pub(crate) fn new(size: BufferSize) -> Self {
        Self { bytes: vec![0; size.initial.min(size.limit)], limit: size.limit }
    }
}

impl Storage for Growing {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn grow(&mut self) -> bool {
        let len = self.bytes.len();
        let wanted = (len * 2).max(256).min(self.limit);
        if wanted <= len || self.bytes.try_reserve_exact(wanted - len).is_err() {
            return false;
        }
        self.bytes.resize(wanted, 0);
        true
    }
}
