//! Programs of ours on the hosts of a network: connectors, and messages over what they find.

use std::{
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use cable_car_std::{
    BroadcastConnector, Builder, Event, Join, Messenger, NoPeer, Quit, message_set,
};

use crate::{netns::Host, pair, process::PATIENCE};

message_set! {
    /// What programs of ours say to each other.
    #[derive(Debug, PartialEq)]
    pub enum Set: Byte { Join, Quit }
}

/// How often they send beacons, to have no test wait long.
pub const INTERVAL: Duration = Duration::from_millis(200);
/// Several intervals: who wants to dial once more has done so by then.
pub const SETTLED: Duration = Duration::from_secs(1);

/// Default options but for the interval.
pub fn options() -> Builder {
    BroadcastConnector::builder().interval(INTERVAL)
}

/// Starts a program on a host.
///
/// # Panics
///
/// If it does not start.
pub fn start(host: &Host, options: Builder) -> BroadcastConnector {
    host.enter(|| options.start()).unwrap_or_else(|error| panic!("start: {error}"))
}

/// Starts a program on a host, and gives what happens to its peers as well.
///
/// # Panics
///
/// If it does not start.
pub fn start_and_tell(host: &Host, options: Builder) -> (BroadcastConnector, Receiver<Event>) {
    let (sender, events) = mpsc::channel();
    // A test that looks at no event any more is no fault of the program.
    let options = options.on_event(move |event| drop(sender.send(event)));
    (start(host, options), events)
}

/// The next event that is wanted; others are passed over.
///
/// # Panics
///
/// If none comes.
pub fn event(events: &Receiver<Event>, wanted: impl Fn(&Event) -> bool) -> Event {
    let mut passed = Vec::new();
    loop {
        match events.recv_timeout(PATIENCE) {
            Ok(event) if wanted(&event) => return event,
            Ok(event) => passed.push(event),
            Err(_) => panic!("the event did not come, but {passed:?}"),
        }
    }
}

/// The next peer that a program is linked with.
///
/// # Panics
///
/// If there is none.
pub fn peer(connector: &BroadcastConnector) -> Messenger<Set> {
    connector.next_peer(PATIENCE).unwrap_or_else(|error| panic!("{error}"))
}

/// Makes sure that a program is not told of another link.
///
/// # Panics
///
/// If it is.
pub fn no_more(connector: &BroadcastConnector) {
    let more = connector.next_connection(SETTLED);
    assert_eq!(more.as_ref().err(), Some(&NoPeer::TimedOut), "{more:?}");
}

/// Messages both ways over one link.
///
/// # Panics
///
/// If these are not the ends of one link, or it is dead.
pub fn talk(here: &mut Messenger<Set>, there: &mut Messenger<Set>) {
    assert_eq!(here.remote_address(), there.local_address());
    assert_eq!(here.local_address(), there.remote_address());
    here.send(&Join).unwrap_or_else(|error| panic!("{error}"));
    here.xfer().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(pair::next(there), Set::Join(Join));
    there.send(&Quit).unwrap_or_else(|error| panic!("{error}"));
    there.xfer().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(pair::next(here), Set::Quit(Quit));
}

/// One link between two programs that have no other, and messages over it. With its ends dropped
/// they would link again.
///
/// # Panics
///
/// If there is none, or another.
#[must_use]
pub fn one_link(one: &BroadcastConnector, two: &BroadcastConnector) -> [Messenger<Set>; 2] {
    let (mut here, mut there) = (peer(one), peer(two));
    talk(&mut here, &mut there);
    no_more(one);
    no_more(two);
    [here, there]
}

/// What comes in time, but not at once, since it is done in the background.
///
/// # Panics
///
/// If it does not.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}
