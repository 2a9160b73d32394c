//! Stacks in memory on one network with a clock of its own, every call of which can be made to fail.
//!
//! They meet the socket contract unless a script says otherwise, and count the sockets that were not
//! given back.

mod tcp;
mod udp;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use cable_car::Instant;
use embedded_nal::{TcpError, TcpErrorKind, nb};

use crate::contract;

/// How many bytes one direction of a connection holds.
const PIPE: usize = 300;

/// A call of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// `TcpClientStack::socket`
    Socket,
    /// `TcpFullStack::bind`
    Bind,
    /// `TcpFullStack::listen`
    Listen,
    /// `TcpFullStack::accept`
    Accept,
    /// `TcpClientStack::connect`
    Connect,
    /// `TcpClientStack::send`
    Send,
    /// `TcpClientStack::receive`
    Receive,
    /// `TcpClientStack::close`; the socket is gone all the same
    Close,
    /// `UdpClientStack::socket`
    UdpSocket,
    /// `UdpFullStack::bind`
    UdpBind,
    /// `UdpFullStack::send_to`
    UdpSend,
    /// `UdpClientStack::receive`
    UdpReceive,
}

/// What a call is to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// What it would give anyway.
    Truth,
    /// "Would block".
    WouldBlock,
    /// An error.
    Fail,
    /// An error that says that the connection is closed.
    PipeClosed,
    /// `Ok(0)`, where it gives a number.
    Zero,
    /// What it would give anyway, of one byte.
    OneByte,
}

/// An error of a stack in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MockError {
    /// The script wanted it.
    Scripted(Call),
    /// The connection is closed.
    PipeClosed,
    /// Nobody listens there.
    Refused,
    /// The port is taken.
    InUse,
    /// The call makes no sense now.
    Misused,
}

impl TcpError for MockError {
    fn kind(&self) -> TcpErrorKind {
        match self {
            Self::PipeClosed => TcpErrorKind::PipeClosed,
            _ => TcpErrorKind::Other,
        }
    }
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    writer_gone: bool,
    reader_gone: bool,
}

type SharedPipe = Rc<RefCell<Pipe>>;

#[derive(Debug)]
enum State {
    New,
    Bound(u16),
    Listening(u16),
    /// Asked for, and on its way until the time is over.
    Connecting(SocketAddr, Instant),
    Connected {
        read: SharedPipe,
        write: SharedPipe,
    },
}

/// A TCP socket in memory. To drop it is not to give it back.
#[derive(Debug)]
pub struct TcpSocket {
    id: u64,
    state: State,
}

/// A UDP socket in memory. To drop it is not to give it back.
#[derive(Debug)]
pub struct UdpSocket {
    id: u64,
    port: Option<u16>,
}

#[derive(Debug)]
struct Dialled {
    from: SocketAddr,
    read: SharedPipe,
    write: SharedPipe,
}

/// What came for a UDP socket.
#[derive(Debug)]
struct Inbox {
    address: Ipv4Addr,
    port: u16,
    datagrams: VecDeque<(Vec<u8>, SocketAddr)>,
}

#[derive(Debug, Default)]
struct Net {
    now: Instant,
    next: u64,
    listeners: HashMap<(Ipv4Addr, u16), VecDeque<Dialled>>,
    /// By socket.
    inboxes: HashMap<u64, Inbox>,
    hosts: Vec<Ipv4Addr>,
}

impl Net {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// A network in memory.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    net: Rc<RefCell<Net>>,
}

/// A stack in memory.
#[derive(Debug)]
pub struct Mock {
    net: Rc<RefCell<Net>>,
    address: Ipv4Addr,
    open: HashSet<u64>,
    script: HashMap<Call, VecDeque<Say>>,
    always: HashMap<Call, Say>,
    /// Every call so far.
    pub calls: Vec<Call>,
}

