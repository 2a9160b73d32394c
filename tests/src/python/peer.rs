//! A Python program that a test drives: commands in, events out, a JSON object a line.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::environment;
use crate::{events::Events, netns::Host};

/// A Python program with the package `cable_car`, driven by a test.
///
/// Its arguments are `client ADDR PORT`, `server PORT` or `broadcast`, and options: for all of them
/// `--transport byte|json` (default json), `--echo` (every message goes back), `--quiet` (messages
/// are counted, not reported), `--once` (look for one connection), `--timeout S`,
/// `--connect-timeout S`, `--for S` (live so long at most; default 60); for `server` also
/// `--bind ADDR` (default 127.0.0.1; 0.0.0.0 on a [`Host`]); for `broadcast` also
/// `--udp-port N`, `--tcp-port N`, `--interval S`, `--loopback`, `--local-ip ADDR`.
///
/// Commands, where `conn` chooses one connection by number (default: all that are open):
///
/// | command | |
/// |---|---|
/// | `{"cmd":"send","name":"MsgJoin","attributes":{}}` | a standard message in either transport; any JSON message |
/// | `{"cmd":"send","code":17,"payload":"7b666f6f"}` | a byte message by code and payload in hex |
/// | `{"cmd":"bulk","count":1000,"size":16}` | numbered messages: code 17 (or `code`), payload a big-endian u32 padded with zeros to `size`; or `Bulk` (or `name`) with `n` and `pad`, `size` letters |
/// | `{"cmd":"register","code":200}`, `{"cmd":"register","name":"Own"}` | makes one more message known |
/// | `{"cmd":"echo","on":true}`, `{"cmd":"quiet","on":true}` | as the options |
/// | `{"cmd":"pause"}`, `{"cmd":"resume"}` | no transfers meanwhile |
/// | `{"cmd":"count"}` | asks for an event `count` a connection |
/// | `{"cmd":"addresses"}` | asks for the connector's table |
/// | `{"cmd":"stop"}` | `stop_broadcasting()` or `cancel()` |
/// | `{"cmd":"close"}`, `{"cmd":"shutdown"}` | `Messenger.close()`, `Messenger.shutdown()` |
/// | `{"cmd":"quit"}` | ends the program |
///
/// Byte codes 5 to 127 and the JSON names `Echo`, `Bulk`, `MsgStats` are known from the start, and
/// the four standard messages.
///
/// Events, where `conn` is the number of the connection, from 0:
///
/// | event | |
/// |---|---|
/// | `ready` | its ports are open, or it dials |
/// | `connected` | `conn`, `local`, `remote` (as `"ip:port"`), `ip`, `port` of the other side |
/// | `message` | byte: `conn`, `code`, `payload` in hex, for standard ones also `name`, `attributes`; JSON: `conn`, `name`, `attributes`, `encoded` (the line as Python would send it; not for very long ones) |
/// | `bulk_sent` | `conn`, `sent`: all of a bulk is in the write buffer |
/// | `count` | `conn`, `received`, `sent` |
/// | `addresses` | `addresses` (a list), `sockets` (address to `"local remote"`) |
/// | `eof` | `conn`: the other side has closed, which the package itself does not notice |
/// | `closed` | `conn`: its `Messenger` says that it is closed |
/// | `log` | `level`, `text`: what the package has logged; repeats are left out |
/// | `stopped` | `addresses`: the connector has ended; without a connection, `error` comes first |
/// | `error` | `text`, perhaps `conn` or `cmd`: an exception; repeats are left out |
///
/// A `broadcast` peer keeps more than one core busy until it is stopped (`--once`, `stop`): that is
/// the package, not this program.
///
/// What JSON for every reader can not hold is tagged, in events and in attributes of commands:
/// `{"$float":"nan"}`, `{"$int":"1000000000000000000000"}`, `{"$utf16":"d83d"}` (text with a lone
/// surrogate).
#[derive(Debug)]
pub struct Peer {
    events: Events,
}

impl Peer {
    /// Starts the program on this machine.
    ///
    /// # Panics
    ///
    /// If the environment can not be made; ask for `Need::Peer` first.
    #[must_use]
    pub fn spawn(args: &[&str]) -> Self {
        Self::start(|python| Command::new(python), args)
    }

    /// Starts the program on a host of a LAN.
    ///
    /// # Panics
    ///
    /// If the environment can not be made; ask for `Need::Peer` first.
    #[must_use]
    pub fn spawn_on(host: &Host, args: &[&str]) -> Self {
        Self::start(|python| host.command(python), args)
    }

    fn start(command: impl FnOnce(&Path) -> Command, args: &[&str]) -> Self {
        let environment = environment().unwrap_or_else(|e| panic!("the Python package: {e}"));
        let mut command = command(environment.python());
        // -u would not do: the program flushes by the line, and reads its commands by the line.
        command.arg("-B").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/peer.py")).args(args);
        Self { events: Events::spawn(command) }
    }

    /// Gives it a command.
    ///
    /// # Panics
    ///
    /// If the program has ended.
    pub fn send(&mut self, command: &Value) {
        self.events.process().send_line(&command.to_string());
    }

    /// Lets it send a byte message.
    ///
    /// # Panics
    ///
    /// If the program has ended.
    pub fn send_code(&mut self, code: u8, payload: &[u8]) {
        let payload: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
        self.send(&json!({"cmd": "send", "code": code, "payload": payload}));
    }

    /// Lets it send a message by class name: a standard one in either transport, or any in JSON.
    ///
    /// # Panics
    ///
    /// If the program has ended.
    #[expect(clippy::needless_pass_by_value, reason = "callers write json!({...}) in place")]
    pub fn send_name(&mut self, name: &str, attributes: Value) {
        self.send(&json!({"cmd": "send", "name": name, "attributes": attributes}));
    }

    /// How many messages a connection has received and sent.
    ///
    /// # Panics
    ///
    /// If the program does not answer.
    pub fn count(&mut self, conn: usize) -> (u64, u64) {
        self.send(&json!({"cmd": "count", "conn": conn}));
        let count = self.expect("count");
        let number = |field: &str| count[field].as_u64().expect("a count is a number");
        (number("received"), number("sent"))
    }

    /// Waits until the first connection has received so many messages.
    ///
    /// # Panics
    ///
    /// If that is not so within `patience`, or it receives more.
    pub fn wait_for_count(&mut self, received: u64, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.count(0).0 < received {
            assert!(Instant::now() < deadline, "{}", self.process().transcript());
        }
        assert_eq!(self.count(0).0, received);
    }
}

impl Deref for Peer {
    type Target = Events;

    fn deref(&self) -> &Events {
        &self.events
    }
}

impl DerefMut for Peer {
    fn deref_mut(&mut self) -> &mut Events {
        &mut self.events
    }
}
