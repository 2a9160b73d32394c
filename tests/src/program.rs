//! The programs of this workspace, as their users would run them.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

use crate::process::run;

/// The path of a program of the package `cable-car-examples`, up to date, in the profile of the
/// tests themselves.
///
/// # Panics
///
/// If it can not be built; the message holds what Cargo says.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    build(name, &["--package", "cable-car-examples"])
}

/// The path of the tool `cable-car`, as [`program`].
///
/// # Panics
///
/// If it can not be built; the message holds what Cargo says.
#[must_use]
pub fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| build("cable-car", &["--package", "cable-car-std", "--features", "cli"]))
}

/// Cargo builds programs for the tests of their own package alone, so it is asked to here. That
/// takes a moment, but for the first time after a change.
fn build(name: &str, package: &[&str]) -> PathBuf {
    // Cargo would have them wait for each other as well, and say so.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    // target/<profile>/deps/<this test>
    let test = env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("a test is in the directory of its profile");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--bin", name]).args(package);
    cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    match profile.file_name().and_then(|profile| profile.to_str()) {
        Some("debug") | None => {}
        Some(profile) => drop(cargo.args(["--profile", profile])),
    }
    if let Some(target) = profile.parent() {
        cargo.arg("--target-dir").arg(target);
    }
    run(&mut cargo).unwrap_or_else(|error| panic!("build {name}: {error}"));
    profile.join(name).with_extension(env::consts::EXE_EXTENSION)
}
