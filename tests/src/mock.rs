//! Stacks in memory on one network with a clock of its own, every call of which can be made to fail.
//!
//! They meet the socket contract unless a script says otherwise, and count the sockets that were not
//! given back.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use cable_car::Instant;
use embedded_nal::{
    TcpClientStack, TcpError, TcpErrorKind, TcpFullStack, UdpClientStack, UdpFullStack, nb,
};

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

#[derive(Debug, Default)]
struct Net {
    now: Instant,
    next: u64,
    listeners: HashMap<(Ipv4Addr, u16), VecDeque<Dialled>>,
    /// By socket: who it is and what came.
    datagrams: HashMap<u64, (Ipv4Addr, u16, VecDeque<(Vec<u8>, SocketAddr)>)>,
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

impl TcpClientStack for Mock {
    type TcpSocket = TcpSocket;
    type Error = MockError;

    fn socket(&mut self) -> Result<TcpSocket, MockError> {
        self.check(Call::Socket)?;
        Ok(TcpSocket { id: self.opened(), state: State::New })
    }

    fn connect(&mut self, socket: &mut TcpSocket, remote: SocketAddr) -> nb::Result<(), MockError> {
        self.check_nb(Call::Connect)?;
        let mut net = self.net.borrow_mut();
        match socket.state {
            State::New => {
                socket.state = State::Connecting(remote, net.now + Duration::from_millis(1));
                Err(nb::Error::WouldBlock)
            }
            State::Connecting(_, stands_at) if net.now < stands_at => Err(nb::Error::WouldBlock),
            State::Connecting(remote, _) => {
                let IpAddr::V4(ip) = remote.ip() else { return misused() };
                if !net.hosts.contains(&ip) {
                    return Err(nb::Error::WouldBlock);
                }
                let from = SocketAddr::from((self.address, 50_000 + net.number() as u16 % 10_000));
                let (here, there) = (SharedPipe::default(), SharedPipe::default());
                let Some(backlog) = net.listeners.get_mut(&(ip, remote.port())) else {
                    socket.state = State::New;
                    return Err(nb::Error::Other(MockError::Refused));
                };
                backlog.push_back(Dialled { from, read: here.clone(), write: there.clone() });
                socket.state = State::Connected { read: there, write: here };
                Ok(())
            }
            State::Connected { .. } => Ok(()),
            State::Bound(_) | State::Listening(_) => misused(),
        }
    }

    fn send(&mut self, socket: &mut TcpSocket, buffer: &[u8]) -> nb::Result<usize, MockError> {
        let say = self.check_nb(Call::Send)?;
        let State::Connected { write, .. } = &socket.state else { return misused() };
        let mut pipe = write.borrow_mut();
        if pipe.reader_gone {
            return Err(nb::Error::Other(MockError::PipeClosed));
        }
        let count = match say {
            Say::Zero => return Ok(0),
            Say::OneByte => 1,
            _ => buffer.len().min(PIPE - pipe.bytes.len()),
        };
        if count == 0 {
            return Err(nb::Error::WouldBlock);
        }
        pipe.bytes.extend(&buffer[..count]);
        Ok(count)
    }

    fn receive(
        &mut self,
        socket: &mut TcpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<usize, MockError> {
        let say = self.check_nb(Call::Receive)?;
        let State::Connected { read, .. } = &socket.state else { return misused() };
        let mut pipe = read.borrow_mut();
        let count = match say {
            Say::Zero => return Ok(0),
            Say::OneByte => pipe.bytes.len().min(1),
            _ => pipe.bytes.len().min(buffer.len()),
        };
        if count == 0 && !pipe.writer_gone {
            return Err(nb::Error::WouldBlock);
        }
        for (space, byte) in buffer.iter_mut().zip(pipe.bytes.drain(..count)) {
            *space = byte;
        }
        Ok(count)
    }

    fn close(&mut self, socket: TcpSocket) -> Result<(), MockError> {
        self.given_back(socket.id);
        match socket.state {
            State::Connected { read, write } => {
                read.borrow_mut().reader_gone = true;
                write.borrow_mut().writer_gone = true;
            }
            State::Listening(port) => {
                let waiting = self.net.borrow_mut().listeners.remove(&(self.address, port));
                for dialled in waiting.into_iter().flatten() {
                    dialled.read.borrow_mut().reader_gone = true;
                    dialled.write.borrow_mut().writer_gone = true;
                }
            }
            _ => {}
        }
        self.check(Call::Close)
    }
}

impl TcpFullStack for Mock {
    fn bind(&mut self, socket: &mut TcpSocket, local_port: u16) -> Result<(), MockError> {
        self.check(Call::Bind)?;
        let port = match local_port {
            0 => 60_000 + self.net.borrow_mut().number() as u16 % 5000,
            port => port,
        };
        if self.net.borrow().listeners.contains_key(&(self.address, port)) {
            return Err(MockError::InUse);
        }
        socket.state = State::Bound(port);
        Ok(())
    }

