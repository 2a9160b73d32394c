//! The program's callbacks, on a thread of their own.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::Event;
use crate::connection::Connection;

pub(super) type OnConnect = Box<dyn FnMut(Connection) + Send>;
pub(super) type OnEvent = Box<dyn FnMut(Event) + Send>;

/// How many calls may wait for a callback that has not returned.
const MOST_WAITING: usize = if cfg!(test) { 4 } else { 1024 };

/// The way to the thread that calls back.
pub(super) struct Callbacks {
    queue: SyncSender<Call>,
    /// How many calls are in the queue.
    waiting: Arc<AtomicUsize>,
    /// Whether there was no room for one since the queue was last empty.
    overflowed: Cell<bool>,
    /// Whether connections go there rather than to the table.
    pub(super) take_connections: bool,
}

/// What the program is to be called with.
pub(super) enum Call {
    Connected(Connection),
    Event(Event),
}

impl Callbacks {
    /// Starts the thread, where there is anything to be called. It ends when it has made every call
    /// that was sent before this is dropped.
    pub(super) fn start(
        mut on_connect: Option<OnConnect>,
        mut on_event: Option<OnEvent>,
    ) -> io::Result<Option<Self>> {
        let take_connections = on_connect.is_some();
        if !take_connections && on_event.is_none() {
            return Ok(None);
        }
        let (queue, calls) = sync_channel(MOST_WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let taken = Arc::clone(&waiting);
        let thread = std::thread::Builder::new().name("cable-car callbacks".into());
        thread.spawn(move || {
            for call in calls {
                taken.fetch_sub(1, Ordering::Relaxed);
                // A panic has been reported by the program's panic hook; the next call is due still.
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    match (call, &mut on_connect, &mut on_event) {
                        (Call::Connected(connection), Some(callback), _) => callback(connection),
                        (Call::Event(event), _, Some(callback)) => callback(event),
                        _ => {}
                    }
                }));
            }
        })?;
        Ok(Some(Self { queue, waiting, overflowed: Cell::new(false), take_connections }))
    }

    /// Calls as soon as the calls before it have returned. Where too many wait, there is no call: a
    /// connection is closed then, and its peer linked again when it is heard.
    pub(super) fn call(&self, call: Call) {
        // Before the other thread may count it out.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(call).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.overflowed.set(true);
        }
    }

    /// That calls were not made, until those that waited then have been.
    pub(super) fn trouble(&self) -> Option<String> {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.overflowed.set(false);
        }
        self.overflowed.get().then(|| {
            let peers = if self.take_connections { "peers are turned away and " } else { "" };
            format!(
                "{MOST_WAITING} calls waited for a callback that has not returned: {peers}events are not \
                 told until it has caught up"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn calls_that_wait_for_a_blocked_callback_are_bounded() {
        let (release, released) = mpsc::channel::<()>();
        let (count, counts) = mpsc::channel();
        let mut is_first = true;
        let on_event = move |_| {
            if std::mem::take(&mut is_first) {
                count.send(()).expect("the test waits");
                // Ends when the test lets go of the other end.
                let _ = released.recv();
            }
            let _ = count.send(());
        };
        let callbacks = Callbacks::start(None, Some(Box::new(on_event))).expect("a thread");
        let callbacks = callbacks.expect("there is a callback");
        callbacks.call(Call::Event(Event::Stopped));
        counts.recv().expect("it blocks now");
        let (called, returned) = mpsc::channel();
        thread::spawn(move || {
            for _ in 0..3 * MOST_WAITING {
                callbacks.call(Call::Event(Event::Stopped));
            }
            called.send(callbacks).expect("the test waits");
        });
        let callbacks = returned.recv_timeout(PATIENCE).expect("no call waits for the callback");
        assert!(callbacks.trouble().unwrap().contains("calls waited for a callback"));
        drop(release);
        // And the one that was blocked.
        for _ in 0..=MOST_WAITING {
            counts.recv_timeout(PATIENCE).expect("those that waited are made");
        }
        while callbacks.trouble().is_some() {
            thread::yield_now();
        }
        drop(callbacks);
        assert_eq!(counts.iter().count(), 0);
    }
}
