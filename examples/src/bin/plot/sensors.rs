//! The sensors: found by broadcast, told how often to measure, heard. One thread serves them all.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use cable_car_examples::text::printable_name;
use cable_car_std::{
    BadMessage, BroadcastConnector, BufferSize, LinkError, Messenger, Quit, StartError, Watch,
};
use sensor::{Pace, Reading, SERVICE, ToPlot};

use crate::options::Options;

/// For how long readings are kept.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);
/// How many readings of a sensor are kept at most, however fast it tells them.
const READINGS: usize = 10_000;
/// A reading takes eleven bytes; who sends more than this at once is no sensor.
const BUFFER: BufferSize = BufferSize { initial: 4 << 10, limit: 64 << 10 };
/// How long a goodbye may take to leave.
const FAREWELL: Duration = Duration::from_millis(200);
const PACES_MS: (u16, u16) = (10, 10_000);

/// All sensors that are connected.
pub(crate) struct Sensors {
    watch: Watch,
    connector: BroadcastConnector,
    links: BTreeMap<usize, Sensor>,
    next_key: usize,
    pace: Pace,
    happenings: Vec<Happening>,
}

/// One sensor, and what it has measured.
pub(crate) struct Sensor {
    link: Messenger<ToPlot>,
    /// What it calls itself; its address until it has told.
    pub(crate) name: String,
    /// The latest readings and when they came, the oldest first.
    pub(crate) readings: VecDeque<(Instant, Reading)>,
}

/// What has happened.
#[derive(Debug)]
pub(crate) enum Happening {
    Here { name: String },
    Reading { name: String, reading: Reading },
    Bad { name: String, bad: BadMessage },
    Gone { name: String, why: Option<LinkError> },
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here { name } => write!(f, "{name} is here"),
            Self::Reading { name, reading: Reading { at_ms, celsius, heating } } => {
                let heating = if *heating { ", heating" } else { "" };
                write!(f, "{name} at {:.3} s: {celsius:.2} °C{heating}", f64::from(*at_ms) / 1e3)
            }
            Self::Bad { name, bad } => write!(f, "{name} sent what is no reading: {bad}"),
            Self::Gone { name, why: None } => write!(f, "{name} has left"),
            Self::Gone { name, why: Some(why) } => write!(f, "{name} is gone: {why}"),
        }
    }
}

impl Sensors {
    /// Looks for sensors from now on; `watch` is what the program waits with.
    pub(crate) fn start(options: &Options, watch: Watch) -> Result<Self, StartError> {
        // A plot is no sensor: of its own machine it wants to hear others alone.
        let connector = options.network.connector(SERVICE).allow_loopback(false);
        let connector = connector.wake(watch.waker()).start()?;
        let (links, happenings) = (BTreeMap::new(), Vec::new());
        let pace = Pace { interval_ms: options.pace };
        Ok(Self { watch, connector, links, next_key: 0, pace, happenings })
    }

    /// All that are here.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sensor> {
        self.links.values()
    }

    /// What keeps us from being found, if anything does.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.connector.trouble()
    }

    /// How often they measure, in milliseconds.
    pub(crate) fn pace_ms(&self) -> u16 {
        self.pace.interval_ms
    }

    /// Tells all sensors how often to measure.
    pub(crate) fn set_pace(&mut self, interval_ms: u16) {
        self.pace.interval_ms = interval_ms.clamp(PACES_MS.0, PACES_MS.1);
        for Sensor { link, .. } in self.links.values_mut() {
            // It has room, or has ended, which is told when it is served.
            let _ = link.send(&self.pace);
            let _ = link.xfer();
        }
    }

    /// Sleeps until something comes, until the watch is woken, or until `deadline`; then takes what
    /// has come.
    pub(crate) fn work(&mut self, deadline: Option<Instant>) -> io::Result<Vec<Happening>> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let mut ready: Vec<usize> = self.watch.wait(left)?.collect();
        while let Ok(connection) = self.connector.next_connection(Duration::ZERO) {
            let mut link = Messenger::with_buffers(connection, BUFFER);
            self.watch.add(self.next_key, &mut link)?;
            // The buffer is empty.
            let _ = link.send(&self.pace);
            let name = link.remote_address().to_string();
            self.links.insert(self.next_key, Sensor { link, name, readings: VecDeque::new() });
            ready.push(self.next_key);
            self.next_key += 1;
        }
        for key in ready {
            self.serve(key, Instant::now());
        }
        Ok(std::mem::take(&mut self.happenings))
    }

    /// Sends and receives on one link, as long as there is something.
    fn serve(&mut self, key: usize, now: Instant) {
        // It may have ended since it was reported as ready.
        let Some(Sensor { link, name, readings }) = self.links.get_mut(&key) else { return };
        let mut end = link.xfer().err().map(Some);
        while let Some(message) = link.get() {
            self.happenings.push(match message {
                Ok(ToPlot::Identify(who)) => {
                    *name = printable_name(who.hostname());
                    Happening::Here { name: name.clone() }
                }
                Ok(ToPlot::Reading(reading)) => {
                    if readings.len() == READINGS {
                        readings.pop_front();
                    }
                    readings.push_back((now, reading));
                    Happening::Reading { name: name.clone(), reading }
                }
                Ok(ToPlot::Quit(_)) => {
                    end = Some(None);
                    continue;
                }
                Err(bad) => Happening::Bad { name: name.clone(), bad },
            });
        }
        while readings.front().is_some_and(|&(came, _)| now - came > WINDOW) {
            readings.pop_front();
        }
        if let Some(why) = end {
            self.happenings.push(Happening::Gone { name: name.clone(), why });
            self.links.remove(&key);
        }
    }

    /// Takes leave of all sensors.
    pub(crate) fn leave(&mut self) {
        for Sensor { link, .. } in self.links.values_mut() {
            // Who can not be told notices by itself.
            let _ = link.send(&Quit);
            let _ = link.shutdown(FAREWELL);
        }
    }
}
