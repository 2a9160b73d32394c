//! The program's callbacks, on a thread of their own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};

use super::Event;
use crate::connection::Connection;

pub(super) type OnConnect = Box<dyn FnMut(Connection) + Send>;
pub(super) type OnEvent = Box<dyn FnMut(Event) + Send>;

/// The way to the thread that calls back.
pub(super) struct Callbacks {
    pub(super) queue: Sender<Call>,
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
        let (queue, calls) = channel();
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
}
