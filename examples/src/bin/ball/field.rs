//! The game, as far as this player's half of the field goes.

use std::fmt;

use crate::messages::{self, HALF, Paddle};

/// Where the paddle moves up and down.
pub(crate) const PADDLE_X: f32 = 40.0;
/// From the middle of the paddle to its ends.
pub(crate) const PADDLE_REACH: f32 = 110.0;
/// How far a key moves it.
const PADDLE_STEP: f32 = 50.0;
/// How fast the computer moves it in a step.
const COMPUTER_STEP: f32 = 9.0;
/// How fast a ball is served.
const SERVE: f32 = 500.0;
/// By how much each hit makes it faster, and how fast it gets.
const FASTER: f32 = 1.05;
const FASTEST: f32 = 1600.0;
/// How slow a ball may cross the field, whoever sent it.
const SLOWEST: f32 = 200.0;
const HEIGHT: f32 = HALF as f32;

/// Half of the field, from this player's side.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) balls: Vec<Ball>,
    /// The middle of this player's paddle.
    pub(crate) paddle: f32,
    /// That of the other's, as far as it is known.
    pub(crate) rival: Option<i16>,
    pub(crate) score: u32,
    pub(crate) rival_score: u32,
    /// Whether this player serves the next ball.
    pub(crate) serves: bool,
}

/// A ball in this half.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ball {
    pub(crate) x: f32,
    pub(crate) y: f32,
    speed_x: f32,
    speed_y: f32,
}

/// What the other player must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A ball has left this half.
    Left(messages::Ball),
    /// A ball was not hit.
    Missed,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left(ball) => write!(f, "the ball leaves at {}", ball.y),
            Self::Missed => f.write_str("missed"),
        }
    }
}

impl Field {
    /// Before the first ball, which either player may serve.
    pub(crate) fn new() -> Self {
        let (paddle, serves) = (HEIGHT / 2.0, true);
        Self { balls: Vec::new(), paddle, rival: None, score: 0, rival_score: 0, serves }
    }

    /// The paddle as the other player is to know it.
    pub(crate) fn paddle(&self) -> Paddle {
        Paddle { y: self.paddle as i16 }
    }

    pub(crate) fn move_paddle(&mut self, up: bool) {
        self.place_paddle(self.paddle + if up { -PADDLE_STEP } else { PADDLE_STEP });
    }

    fn place_paddle(&mut self, y: f32) {
        self.paddle = y.clamp(PADDLE_REACH, HEIGHT - PADDLE_REACH);
    }

    /// Serves a ball, where it is this player's turn.
    pub(crate) fn serve(&mut self) {
        if std::mem::take(&mut self.serves) {
            // Off the middle of the paddle, so that it does not go straight for ever.
            let speed_y = (self.paddle - HEIGHT / 2.0) / 2.0 + SERVE / 3.0;
            self.balls.push(Ball { x: PADDLE_X, y: self.paddle, speed_x: SERVE, speed_y });
        }
    }

    /// A ball comes from the other half, as it is seen from here.
    pub(crate) fn enter(&mut self, ball: messages::Ball) {
        self.serves = false;
        self.balls.push(Ball {
            // Whatever was sent: it enters at the middle, and comes here in a while.
            x: f32::from(ball.x).clamp(0.9 * HEIGHT, HEIGHT),
            y: f32::from(ball.y).clamp(0.0, HEIGHT),
            speed_x: f32::from(ball.speed_x).clamp(-FASTEST, -SLOWEST),
            speed_y: f32::from(ball.speed_y).clamp(-FASTEST, FASTEST),
        });
    }

    /// The other player has lost a ball.
    pub(crate) fn won(&mut self) {
        self.score += 1;
    }

