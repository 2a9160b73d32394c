//! What two players tell each other: a few bytes each.
//!
//! A position is that of its sender's view: from the own goal line at 0 to the middle of the field at
//! 1000, where the other half begins, which ends at 2000; from the top at 0 to the bottom at 1000.

use cable_car_std::{ByteMessage, Identify, Join, MessageSet, Quit};

/// How wide and how high a half of the field is.
pub(crate) const HALF: i16 = 1000;

/// A ball that crosses the middle: where it is, and how far it moves in a second.
///
/// In Python: `x, y, speed_x, speed_y = struct.unpack(">hhhh", payload)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ByteMessage)]
#[message(code = 0x10)]
pub(crate) struct Ball {
    pub(crate) x: i16,
    pub(crate) y: i16,
    pub(crate) speed_x: i16,
    pub(crate) speed_y: i16,
}

/// Where the middle of the sender's paddle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ByteMessage)]
#[message(code = 0x11)]
pub(crate) struct Paddle {
    pub(crate) y: i16,
}

/// The sender has lost a ball: a point for the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ByteMessage)]
#[message(code = 0x12)]
pub(crate) struct Missed;

/// What this program understands. [`Join`] opens a game: who waits for another player has not sent
/// one.
#[derive(Debug, MessageSet)]
#[messages(byte)]
#[expect(clippy::large_enum_variant, reason = "a message is looked at once, where it comes")]
pub(crate) enum Game {
    Identify(Identify),
    Join(Join),
    Quit(Quit),
    Ball(Ball),
    Paddle(Paddle),
    Missed(Missed),
}

impl Ball {
    /// The same ball as the player opposite sees it.
    pub(crate) fn flipped(self) -> Self {
        Self {
            x: (2 * HALF).saturating_sub(self.x),
            y: HALF.saturating_sub(self.y),
            speed_x: self.speed_x.saturating_neg(),
            speed_y: self.speed_y.saturating_neg(),
        }
    }
}

impl Paddle {
    /// The same paddle as the player opposite sees it.
    pub(crate) fn flipped(self) -> Self {
        Self { y: HALF.saturating_sub(self.y) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_from_the_other_side_is_the_same_thing() {
        let ball = Ball { x: 1020, y: 200, speed_x: 700, speed_y: -100 };
        let seen = Ball { x: 980, y: 800, speed_x: -700, speed_y: 100 };
        assert_eq!((ball.flipped(), seen.flipped()), (seen, ball));
        assert_eq!(Paddle { y: 1 }.flipped(), Paddle { y: 999 });
        // What a stranger sends does no harm.
        let odd = Ball { x: i16::MIN, y: i16::MIN, speed_x: i16::MIN, speed_y: i16::MIN };
        assert_eq!(odd.flipped().speed_x, i16::MAX);
    }
}
