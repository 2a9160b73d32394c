//! A sensor in this program, to try the plot alone: the firmware's own, over the system's sockets.

use std::error::Error;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cable_car::discovery::{Config, Instance, Service};
use cable_car::nal::BroadcastConnector;
use cable_car_std::{Identify, StdStack};
use sensor::{SERVICE, Sensor};

use crate::options::Options;

/// Where beacons reach all programs of this machine, whether a network is up or not.
const THIS_MACHINE: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);
/// How often it looks whether something has come: nothing wakes it.
const LOOK: Duration = Duration::from_millis(20);

/// The sensor's thread, which ends when this is dropped.
pub(crate) struct StandIn {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub(crate) fn start(options: &Options) -> Result<Self, Box<dyn Error>> {
        let random = RandomState::new().build_hasher().finish();
        let config = Config {
            service: Service::new(SERVICE)?,
            udp_port: options.network.udp_port,
            tcp_port: options.network.tcp_port,
            ..Config::new(Instance::new(random))
        };
        let me = Identify::new("plot", "stand-in")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let work = move || run(config, me, &stopped);
        let thread = thread::Builder::new().name("sensor".into()).spawn(work)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It does not panic; if it did, it would have stopped all the same.
            let _ = thread.join();
        }
    }
}

fn run(config: Config, me: Identify, stop: &AtomicBool) {
    let start = Instant::now();
    let clock = || cable_car::Instant::from_micros(start.elapsed().as_micros() as u64);
    let mut stack = StdStack::new();
    let mut connector = BroadcastConnector::new(config, clock());
    connector.set_destinations([THIS_MACHINE]);
    let mut sensor = Sensor::new(me, Some(connector), None, |_| {}, clock());
    while !stop.load(Ordering::Relaxed) {
        let now = clock();
        let wake_at = sensor.poll(&mut stack, now).unwrap_or(now + LOOK);
        thread::park_timeout((wake_at - now).min(LOOK));
    }
}
