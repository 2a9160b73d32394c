//! A program with neither std nor an allocator links with the whole core, and runs.
//!
//! A core that pulled in std would bring a second panic handler, one that pulled in alloc would want
//! an allocator: neither would link.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "is linked with the C library as on Linux")]
fn the_core_needs_neither_std_nor_an_allocator() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("no_std");
    // Below the target directory of this very test, where nobody else's build is waited for.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std");
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let build = Command::new(cargo)
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(&target)
        .current_dir(&package)
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .expect("run cargo");
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let program = target.join("release/cable-car-no-std");
    let run = Command::new(&program).status().expect("run the program");
    assert!(run.success(), "an assertion failed in {}: {run}", program.display());
}
