//! A program under test: its output drained by threads, its end bounded, no orphan left behind.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, UdpSocket},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

/// How long tests wait for something that ought to happen at once, on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    stdout: Vec<String>,
    stderr: Vec<String>,
}

impl Process {
    /// Starts a program with its three standard streams in hand.
    ///
    /// # Panics
    ///
    /// If the program can not be started.
    #[must_use]
    pub fn spawn(command: Command) -> Self {
        Self::spawn_with_stdin(command, Stdio::piped())
    }

    /// [`Process::spawn`] with something else as its standard input.
    ///
    /// # Panics
    ///
    /// If the program can not be started.
    #[must_use]
    pub fn spawn_with_stdin(mut command: Command, stdin: Stdio) -> Self {
        let name = describe(&command);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("start {name}: {e}"));
        let stdin = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let store = Arc::clone(&seen);
        drain(stdout, move |line: String| {
            lock(&store).stdout.push(line.clone());
            // The receiver may be gone already: the program is drained nevertheless.
            let _ = sender.send(line);
        });
        let store = Arc::clone(&seen);
        drain(stderr, move |line| lock(&store).stderr.push(line));
        Self { name, child, stdin, lines, seen }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line to its standard input.
    ///
    /// # Panics
    ///
    /// If the program does not read any more.
    pub fn send_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        let written = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        if let Err(error) = written {
            panic!("write to {}: {error}\n{}", self.name, self.transcript());
        }
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The next line of its standard output; `None` after `timeout`, or when it has ended.
    pub fn next_line(&mut self, timeout: Duration) -> Option<String> {
        self.lines.recv_timeout(timeout).ok()
    }

    /// The next line of its standard output that `wanted` takes; others are skipped.
    ///
    /// # Panics
    ///
    /// If there is none within `timeout`; the message holds what the program has written.
    pub fn expect_line(&mut self, timeout: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + timeout;
        while let Some(line) = self.next_line(deadline.saturating_duration_since(Instant::now())) {
            if wanted(&line) {
                return line;
            }
        }
        panic!("no such line within {timeout:?} from {}", self.transcript());
    }

    /// Waits until it has written `text`, to whichever stream.
    ///
    /// # Panics
    ///
    /// If it does not in time; the message holds what it has written.
    pub fn expect_text(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.transcript().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} from {}", self.transcript());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end, which must be a good one.
    ///
    /// # Panics
    ///
    /// If it does not end in time, or not well; the message holds what it has written.
    pub fn expect_success(mut self) {
        let status = self.wait(PATIENCE);
        assert!(status.is_some_and(|status| status.success()), "{status:?}: {}", self.transcript());
    }

    /// Waits for its end; `None` if it still runs after `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends it a signal by name, such as `INT`, as a terminal would.
    ///
    /// # Panics
    ///
    /// If there is no program `kill`.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        Command::new("kill").args(["-s", name, &id]).status().expect("run kill");
    }

    /// The processor time it has used so far (Linux; `None` elsewhere).
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).ok()?;
        // The name in parentheses may hold anything: count fields after it. utime and stime are
        // fields 14 and 15, in ticks, 100 a second on every Linux that Rust runs on.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        Some(Duration::from_millis((user + system) * 10))
    }

    /// Everything it has written so far, for messages of failed tests.
    #[must_use]
    pub fn transcript(&self) -> String {
        let seen = lock(&self.seen);
        let mut text = format!("{}\n", self.name);
        for (stream, lines) in [("out", &seen.stdout), ("err", &seen.stderr)] {
            for line in lines {
                let line: String = line.chars().take(500).collect();
                // Writing to a String never fails.
                let _ = writeln!(text, "  {stream}: {line}");
            }
        }
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Neither fails but for a program that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A TCP port on 127.0.0.1 that nobody used a moment ago.
///
/// # Panics
///
/// If the machine has none left.
#[must_use]
pub fn unused_tcp_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("an unused TCP port");
    listener.local_addr().expect("the address of a bound socket").port()
}

/// A UDP port that nobody used a moment ago.
///
/// # Panics
///
/// If the machine has none left.
#[must_use]
pub fn unused_udp_port() -> u16 {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("an unused UDP port");
    socket.local_addr().expect("the address of a bound socket").port()
}

/// Runs a program to its end.
///
/// # Errors
///
/// What it wrote to its standard error, or why it could not be started.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error: io::Error| format!("{}: {error}", describe(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {}", describe(command), stderr.trim()))
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn drain(stream: impl Read + Send + 'static, mut sink: impl FnMut(String) + Send + 'static) {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&line);
            sink(text.trim_end_matches(['\r', '\n']).to_owned());
            line.clear();
        }
    });
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
