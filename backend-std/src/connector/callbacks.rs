//! The program's callbacks, on a thread of their own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::Event;
use crate::connection::Connection;

pub(super) type OnConnect = Box<dyn FnMut(Connection) + Send>;
pub(super) type OnEvent = Box<dyn FnMut(Event) + Send>;

/// How many calls may wait for a callback that has not returned.
const MOST_WAITING: usize = 1024;

/// The way to the thread that calls back.
pub(super) struct Callbacks {
    queue: SyncSender<Call>,
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
        let thread = std::thread::Builder::new().name("cable-car callbacks".into());
        thread.spawn(move || {
            for call in calls {
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
        Ok(Some(Self { queue, take_connections }))
    }

    /// Calls as soon as the calls before it have returned. Where too many wait, there is no call: a
    /// connection is closed then, and its peer linked again when it is heard.
    pub(super) fn call(&self, call: Call) {
        drop(self.queue.try_send(call));
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
            drop(callbacks);
            let _ = called.send(());
        });
        returned.recv_timeout(PATIENCE).expect("no call waits for the callback");
        drop(release);
        assert_eq!(counts.iter().count(), 1 + MOST_WAITING);
    }
}