    /// Moves everything on, and gives what the other player must know.
    pub(crate) fn step(&mut self, seconds: f32) -> Vec<Event> {
        let mut events = Vec::new();
        let Self { balls, paddle, rival_score, serves, .. } = self;
        balls.retain_mut(|ball| {
            let event = ball.step(seconds, *paddle);
            if event == Some(Event::Missed) {
                *rival_score += 1;
                *serves = true;
            }
            events.extend(event);
            event.is_none()
        });
        events
    }

    /// Does what a player would do.
    pub(crate) fn play_by_itself(&mut self) {
        self.serve();
        let nearest = self.balls.iter().filter(|ball| ball.speed_x < 0.0);
        let nearest = nearest.min_by(|one, other| one.x.total_cmp(&other.x));
        // Off the middle, so that the ball does not go straight for ever.
        let aim = nearest.map_or(HEIGHT / 2.0, |ball| ball.y + PADDLE_REACH / 2.0);
        let way = (aim - self.paddle).clamp(-COMPUTER_STEP, COMPUTER_STEP);
        self.place_paddle(self.paddle + way);
    }
}

impl Ball {
    fn step(&mut self, seconds: f32, paddle: f32) -> Option<Event> {
        self.x += self.speed_x * seconds;
        self.y += self.speed_y * seconds;
        if self.y < 0.0 || self.y > HEIGHT {
            self.y = if self.y < 0.0 { -self.y } else { 2.0 * HEIGHT - self.y };
            self.speed_y = -self.speed_y;
        }
        if self.speed_x < 0.0 && self.x <= PADDLE_X {
            if (self.y - paddle).abs() > PADDLE_REACH {
                return (self.x < 0.0).then_some(Event::Missed);
            }
            self.x = 2.0 * PADDLE_X - self.x;
            self.speed_x = (-self.speed_x * FASTER).min(FASTEST);
            // Where it is hit says where it goes.
            self.speed_y += (self.y - paddle) / PADDLE_REACH * SERVE / 2.0;
            self.speed_y = self.speed_y.clamp(-FASTEST, FASTEST);
        }
        (self.x > HEIGHT).then_some(Event::Left(messages::Ball {
            x: self.x as i16,
            y: self.y as i16,
            speed_x: self.speed_x as i16,
            speed_y: self.speed_y as i16,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps until something has to be told.
    fn next(field: &mut Field) -> Event {
        for _ in 0..1000 {
            if let Some(&event) = field.step(0.016).first() {
                return event;
            }
        }
        panic!("nothing happens: {field:?}");
    }

    #[test]
    fn a_ball_that_is_served_crosses_comes_back_and_is_lost() {
        let (mut ann, mut bob) = (Field::new(), Field::new());
        ann.serve();
        ann.serve();
        assert_eq!((ann.balls.len(), ann.serves), (1, false), "one ball a turn");
        let Event::Left(ball) = next(&mut ann) else { panic!("it crosses") };
        assert!(ann.balls.is_empty());
        bob.enter(ball.flipped());
        assert!(!bob.serves);
        bob.paddle = bob.balls[0].y;
        while bob.balls[0].speed_x < 0.0 {
            bob.paddle = bob.balls[0].y;
            assert_eq!(bob.step(0.016), []);
        }
        let Event::Left(ball) = next(&mut bob) else { panic!("it is hit") };
        ann.enter(ball.flipped());
        assert!(ball.speed_x > 500, "it gets faster");
        let event = loop {
            // Always where the ball is not.
            ann.paddle = if ann.balls[0].y > 500.0 { PADDLE_REACH } else { HEIGHT - PADDLE_REACH };
            if let Some(&event) = ann.step(0.016).first() {
                break event;
            }
        };
        assert_eq!(event, Event::Missed);
        assert_eq!((ann.rival_score, ann.serves), (1, true), "who lost it serves");
    }

    #[test]
    fn whatever_a_stranger_sends_the_game_goes_on() {
        for speed in [i16::MIN, 0, 1, i16::MAX] {
            let mut field = Field::new();
            field.enter(messages::Ball { x: speed, y: speed, speed_x: speed, speed_y: speed });
            next(&mut field);
        }
    }
}
