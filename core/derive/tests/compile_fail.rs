//! What is said of mistakes, and where it points.
//!
//! After a change of words, or a new compiler's: `TRYBUILD=overwrite cargo test --test compile_fail`,
//! and read what has changed.

#[test]
fn mistakes_are_named_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