    fn listen(&mut self, socket: &mut TcpSocket) -> Result<(), MockError> {
        self.check(Call::Listen)?;
        let State::Bound(port) = socket.state else { return Err(MockError::Misused) };
        self.net.borrow_mut().listeners.insert((self.address, port), VecDeque::new());
        socket.state = State::Listening(port);
        Ok(())
    }

    fn accept(&mut self, socket: &mut TcpSocket) -> nb::Result<(TcpSocket, SocketAddr), MockError> {
        self.check_nb(Call::Accept)?;
        let State::Listening(port) = socket.state else { return misused() };
        let mut net = self.net.borrow_mut();
        let backlog = net.listeners.get_mut(&(self.address, port));
        let Some(dialled) = backlog.and_then(VecDeque::pop_front) else {
            return Err(nb::Error::WouldBlock);
        };
        drop(net);
        let Dialled { from, read, write } = dialled;
        Ok((TcpSocket { id: self.opened(), state: State::Connected { read, write } }, from))
    }
}

impl UdpClientStack for Mock {
    type UdpSocket = UdpSocket;
    type Error = MockError;

    fn socket(&mut self) -> Result<UdpSocket, MockError> {
        self.check(Call::UdpSocket)?;
        Ok(UdpSocket { id: self.opened(), port: None })
    }

    fn connect(&mut self, _: &mut UdpSocket, _: SocketAddr) -> Result<(), MockError> {
        Err(MockError::Misused)
    }

    fn send(&mut self, _: &mut UdpSocket, _: &[u8]) -> nb::Result<(), MockError> {
        misused()
    }

    fn receive(
        &mut self,
        socket: &mut UdpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), MockError> {
        self.check_nb(Call::UdpReceive)?;
        let mut net = self.net.borrow_mut();
        let Some((_, _, queue)) = net.datagrams.get_mut(&socket.id) else { return misused() };
        let Some((bytes, from)) = queue.pop_front() else { return Err(nb::Error::WouldBlock) };
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        Ok((len, from))
    }

    fn close(&mut self, socket: UdpSocket) -> Result<(), MockError> {
        self.given_back(socket.id);
        self.net.borrow_mut().datagrams.remove(&socket.id);
        self.check(Call::Close)
    }
}

impl UdpFullStack for Mock {
    fn bind(&mut self, socket: &mut UdpSocket, local_port: u16) -> Result<(), MockError> {
        self.check(Call::UdpBind)?;
        let own = (self.address, local_port, VecDeque::new());
        self.net.borrow_mut().datagrams.insert(socket.id, own);
        socket.port = Some(local_port);
        Ok(())
    }

    fn send_to(
        &mut self,
        socket: &mut UdpSocket,
        remote: SocketAddr,
        buffer: &[u8],
    ) -> nb::Result<(), MockError> {
        self.check_nb(Call::UdpSend)?;
        let Some(port) = socket.port else { return misused() };
        let from = SocketAddr::from((self.address, port));
        for (ip, port, queue) in self.net.borrow_mut().datagrams.values_mut() {
            let addressed = remote.ip() == *ip || remote.ip() == Ipv4Addr::BROADCAST;
            if addressed && remote.port() == *port {
                queue.push_back((buffer.to_vec(), from));
            }
        }
        Ok(())
    }
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
