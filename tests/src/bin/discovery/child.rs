//! A program of ours, driven by lines on its standard input: `start`, `say`, `stop`.
//!
//! It tells by lines what happens: `loaded`, `ready`, `linked MICROS LOCAL REMOTE`, `heard`,
//! `left`, `lost`.

use std::io::{self, BufRead as _};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use cable_car_std::{
    BroadcastConnector, Event, Join, Messenger, StartError, Waker, Watch, message_set,
};

message_set! { enum Words: Byte { Join } }

pub(crate) fn run() -> ExitCode {
    match Child::new().and_then(Child::serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct Child {
    watch: Watch,
    orders: Receiver<String>,
    connector: Option<BroadcastConnector>,
    started: Instant,
    links: Vec<Option<Messenger<Words>>>,
}

impl Child {
    fn new() -> io::Result<Self> {
        let watch = Watch::new()?;
        let (sender, orders) = mpsc::channel();
        let waker = watch.waker();
        std::thread::spawn(move || {
            for order in io::stdin().lock().lines().map_while(Result::ok) {
                if sender.send(order).is_err() {
                    return;
                }
                waker.wake();
            }
            drop(sender);
            waker.wake();
        });
        let (connector, started, links) = (None, Instant::now(), Vec::new());
        Ok(Self { watch, orders, connector, started, links })
    }

    /// Until its standard input ends.
    fn serve(mut self) -> io::Result<()> {
        println!("loaded");
        loop {
            let ready: Vec<usize> = self.watch.wait(None)?.collect();
            loop {
                match self.orders.try_recv() {
                    Ok(order) => self.obey(&order).map_err(io::Error::other)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.meet()?;
            for key in ready {
                self.hear(key);
            }
        }
    }

    fn obey(&mut self, order: &str) -> Result<(), StartError> {
        match order {
            "start" => {
                self.started = Instant::now();
                self.connector = Some(start(self.watch.waker())?);
                println!("ready");
            }
            "say" => {
                for link in self.links.iter_mut().flatten() {
                    // One that has ended says so when it is heard.
                    let _ = link.send(&Join);
                    let _ = link.xfer();
                }
            }
            _ => {
                self.connector = None;
                self.links.clear();
            }
        }
        Ok(())
    }

    fn meet(&mut self) -> io::Result<()> {
        let Some(connector) = &self.connector else { return Ok(()) };
        while let Ok(mut link) = connector.next_peer(Duration::ZERO) {
            let after = self.started.elapsed().as_micros();
            println!("linked {after} {} {}", link.local_address(), link.remote_address());
            self.watch.add(self.links.len(), &mut link)?;
            self.links.push(Some(link));
        }
        Ok(())
    }

    fn hear(&mut self, key: usize) {
        let Some(slot) = self.links.get_mut(key) else { return };
        let Some(link) = slot else { return };
        let there = link.xfer().is_ok();
        while link.get().is_some() {
            println!("heard");
        }
        if !there {
            *slot = None;
        }
    }
}

fn start(waker: Waker) -> Result<BroadcastConnector, StartError> {
    let told = |event| match event {
        Event::Left { .. } => println!("left"),
        Event::Lost { .. } => println!("lost"),
        _ => {}
    };
    BroadcastConnector::builder().wake(waker).on_event(told).start()
}
