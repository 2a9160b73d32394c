//! What is worth a line in a log. Nothing at all without the feature `log`.
#![cfg_attr(not(feature = "log"), expect(unused_variables, reason = "there is no log"))]

use cable_car::BadMessage;

use crate::connector::Event;

/// Tells what happened to a peer.
pub(crate) fn event(event: &Event) {
    #[cfg(feature = "log")]
    match event {
        Event::Replaced { .. } => log::debug!("{event}"),
        Event::Lost { .. } | Event::Unreachable { .. } => log::warn!("{event}"),
        Event::Joined { .. } | Event::Left { .. } | Event::Stopped => log::info!("{event}"),
    }
}

/// Tells what keeps a connector from its work, or that nothing does any more.
pub(crate) fn trouble(trouble: Option<&str>) {
    #[cfg(feature = "log")]
    match trouble {
        Some(trouble) => log::warn!("{trouble}"),
        None => log::info!("looking for peers goes on"),
    }
}

/// Tells of a message that could not be understood. The program gets it as well.
#[inline]
pub(crate) fn bad_message(bad: &BadMessage) {
    #[cfg(feature = "log")]
    log::debug!("{bad}");
}
