//! All of the core in a program that has neither std nor an allocator: that it links is one half of
//! the test, that it ends with 0 the other.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod links;
mod sockets;
mod stack;

/// The system's C library starts the program and ends it. Nothing else of it is called here.
#[allow(unsafe_code, reason = "the entry and the exit of a program are the system's")]
mod system {
    #[link(name = "c")]
    unsafe extern "C" {
        safe fn abort() -> !;
    }

    #[unsafe(no_mangle)]
    extern "C" fn main() -> core::ffi::c_int {
        crate::links::byte();
        crate::links::json();
        crate::links::errors();
        crate::sockets::discovery();
        crate::sockets::broadcast();
        crate::sockets::direct();
        0
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        abort()
    }
}
