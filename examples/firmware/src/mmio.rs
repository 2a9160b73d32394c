//! Blocks of device registers: all that the drivers know of addresses.
//!
//! Offsets are checked against the block, so that reading and writing a register is safe; with a
//! constant offset the check costs nothing.
#![expect(unsafe_code, reason = "volatile access to device registers")]

/// The Ethernet chip, on the board's 32-bit external bus.
pub(crate) const ETHERNET: Block = Block::at(0x4020_0000, 0x100);
/// The first of the two plain timers.
pub(crate) const TIMER: Block = Block::at(0x4000_0000, 0x10);
/// The processor's interrupt controller.
pub(crate) const NVIC: Block = Block::at(0xe000_e100, 0x400);
/// The processor's memory protection.
pub(crate) const MPU: Block = Block::at(0xe000_ed90, 0x14);

/// A run of 32-bit device registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    base: usize,
    bytes: usize,
}

impl Block {
    // Private: the constants above are the only blocks there are, and none of them is memory.
    const fn at(base: usize, bytes: usize) -> Self {
        Self { base, bytes }
    }

    /// Reads the register at an offset in bytes.
    pub(crate) fn read(self, offset: usize) -> u32 {
        let register = self.register(offset);
        // SAFETY: `register` is aligned and lies within a block of device registers of this board
        // (see `register`), which no Rust object occupies.
        unsafe { register.read_volatile() }
    }

    /// Writes the register at an offset in bytes.
    pub(crate) fn write(self, offset: usize, value: u32) {
        let register = self.register(offset);
        // SAFETY: as in `read`. None of these devices reads or writes memory by itself, and
        // memory protection only ever takes access away, with a fault that ends the program.
        unsafe { register.write_volatile(value) }
    }

    fn register(self, offset: usize) -> *mut u32 {
        assert!(offset.is_multiple_of(4) && offset < self.bytes);
        (self.base + offset) as *mut u32
    }
}
