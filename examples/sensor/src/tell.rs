//! The sensor: finds plots, or dials one, and tells them what it measures.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use cable_car::discovery::LinkId;
use cable_car::nal::{
    BroadcastConnector, Connection, DirectClient, Event, LocalAddress, Messenger,
};
use cable_car::{Identify, Instant};
use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack, nb};

use crate::messages::{Pace, Reading, ToSensor};
use crate::oven::Oven;

/// How many plots a sensor has at a time.
pub const PLOTS: usize = 4;
/// How often it measures unless told otherwise, and how often it may be told to.
const INTERVAL: Duration = Duration::from_millis(100);
const SHORTEST_MS: u16 = 10;
const LONGEST_MS: u16 = 10_000;
/// How long a dial that failed, or a link that ended, is followed by nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// What takes the sensor's account of what happens, a line an event.
pub type Say = fn(fmt::Arguments<'_>);

/// A sensor over the stack `T`. Nothing in here waits: [`poll`](Self::poll) does what can be done and
/// says when it next has something to do.
pub struct Sensor<T: TcpFullStack + UdpFullStack> {
    me: Identify,
    say: Say,
    connector: Option<BroadcastConnector<T, PLOTS>>,
    /// Whether it failed last, which has been told.
    failing: bool,
    dial: Option<Dial<T::TcpSocket>>,
    plots: [Option<Plot<T::TcpSocket>>; PLOTS],
    oven: Oven,
    measured: Instant,
    interval: Duration,
}

/// An address that is dialled until it answers, and again when it has gone.
struct Dial<Socket> {
    remote: SocketAddr,
    state: State<Socket>,
}

enum State<Socket> {
    Pausing(Instant),
    Dialling(DirectClient<Socket>),
    Linked,
}

/// A plot that is linked.
struct Plot<Socket> {
    // Any byte frame that a plot sends fits, and a few readings that wait.
    link: Messenger<ToSensor, Socket, [u8; 255], [u8; 256]>,
    /// Which link of the connector it is; none where it was dialled.
    id: Option<LinkId>,
}

impl<T: TcpFullStack + UdpFullStack + LocalAddress> Sensor<T> {
    /// A sensor that begins with its first poll: it is found by `connector`, dials `remote`, or both.
    // Never inlined: what it needs of the call stack is given back before the program's loop.
    #[inline(never)]
    pub fn new(
        me: Identify,
        connector: Option<BroadcastConnector<T, PLOTS>>,
        remote: Option<SocketAddr>,
        say: Say,
        now: Instant,
    ) -> Self {
        Self {
            me,
            say,
            connector,
            failing: false,
            dial: remote.map(|remote| Dial { remote, state: State::Pausing(now) }),
            plots: [const { None }; PLOTS],
            oven: Oven::cold(),
            measured: now,
            interval: INTERVAL,
        }
    }

    /// Does what can be done now, and says when to call again though nothing came.
    pub fn poll(&mut self, stack: &mut T, now: Instant) -> Option<Instant> {
        let wakes = [self.find(stack, now), self.dial(stack, now), self.measure(now)];
        self.serve(stack, now);
        // The end of a link may have been a reason to dial.
        let dial = self.dial.as_ref().and_then(Dial::poll_at);
        wakes.into_iter().chain([dial]).flatten().min()
    }

    /// Plots that are on the network.
    fn find(&mut self, stack: &mut T, now: Instant) -> Option<Instant> {
        let mut connector = self.connector.take()?;
        loop {
            match connector.poll(stack, now) {
                Ok(Some(Event::Joined { connection, link, .. })) => {
                    if !self.add(stack, connection, Some(link)) {
                        connector.unlinked(now, link);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.failing = false;
                    break;
                }
                Err(error) => {
                    // It goes on by itself, as soon as there is a network.
                    if !core::mem::replace(&mut self.failing, true) {
                        (self.say)(format_args!("broadcast: {error}"));
                    }
                    break;
                }
            }
        }
        let wake_at = connector.poll_at();
        self.connector = Some(connector);
        wake_at
    }

    /// The plot that is to be dialled.
    fn dial(&mut self, stack: &mut T, now: Instant) -> Option<Instant> {
        let dial = self.dial.as_mut()?;
        if let State::Pausing(until) = dial.state
            && until <= now
        {
            let deadline = now + DirectClient::<T::TcpSocket>::TIMEOUT;
            dial.state = State::Dialling(DirectClient::new(dial.remote, deadline));
        }
        if let State::Dialling(client) = &mut dial.state {
            match client.poll(stack, now) {
                Ok(connection) => {
                    dial.state = State::Linked;
                    self.add(stack, connection, None);
                }
                Err(nb::Error::WouldBlock) => {}
                Err(nb::Error::Other(_)) => dial.state = State::Pausing(now + PAUSE),
            }
        }
        None
    }

    /// Takes in a plot, if there is a place.
    fn add(
        &mut self,
        stack: &mut T,
        connection: Connection<T::TcpSocket>,
        id: Option<LinkId>,
    ) -> bool {
        let remote = connection.remote;
        let Some(place) = self.plots.iter_mut().find(|plot| plot.is_none()) else {
            (self.say)(format_args!("no room for plot {remote}"));
            // The socket is given back either way.
            let _ = TcpClientStack::close(stack, connection.socket);
            return false;
        };
        let mut link = Messenger::new(connection, [0; 255], [0; 256]);
        // The buffer is empty, and takes the longest name.
        let _ = link.send(&self.me);
        *place = Some(Plot { link, id });
        (self.say)(format_args!("plot {remote} linked"));
        true
    }

    /// Measures when it is time, and queues what was measured; when to measure next.
    fn measure(&mut self, now: Instant) -> Option<Instant> {
        if self.plots.iter().all(Option::is_none) {
            // Nobody wants to know: the oven goes on once somebody does.
            self.measured = now;
            return None;
        }
        let due = self.measured + self.interval;
        if now < due {
            return Some(due);
        }
        self.oven.pass(now - self.measured);
        self.measured = now;
        let reading = Reading {
            at_ms: (now.as_micros() / 1000) as u32,
            celsius: self.oven.celsius,
            heating: self.oven.heating,
        };
        for Plot { link, .. } in self.plots.iter_mut().flatten() {
            // A plot that is behind misses one. That it has gone is told when it is served.
            let _ = link.send(&reading);
        }
        Some(now + self.interval)
    }

    /// Transfers with every plot, and does what they ask for.
    fn serve(&mut self, stack: &mut T, now: Instant) {
        let Self { say, connector, dial, plots, interval, .. } = self;
        for place in plots {
            let Some(Plot { link, id }) = place else { continue };
            let remote = link.remote_address();
            let mut ended = link.xfer(stack).err().map(Some);
            while let Some(message) = link.get() {
                match message {
                    Ok(ToSensor::Pace(Pace { interval_ms })) => {
                        let interval_ms = interval_ms.clamp(SHORTEST_MS, LONGEST_MS);
                        *interval = Duration::from_millis(interval_ms.into());
                        say(format_args!("plot {remote} wants a reading every {interval_ms} ms"));
                    }
                    Ok(ToSensor::Quit(_)) => ended = Some(None),
                    Err(bad) => say(format_args!("bad message from plot {remote}: {bad}")),
                }
            }
            if let Some(end) = ended {
                link.close(stack);
                match end {
                    Some(end) => say(format_args!("plot {remote} gone: {end}")),
                    None => say(format_args!("plot {remote} has left")),
                }
                match (*id, &mut *connector, &mut *dial) {
                    (Some(id), Some(connector), _) => drop(connector.unlinked(now, id)),
                    (None, _, Some(dial)) => dial.state = State::Pausing(now + PAUSE),
                    _ => {}
                }
                *place = None;
            }
        }
    }
}

impl<Socket> Dial<Socket> {
    fn poll_at(&self) -> Option<Instant> {
        match &self.state {
            State::Pausing(until) => Some(*until),
            State::Dialling(client) => Some(client.poll_at()),
            State::Linked => None,
        }
    }
}
