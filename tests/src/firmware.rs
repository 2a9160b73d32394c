//! The firmware: built once, and run on an emulated board.
//!
//! The board's network is either a TAP device of a [`Lan`], or a socket whose other end this
//! process holds (see [`desk`](crate::desk)).

use std::{
    env,
    fs::File,
    io::{Read, Write},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{
    netns::Lan,
    process::{PATIENCE, Process, run},
};

/// What a Debian needs to build and run the firmware.
pub const PACKAGES: &str = "rustc-web rust-web-src cargo-web qemu-system-arm \
                            binutils-arm-none-eabi lld iproute2";
/// Where the firmware answers clients of the byte transport.
pub const CLIENT_PORT: u16 = 8223;
/// Where it looks for machines, and where it passes figures to them.
pub const BEACON_PORT: u16 = 8226;
/// Where it passes figures to machines.
pub const STATS_PORT: u16 = 8227;
/// The code of the byte message that it echoes.
pub const ECHO: u8 = 0x20;
/// What the script ends with where a tool is missing, or the firmware does not build.
const NOT_READY: &str = "the firmware does not build";

/// The firmware's image, built by whichever test asks first.
///
/// # Errors
///
/// Which tool is missing.
///
/// # Panics
///
/// If the tools are there and the firmware does not build.
pub fn image() -> Result<&'static Path, &'static str> {
    static IMAGE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let image = IMAGE.get_or_init(|| {
        run(Command::new("qemu-system-arm").arg("--version"))?;
        // Several test programs may come here at once: one builds, the others wait.
        let lock = env::temp_dir().join("cable-car-firmware.lock");
        let lock = File::create(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
        lock.lock().map_err(|e| format!("lock: {e}"))?;
        let mut build = Command::new("timeout");
        let elf = run(build.arg("600").arg(script()).arg("--build-only"))?;
        Ok(PathBuf::from(elf.trim()))
    });
    let image = image.as_deref().map_err(String::as_str);
    assert!(!image.is_err_and(|error| error.contains(NOT_READY)), "{image:?}");
    image
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/firmware/run")
}

/// A board that runs the firmware. It ends when this is dropped.
#[derive(Debug)]
pub struct Firmware {
    process: Process,
    monitor: PathBuf,
}

impl Firmware {
    /// Starts a board on a TAP device of a LAN; `options` are those of `examples/firmware/run`.
    ///
    /// # Panics
    ///
    /// If it does not start; ask for `Need::Firmware` first.
    #[must_use]
    pub fn on_tap(lan: &Lan, tap: &str, ip: Ipv4Addr, options: &[&str]) -> Self {
        Self::start(lan.command(script()), Stdio::null(), &["--tap", tap], ip, options)
    }

    /// Starts a board whose frames go to and from `cable`, one end of a pair of datagram sockets.
    ///
    /// # Panics
    ///
    /// If it does not start; ask for `Need::Firmware` first.
    #[cfg(unix)]
    #[must_use]
    pub fn on_socket(
        cable: std::os::unix::net::UnixDatagram,
        ip: Ipv4Addr,
        options: &[&str],
    ) -> Self {
        // As its standard input, which is inherited without further ado.
        let stdin = Stdio::from(std::os::fd::OwnedFd::from(cable));
        Self::start(Command::new(script()), stdin, &["--dgram-fd", "0"], ip, options)
    }

    fn start(
        mut command: Command,
        stdin: Stdio,
        network: &[&str],
        ip: Ipv4Addr,
        options: &[&str],
    ) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let monitor = format!("cable-car-board-{}-{number}", process::id());
        let monitor = env::temp_dir().join(monitor);
        command.args(network).arg("--ip").arg(format!("{ip}/24")).args(options);
        command.args(["--", "-monitor"]);
        command.arg(format!("unix:{},server,nowait", monitor.display()));
        let mut board = Self { process: Process::spawn_with_stdin(command, stdin), monitor };
        board.says(&format!("address {ip}"));
        board
    }

    /// Waits for a line that begins with these words, and gives all of it.
    ///
    /// # Panics
    ///
    /// If none comes; the message holds what the firmware has said.
    pub fn says(&mut self, words: &str) -> String {
        self.process.expect_line(PATIENCE, |line| line.starts_with(words))
    }

    /// Pulls the cable out of the board, or plugs it in again.
    ///
    /// # Panics
    ///
    /// If the emulator does not take orders.
    #[cfg(unix)]
    pub fn set_cable(&self, plugged: bool) {
        let state = if plugged { "on" } else { "off" };
        let mut monitor = std::os::unix::net::UnixStream::connect(&self.monitor).expect("monitor");
        monitor.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
        writeln!(monitor, "set_link n0 {state}").expect("the monitor reads");
        // It answers with a prompt before and another after the order.
        let mut answer = Vec::new();
        let mut piece = [0; 256];
        while answer.windows(7).filter(|&part| part == b"(qemu) ").count() < 2 {
            match monitor.read(&mut piece).expect("the monitor answers") {
                0 => panic!("the monitor is gone"),
                len => answer.extend_from_slice(&piece[..len]),
            }
        }
    }

    /// What the emulator takes of a processor while `time` passes, 1.0 for all of one.
    ///
    /// # Panics
    ///
    /// If the system does not tell.
    #[must_use]
    pub fn load_over(&self, time: Duration) -> f64 {
        let used = || self.process.cpu_time().expect("the emulator runs");
        let before = used();
        std::thread::sleep(time);
        (used() - before).as_secs_f64() / time.as_secs_f64()
    }

    /// The emulator: its end, and what the firmware has said.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Drop for Firmware {
    fn drop(&mut self) {
        // The process ends with its own drop; the socket that it leaves behind is of no use.
        let _ = std::fs::remove_file(&self.monitor);
    }
}
