//! How the firmware ends, for the script that started it. 1 is left to the emulator itself.

/// The time asked for is over.
pub(crate) const DONE: u8 = 0;
/// An option can not be followed.
pub(crate) const BAD_OPTION: u8 = 2;
/// The network chip does not work.
pub(crate) const NO_NETWORK: u8 = 3;
/// A panic: a mistake in the firmware.
pub(crate) const PANIC: u8 = 101;
/// A hard fault: the stack ran over, or memory that is not there was touched.
pub(crate) const HARD_FAULT: u8 = 102;
/// An exception that nothing should raise.
pub(crate) const EXCEPTION: u8 = 103;
