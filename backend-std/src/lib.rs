//! Std.
