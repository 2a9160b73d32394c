//! The debugger's, or the emulator's, services: command line, standard output and error, exit.
//!
//! A real board without a debugger has none of these, and hangs at the first call: put a serial
//! port in the place of [`say!`] and [`complain!`], and a reset in the place of [`exit`].
#![expect(unsafe_code, reason = "calls to the host")]

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicUsize, Ordering};

use cortex_m_semihosting::{nr, syscall, syscall1};

/// The message and its line end to standard output.
macro_rules! say {
    ($($message:tt)*) => {
        $crate::semihosting::line(&$crate::semihosting::OUTPUT, format_args!($($message)*))
    };
}

/// The message and its line end to standard error.
macro_rules! complain {
    ($($message:tt)*) => {
        $crate::semihosting::line(&$crate::semihosting::ERROR, format_args!($($message)*))
    };
}

pub(crate) use {complain, say};

pub(crate) static OUTPUT: Stream = Stream::new(nr::open::W_TRUNC);
pub(crate) static ERROR: Stream = Stream::new(nr::open::W_APPEND);

/// The host's reason for `SYS_EXIT_EXTENDED`: the program asked for it.
const APPLICATION_EXIT: usize = 0x20026;
const SYS_EXIT_EXTENDED: usize = 0x20;

/// One of the host's two standard streams.
pub(crate) struct Stream {
    mode: usize,
    /// The host's handle plus one; 0 before the first use.
    opened: AtomicUsize,
}

impl Stream {
    const fn new(mode: usize) -> Self {
        Self { mode, opened: AtomicUsize::new(0) }
    }

    /// Writes all of it, or nothing where the host takes nothing: there is nobody to tell.
    fn write(&self, bytes: &[u8]) {
        if let Some(handle) = self.handle() {
            // SAFETY: the handle was opened by the host, and the block describes `bytes`, which
            // the host only reads.
            unsafe { syscall!(WRITE, handle, bytes.as_ptr(), bytes.len()) };
        }
    }

    fn handle(&self) -> Option<usize> {
        // The host's name for its console. The mode tells output from error.
        const CONSOLE: &[u8] = b":tt\0";
        let opened = self.opened.load(Ordering::Relaxed);
        if opened != 0 {
            return Some(opened - 1);
        }
        // SAFETY: the block describes a name that ends in a zero byte not counted in its length.
        let handle = unsafe { syscall!(OPEN, CONSOLE.as_ptr(), self.mode, CONSOLE.len() - 1) };
        let opened = handle.checked_add(1)?; // The host says -1 for failure.
        self.opened.store(opened, Ordering::Relaxed);
        Some(handle)
    }
}

/// Writes one line, in as few calls as it can: each one stops the processor for the host.
pub(crate) fn line(stream: &'static Stream, message: fmt::Arguments<'_>) {
    let mut pending = Pending { stream, bytes: [0; 128], len: 0 };
    // `Pending` itself never fails; a `Display` that does has its line cut short.
    let _ = pending.write_fmt(message);
    let _ = pending.write_str("\n");
    pending.flush();
}

struct Pending {
    stream: &'static Stream,
    bytes: [u8; 128],
    len: usize,
}

impl Pending {
    fn flush(&mut self) {
        self.stream.write(&self.bytes[..self.len]);
        self.len = 0;
    }
}

impl Write for Pending {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.len == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}

/// The command line without its first word, the program's name. Nothing if it does not fit the
/// buffer or is not UTF-8.
pub(crate) fn arguments(buffer: &mut [u8]) -> Option<&str> {
    let mut block = [buffer.as_mut_ptr() as usize, buffer.len()];
    // SAFETY: the block holds address and length of a buffer that is ours to write; the host
    // writes no further than that length, and puts the length used in the block's second word.
    // The block is handed over as mutable memory.
    let failed = unsafe { syscall1(nr::GET_CMDLINE, block.as_mut_ptr() as usize) };
    if failed != 0 {
        return None;
    }
    let line = core::str::from_utf8(buffer.get(..block[1])?).ok()?;
    let line = line.trim_end_matches('\0');
    Some(line.split_once(' ').map_or("", |(_program, arguments)| arguments))
}

/// Ends the program with this exit code.
pub(crate) fn exit(code: u8) -> ! {
    let block = [APPLICATION_EXIT, usize::from(code)];
    loop {
        // SAFETY: the block is what this call takes: the reason and the code.
        unsafe { syscall(SYS_EXIT_EXTENDED, &block) };
    }
}
