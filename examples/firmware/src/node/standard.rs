//! The four standard messages, answered the same way in both transports.

use cable_car::{Identify, Instant, Join, MessageSet, Outgoing, Quit};

use super::Say;
use super::links::{Origin, Peer};
use super::text::Plain;

/// What a peer says with one of them.
#[expect(clippy::large_enum_variant, reason = "lives for one call, and there is no heap")]
pub(super) enum Request {
    /// Who it is: answered by who this node is.
    Identify(Identify),
    /// That it wants to take part: answered by `Join`, for everybody may who found a place.
    Join,
    /// That it wants to try again: answered as `Join`.
    Retry,
    /// That it leaves: answered by `Quit`, and the link ends.
    Quit,
}

/// Who this node is: the user is the firmware, the host its name.
pub(super) fn identity(name: &str) -> Option<Identify> {
    // A name that can not be told is refused where options are read.
    Identify::new("firmware", name).ok()
}

/// Tells what came, and answers it; a link that this node has dialled is left unanswered.
pub(super) fn answer<S: MessageSet, Socket>(
    peer: &mut Peer<'_, S, Socket>,
    request: &Request,
    name: &str,
    say: Say,
    now: Instant,
) where
    Identify: Outgoing<S::Transport>,
    Join: Outgoing<S::Transport>,
    Quit: Outgoing<S::Transport>,
{
    let from = peer.address();
    match request {
        Request::Identify(who) => {
            let (user, host) = (Plain(who.username()), Plain(who.hostname()));
            say(format_args!("identify from {from}: {user} at {host}"));
        }
        Request::Join => say(format_args!("join from {from}")),
        Request::Retry => say(format_args!("retry from {from}")),
        Request::Quit => say(format_args!("quit from {from}")),
    }
    let answers = peer.origin != Origin::Dialled;
    // There is room, for it was asked before the message was taken out; that the link has ended is
    // told when it is served.
    let _ = match request {
        Request::Quit => {
            peer.leave(now);
            peer.messenger.send(&Quit)
        }
        _ if !answers => Ok(()),
        Request::Identify(_) => match identity(name) {
            Some(me) => peer.messenger.send(&me),
            None => Ok(()),
        },
        Request::Join | Request::Retry => peer.messenger.send(&Join),
    };
}
