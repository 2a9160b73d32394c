//! The ends that no program plans for: each has an exit code of its own, and says what it knows.
#![expect(unsafe_code, reason = "entered by the processor")]

use core::panic::PanicInfo;

use crate::exit_code;
use crate::semihosting::{complain, exit};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    complain!("{info}");
    exit(exit_code::PANIC)
}

/// Takes a fresh stack before anything else, since a stack that ran over is a likely reason.
///
/// # Safety
///
/// Only the processor may enter here, through the vector table.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn HardFault() -> ! {
    core::arch::naked_asm!(
        "mov r0, sp",
        "ldr r1, =_stack_end",
        "ldr r2, =_stack_start",
        "mov sp, r2",
        "b {report}",
        report = sym report_hard_fault,
    )
}

extern "C" fn report_hard_fault(frame: usize, stack_end: usize, stack_start: usize) -> ! {
    /// The processor pushes r0 to r3, r12, lr, pc and the status word.
    const FRAME_BYTES: usize = 8 * 4;
    const PROGRAM_COUNTER: usize = 6 * 4;

    if frame < stack_end || frame > stack_start - FRAME_BYTES {
        complain!("hard fault: the stack ran over");
    } else {
        // SAFETY: the frame lies within the stack, where the processor has just put it, and the
        // stack pointer is always aligned to words.
        let program_counter = unsafe { ((frame + PROGRAM_COUNTER) as *const u32).read_volatile() };
        complain!("hard fault at {program_counter:#010x}");
    }
    exit(exit_code::HARD_FAULT)
}

/// Any exception or interrupt that has no handler: we have none, since all interrupts are masked.
#[cortex_m_rt::exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    complain!("unexpected exception {number}");
    exit(exit_code::EXCEPTION)
}
