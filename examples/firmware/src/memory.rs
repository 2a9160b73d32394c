//! How much memory the firmware takes: variables, and the deepest that the stack has ever been.
#![expect(unsafe_code, reason = "reads the linker's symbols and the unused stack")]

use cortex_m_rt::STACK_PAINT_VALUE;

// Places that the linker names; only their addresses mean anything.
unsafe extern "C" {
    static __sdata: u32;
    static __sheap: u32;
    static _ram_end: u32;
    static _stack_start: u32;
    static _stack_end: u32;
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// All variables that live as long as the program.
    pub(crate) statics: usize,
    /// The deepest that the stack has been since start.
    pub(crate) stack_worst: usize,
    /// The deepest that the stack may be.
    pub(crate) stack_size: usize,
    /// All there is, variables and stack together.
    pub(crate) total: usize,
}

impl Memory {
    /// Looks at the memory now. The cost is one read for each word of stack never used.
    pub(crate) fn look() -> Self {
        let stack_size = (&raw const _stack_start).addr() - (&raw const _stack_end).addr();
        Self {
            statics: (&raw const __sheap).addr() - (&raw const __sdata).addr(),
            stack_worst: stack_size - untouched_stack(),
            stack_size,
            total: (&raw const _ram_end).addr() - (&raw const _stack_end).addr(),
        }
    }

    /// Bytes taken: variables, and the stack at its deepest.
    pub(crate) fn used(&self) -> usize {
        self.statics + self.stack_worst
    }
}

/// Bytes at the stack's far end that still hold what start-up painted there.
fn untouched_stack() -> usize {
    let far_end = &raw const _stack_end;
    let mut word = far_end;
    // The stack in use holds other values (a return address at the least), so this ends within it.
    // SAFETY: `word` is between the two ends of the stack, which is memory that start-up wrote and
    // that no Rust object here is borrowed from; a volatile read assumes nothing about its value.
    while word < &raw const _stack_start && unsafe { word.read_volatile() } == STACK_PAINT_VALUE {
        word = word.wrapping_add(1);
    }
    word.addr() - far_end.addr()
}
