//! Linear byte buffers over memory of the caller's: filled at the end, read at the front.
//!
//! What is unread is always one contiguous slice, so that frames are read in place. Reading moves a
//! cursor; bytes are moved to the front only when that pays for itself or nothing else helps, so
//! that the cost of a byte does not depend on how many wait.

/// Memory for a [`Link`](crate::Link)'s buffer: an array, a borrowed slice, or something that grows.
///
/// ```
/// use cable_car::Storage;
///
/// let array = [0; 512];
/// assert_eq!(array.bytes().len(), 512);
/// ```
pub trait Storage {
    /// The whole memory.
    ///
    /// ```
    /// use cable_car::Storage;
    ///
    /// assert_eq!([0; 512].bytes().len(), 512);
    /// ```
    fn bytes(&self) -> &[u8];

    /// The whole memory, to be written.
    ///
    /// ```
    /// use cable_car::Storage;
    ///
    /// let mut memory = [0; 512];
    /// memory.bytes_mut()[0] = 7;
    /// assert_eq!(memory[0], 7);
    /// ```
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Makes the memory larger, its content kept, and says whether it did.
    ///
    /// Fixed memory never does. Memory that grows should at least double, and must have a limit:
    /// how much is asked for is up to the peer.
    ///
    /// ```
    /// use cable_car::Storage;
    ///
    /// struct Growing(Vec<u8>);
    ///
    /// impl Storage for Growing {
    ///     fn bytes(&self) -> &[u8] {
    ///         &self.0
    ///     }
    ///
    ///     fn bytes_mut(&mut self) -> &mut [u8] {
    ///         &mut self.0
    ///     }
    ///
    ///     fn grow(&mut self) -> bool {
    ///         let larger = (2 * self.0.len()).clamp(256, 65536);
    ///         let grows = larger > self.0.len();
    ///         self.0.resize(larger, 0);
    ///         grows
    ///     }
    /// }
    /// # let mut memory = Growing(vec![0; 40_000]);
    /// # assert!(memory.grow());
    /// # assert!(!memory.grow());
    /// ```
    fn grow(&mut self) -> bool {
        false
    }
}

impl<const N: usize> Storage for [u8; N] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl Storage for &mut [u8] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// `start..end` is unread, `end..` is free. Invariant: `start <= end <= storage.len()`.
#[derive(Debug)]
pub(crate) struct Buffer<S> {
    storage: S,
    start: usize,
    end: usize,
}

impl<S: Storage> Buffer<S> {
    pub(crate) const fn new(storage: S) -> Self {
        Self { storage, start: 0, end: 0 }
    }

    /// Gives the memory back.
    pub(crate) fn into_storage(self) -> S {
        self.storage
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// No byte more can be taken as long as none is consumed.
    pub(crate) fn is_full(&self) -> bool {
        self.len() == self.storage.bytes().len()
    }

    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        self.storage.bytes().get(self.start..self.end).unwrap_or_default()
    }

    /// Takes `count` bytes off the front; they stay in place until the buffer is written again.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> &mut [u8] {
        let Self { storage, start, end } = self;
        // Written as `unread` is, whose checks serve for both where one follows the other.
        let unread = storage.bytes_mut().get_mut(*start..*end).unwrap_or_default();
        let count = count.min(unread.len());
        *start += count;
        unread.get_mut(..count).unwrap_or_default()
    }

    /// Free space behind the unread bytes.
    #[inline]
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        self.storage.bytes_mut().get_mut(self.end..).unwrap_or_default()
    }

    /// Makes `count` bytes that were written to [`spare`](Self::spare) unread.
    #[inline]
    pub(crate) fn commit(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.storage.bytes().len());
    }

    /// Makes what `write` writes to the start of the free space unread; it gives the length.
    #[inline]
    pub(crate) fn append<E>(
        &mut self,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let spare = self.spare();
        let len = write(spare)?.min(spare.len());
        self.end += len;
        Ok(())
    }

    /// Moves the unread bytes to the front where that is cheap: no more bytes move than were
    /// consumed since the last move, and only once half of the buffer is behind the cursor or full.
    #[inline]
    pub(crate) fn tidy(&mut self) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        } else if self.len() <= self.start && self.end > self.storage.bytes().len() / 2 {
            self.compact();
        }
    }

    /// [`tidy`](Self::tidy), for bytes that are not taken yet: whether there is more room now.
    pub(crate) fn tidied(&mut self) -> bool {
        let before = self.end;
        self.tidy();
        self.end < before
    }

    /// Makes more room behind the unread bytes at any price: by a move, else by growing.
    pub(crate) fn make_room(&mut self) -> bool {
        if self.start > 0 {
            self.compact();
            return true;
        }
        self.grow()
    }

    /// Makes more room behind the unread bytes by growing, where the memory can.
    pub(crate) fn grow(&mut self) -> bool {
        let before = self.storage.bytes().len();
        self.storage.grow() && self.storage.bytes().len() > before
    }

    #[cold]
    fn compact(&mut self) {
        let Self { start, end, .. } = *self;
        if let Some(used) = self.storage.bytes_mut().get_mut(..end)
            && start <= end
        {
            used.copy_within(start.., 0);
        }
        self.end = end - start;
        self.start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write<S: Storage>(buffer: &mut Buffer<S>, bytes: &[u8]) {
        buffer.spare()[..bytes.len()].copy_from_slice(bytes);
        buffer.commit(bytes.len());
    }

    #[test]
    fn is_read_in_the_order_written() {
        let mut buffer = Buffer::new([0; 8]);
        write(&mut buffer, b"abcdef");
        assert_eq!(buffer.take(4), b"abcd");
        assert_eq!(buffer.unread(), b"ef");
        buffer.tidy();
        assert_eq!(buffer.unread(), b"ef");
        assert_eq!(buffer.spare().len(), 6);
        write(&mut buffer, b"ghijkl");
        assert!(buffer.is_full());
        assert_eq!(buffer.unread(), b"efghijkl");
    }

    #[test]
    fn moves_no_more_than_was_consumed() {
        let mut buffer = Buffer::new([0; 8]);
        write(&mut buffer, b"abcdefgh");
        buffer.take(3);
        buffer.tidy();
        assert_eq!(buffer.spare().len(), 0, "5 unread bytes are not moved to regain 3");
        assert!(buffer.make_room());
        assert_eq!(buffer.spare().len(), 3);
        assert_eq!(buffer.unread(), b"defgh");
        assert!(!buffer.make_room(), "an array does not grow");
    }

    #[test]
    fn an_empty_buffer_starts_over() {
        let mut buffer = Buffer::new([0; 4]);
        write(&mut buffer, b"abcd");
        assert_eq!(buffer.take(9), b"abcd");
        assert!(buffer.is_empty());
        buffer.tidy();
        assert_eq!(buffer.spare().len(), 4);
    }
}
