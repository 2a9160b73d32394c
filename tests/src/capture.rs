//! What goes over the wire of a [`Lan`], captured and read by tshark with the dissector of
//! `core/wireshark/`.

use std::{
    env, fs,
    net::UdpSocket,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    netns::{BRIDGE, Host, Lan},
    process::{PATIENCE, Process},
};

/// The dissector.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/wireshark/cable-car.lua");
/// Where the datagrams go by which a capture is seen to work: nobody's port.
const MARKS: u16 = 9;

/// A capture under way. It ends with [`Capture::finish`].
#[derive(Debug)]
pub struct Capture {
    process: Process,
    packets: Packets,
}

/// Packets that were captured; the file goes with this.
#[derive(Debug)]
pub struct Packets {
    file: PathBuf,
}

impl Capture {
    /// Captures all that goes over a LAN from now on; `host` sends what shows that it does.
    ///
    /// # Panics
    ///
    /// If nothing is captured; ask for `Need::Namespaces` and `Need::Program("tshark")` first.
    #[must_use]
    pub fn start(lan: &Lan, host: &Host) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("cable-car-{}-{number}.pcapng", std::process::id());
        let file = env::temp_dir().join(name);
        let mut command = lan.command("dumpcap");
        command.args(["-q", "-i", BRIDGE, "-w"]).arg(&file);
        let capture = Self { process: Process::spawn(command), packets: Packets { file } };
        capture.reach(lan, host, "it has begun");
        capture
    }

    /// Ends the capture, once all that was sent before is in it.
    ///
    /// # Panics
    ///
    /// If that does not come about.
    #[must_use]
    pub fn finish(mut self, lan: &Lan, host: &Host) -> Packets {
        self.reach(lan, host, "it is over");
        self.process.signal("INT");
        let ended = self.process.wait(PATIENCE);
        assert!(ended.is_some_and(|end| end.success()), "{}", self.process.transcript());
        self.packets
    }

    /// Waits until a datagram sent now has been written to the file.
    fn reach(&self, lan: &Lan, host: &Host, mark: &str) {
        let socket = host.enter(|| UdpSocket::bind("0.0.0.0:0")).expect("a UDP port");
        socket.set_broadcast(true).expect("a socket that may broadcast");
        let deadline = Instant::now() + PATIENCE;
        loop {
            socket.send_to(mark.as_bytes(), (lan.broadcast(), MARKS)).expect("a network");
            thread::sleep(Duration::from_millis(20));
            // There is no file at first.
            let bytes = fs::read(&self.packets.file).unwrap_or_default();
            if bytes.windows(mark.len()).any(|part| part == mark.as_bytes()) {
                return;
            }
            assert!(Instant::now() < deadline, "no packets: {}", self.process.transcript());
        }
    }
}

impl Packets {
    /// The values of these fields, for each packet that passes the filter, in order.
    ///
    /// # Panics
    ///
    /// If tshark does not understand what it is asked, or finds fault with the dissector.
    #[must_use]
    pub fn fields(&self, filter: &str, fields: &[&str]) -> Vec<Vec<Vec<String>>> {
        let mut command = self.tshark(filter);
        command.args(["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"]);
        for field in fields {
            command.args(["-e", field]);
        }
        let values = |text: &str| match text {
            "" => Vec::new(),
            text => text.split('|').map(str::to_owned).collect(),
        };
        let (output, _) = output(&mut command);
        output.lines().map(|line| line.split('\t').map(values).collect()).collect()
    }

    /// The values of one field in all packets that pass the filter, in order.
    ///
    /// # Panics
    ///
    /// As [`Packets::fields`].
    #[must_use]
    pub fn field(&self, filter: &str, field: &str) -> Vec<String> {
        self.fields(filter, &[field]).into_iter().flatten().flatten().collect()
    }

    /// All layers of the packets that pass the filter.
    ///
    /// # Panics
    ///
    /// As [`Packets::fields`].
    #[must_use]
    pub fn layers(&self, filter: &str) -> Vec<Value> {
        let (output, _) = output(self.tshark(filter).args(["-T", "json", "--no-duplicate-keys"]));
        let packets: Vec<Value> = serde_json::from_str(&output).expect("tshark writes JSON");
        packets.into_iter().map(|mut packet| packet["_source"]["layers"].take()).collect()
    }

    /// What the packet list says of each packet that passes the filter, with preferences
    /// (`NAME:VALUE`), and what tshark complains about.
    ///
    /// # Panics
    ///
    /// As [`Packets::fields`].
    #[must_use]
    pub fn list(&self, filter: &str, preferences: &[&str]) -> (Vec<String>, String) {
        let mut command = self.tshark(filter);
        command.args(["-T", "fields", "-e", "_ws.col.Info"]);
        for preference in preferences {
            command.arg("-o").arg(format!("cablecar.{preference}"));
        }
        let (output, complaints) = output(&mut command);
        (output.lines().map(str::to_owned).collect(), complaints)
    }

    /// tshark that looks at each packet twice, as Wireshark does.
    fn tshark(&self, filter: &str) -> Command {
        let mut command = Command::new("tshark");
        command.args(["-n", "-2", "-X", &format!("lua_script:{SCRIPT}"), "-Y", filter, "-r"]);
        command.arg(&self.file);
        command
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        // What was never made can not be removed.
        let _ = fs::remove_file(&self.file);
    }
}

fn output(tshark: &mut Command) -> (String, String) {
    let output = tshark.output().expect("start tshark");
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let good = output.status.success() && !complaints.contains("Lua: Error");
    assert!(good, "{tshark:?}: {complaints}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Lua Error"), "{tshark:?}: {text}");
    (text, complaints)
}