impl Memory {
    /// A stack with this address.
    pub fn stack(&self, address: Ipv4Addr) -> Mock {
        self.net.borrow_mut().hosts.push(address);
        Mock {
            net: Rc::clone(&self.net),
            address,
            open: HashSet::new(),
            script: HashMap::new(),
            always: HashMap::new(),
            calls: Vec::new(),
        }
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.net.borrow().now
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let now = self.now() + time;
        self.net.borrow_mut().now = now;
    }
}

impl Mock {
    /// The next calls of this kind give this, and then the truth again.
    pub fn script(&mut self, call: Call, says: impl IntoIterator<Item = Say>) {
        self.script.entry(call).or_default().extend(says);
    }

    /// Every call of this kind gives this, but those that [`script`](Self::script) names.
    pub fn always(&mut self, call: Call, say: Say) {
        self.always.insert(call, say);
    }

    /// How many sockets were not given back.
    pub fn open_sockets(&self) -> usize {
        self.open.len()
    }

    /// How many calls of this kind there were.
    pub fn count(&self, call: Call) -> usize {
        self.calls.iter().filter(|&&made| made == call).count()
    }

    fn say(&mut self, call: Call) -> Say {
        self.calls.push(call);
        let always = self.always.get(&call).copied().unwrap_or(Say::Truth);
        self.script.get_mut(&call).and_then(VecDeque::pop_front).unwrap_or(always)
    }

    /// For a call that can not block.
    fn check(&mut self, call: Call) -> Result<(), MockError> {
        match self.say(call) {
            Say::Truth => Ok(()),
            Say::PipeClosed => Err(MockError::PipeClosed),
            _ => Err(MockError::Scripted(call)),
        }
    }

    /// For a call that can block: what it should say, where it is not an error.
    fn check_nb(&mut self, call: Call) -> nb::Result<Say, MockError> {
        match self.say(call) {
            Say::WouldBlock => Err(nb::Error::WouldBlock),
            Say::Fail => Err(nb::Error::Other(MockError::Scripted(call))),
            Say::PipeClosed => Err(nb::Error::Other(MockError::PipeClosed)),
            say => Ok(say),
        }
    }

    fn opened(&mut self) -> u64 {
        let id = self.net.borrow_mut().number();
        self.open.insert(id);
        id
    }

    fn given_back(&mut self, id: u64) {
        assert!(self.open.remove(&id), "a socket is given back that is not open here");
    }
}

fn misused<T>() -> nb::Result<T, MockError> {
    Err(nb::Error::Other(MockError::Misused))
}

/// Two stacks in memory.
#[derive(Debug)]
pub struct Pair {
    /// The network that they are on.
    pub memory: Memory,
    /// The stack that dials, 10.0.0.1.
    pub left: Mock,
    /// The stack that listens, 10.0.0.2.
    pub right: Mock,
    ports: u16,
}

impl Pair {
    /// The address of the stack that dials.
    pub const LEFT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    /// The address of the stack that listens.
    pub const RIGHT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    /// Two stacks with nothing open.
    pub fn new() -> Self {
        let memory = Memory::default();
        let (left, right) = (memory.stack(Self::LEFT), memory.stack(Self::RIGHT));
        Self { memory, left, right, ports: 1000 }
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

impl contract::Network for Pair {
    type Left = Mock;
    type Right = Mock;

    fn left(&mut self) -> &mut Mock {
        &mut self.left
    }

    fn right(&mut self) -> &mut Mock {
        &mut self.right
    }

    fn left_address(&self) -> Ipv4Addr {
        Self::LEFT
    }

    fn right_address(&self) -> Ipv4Addr {
        Self::RIGHT
    }

    fn port(&mut self) -> u16 {
        self.ports += 1;
        self.ports
    }

    fn now(&self) -> Instant {
        self.memory.now()
    }

    fn settle(&mut self) {
        self.memory.pass(Duration::from_millis(1));
    }
}
