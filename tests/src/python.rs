//! The real Python package `cable_car`: installed once under `target/`, and driven by tests.
//!
//! [`environment`] makes a virtual environment with the package in it; [`Peer`] runs
//! `tests/peers/peer.py` there, which opens connections and passes messages as a Python program
//! would.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::process::run;

mod peer;

pub use peer::Peer;

/// The version of the Python package that this project holds itself against.
pub const VERSION: &str = "1.0.1";

/// Where the package and its example program are.
#[derive(Debug)]
pub struct Environment {
    python: PathBuf,
    cpu_mon: PathBuf,
}

impl Environment {
    /// The interpreter that can import `cable_car` and `psutil`.
    #[must_use]
    pub fn python(&self) -> &Path {
        &self.python
    }

    /// The package's own example `cpu_mon.py`, to be run as a peer.
    #[must_use]
    pub fn cpu_mon(&self) -> &Path {
        &self.cpu_mon
    }
}

/// The environment of this machine, made by whichever test asks first.
///
/// # Errors
///
/// What is missing, or what `pip` says.
pub fn environment() -> Result<&'static Environment, &'static str> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    ENVIRONMENT.get_or_init(prepare).as_ref().map_err(String::as_str)
}

/// A Python that can make virtual environments. It is tried, since some systems have a `venv`
/// module that fails for want of another package.
///
/// # Errors
///
/// What the last one tried says.
pub fn interpreter() -> Result<&'static Path, &'static str> {
    static INTERPRETER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = INTERPRETER.get_or_init(|| {
        let mut error = String::new();
        for python in ["python3", "/usr/bin/python3", "python"] {
            let trial = env::temp_dir().join(format!("cable-car-venv-{}", std::process::id()));
            let result = run(Command::new(python).args(["-m", "venv"]).arg(&trial));
            // It may not have been made at all.
            let _ = fs::remove_dir_all(&trial);
            match result {
                Ok(_) => return Ok(PathBuf::from(python)),
                Err(text) => error = text,
            }
        }
        Err(error)
    });
    found.as_deref().map_err(String::as_str)
}

/// The directory that Cargo builds into.
fn target_dir() -> PathBuf {
    let given = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    // A relative one would be relative to wherever Cargo was called from.
    given
        .filter(|path| path.is_absolute())
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

fn prepare() -> Result<Environment, String> {
    let target = target_dir();
    fs::create_dir_all(&target).map_err(|e| format!("{}: {e}", target.display()))?;
    let target = target.canonicalize().map_err(|e| format!("{}: {e}", target.display()))?;
    let dir = target.join(format!("cable_car-{VERSION}"));
    let environment = Environment {
        python: dir.join("venv/bin/python"),
        cpu_mon: dir.join(format!("cable_car-{VERSION}/examples/cpu_mon.py")),
    };

    // Several test programs may come here at once: one works, the others wait.
    let lock = File::create(target.join(format!("cable_car-{VERSION}.lock")));
    let lock = lock.map_err(|e| format!("lock: {e}"))?;
    lock.lock().map_err(|e| format!("lock: {e}"))?;
    let complete = dir.join("complete");
    if !complete.exists() || run(Command::new(&environment.python).arg("--version")).is_err() {
        // What an earlier attempt has left, if any.
        let _ = fs::remove_dir_all(&dir);
        install(&dir, &environment)?;
        File::create(&complete).map_err(|e| format!("{}: {e}", complete.display()))?;
    }
    Ok(environment)
}

fn install(dir: &Path, environment: &Environment) -> Result<(), String> {
    let package = format!("cable_car=={VERSION}");
    let pip = |words: &[&str]| {
        let mut command = Command::new(&environment.python);
        command.args(["-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "2"]);
        run(command.args(words).current_dir(dir)).map_err(|e| last_line(&e).to_owned())
    };
    run(Command::new(interpreter()?).args(["-m", "venv"]).arg(dir.join("venv")))?;
    pip(&["install", &package, "psutil"])?;
    // The example program is in the source distribution only.
    pip(&["download", "--no-deps", "--no-binary", ":all:", &package])?;
    let archive = format!("cable_car-{VERSION}.tar.gz");
    run(Command::new(&environment.python)
        .args(["-m", "tarfile", "-e", &archive])
        .current_dir(dir))?;
    if environment.cpu_mon.is_file() {
        Ok(())
    } else {
        Err(format!("no {} in {archive}", environment.cpu_mon.display()))
    }
}

fn last_line(text: &str) -> &str {
    text.lines().rfind(|line| line.contains("ERROR")).unwrap_or(text)
}
