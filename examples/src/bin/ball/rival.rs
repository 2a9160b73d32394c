//! The other player: found by broadcast, talked with over one link. Nothing in here waits.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use cable_car_examples::text::printable_name;
use cable_car_std::{
    BadMessage, BroadcastConnector, Join, LinkError, Messenger, Quit, StartError, identify,
};

use crate::field::Event;
use crate::messages::{Ball, Game, Missed, Paddle};
use crate::options::Options;

/// How long a goodbye may take to leave.
const FAREWELL: Duration = Duration::from_millis(200);

/// The other player, or the search for one.
pub(crate) struct Rival {
    connector: BroadcastConnector,
    /// Those who have come, the first of whom is the other player. Who plays against oneself has
    /// both ends of a link here.
    links: VecDeque<Link>,
    here: bool,
    name: Option<String>,
    /// What the other player knows of our paddle.
    paddle: Option<Paddle>,
}

struct Link {
    messenger: Messenger<Game>,
    /// Whether it is the other end of the one before it.
    is_echo: bool,
}

/// What has come from the other player, seen from this side.
#[derive(Debug)]
pub(crate) enum News {
    /// A game begins.
    Here(String),
    /// The game is over.
    Gone(Option<LinkError>),
    Ball(Ball),
    Paddle(Paddle),
    Missed,
    Bad(BadMessage),
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(name) => write!(f, "{name} is here"),
            Self::Gone(None) => f.write_str("the other player has left"),
            Self::Gone(Some(why)) => write!(f, "the other player is gone: {why}"),
            Self::Ball(ball) => write!(f, "a ball comes at {}", ball.y),
            Self::Paddle(paddle) => write!(f, "the other paddle is at {}", paddle.y),
            Self::Missed => f.write_str("a point"),
            Self::Bad(bad) => bad.fmt(f),
        }
    }
}

impl Rival {
    /// Looks for a player from now on.
    pub(crate) fn seek(options: &Options) -> Result<Self, StartError> {
        let connector = options.network.connector("ball").start()?;
        let links = VecDeque::new();
        Ok(Self { connector, links, here: false, name: None, paddle: None })
    }

    /// Whether there is a game.
    pub(crate) fn is_here(&self) -> bool {
        self.here
    }

    /// How the other player is called.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether somebody is there and plays with somebody else.
    pub(crate) fn is_busy(&self) -> bool {
        !self.here && !self.links.is_empty()
    }

    /// What keeps us from being found, if anything does.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.connector.trouble()
    }

    /// Tells the other player what has happened here.
    pub(crate) fn tell(&mut self, event: &Event) {
        let Some(Link { messenger, .. }) = self.links.front_mut() else { return };
        // Its buffer grows to many thousands of these; an end is told by `work`.
        let _ = match event {
            Event::Left(ball) => messenger.send(ball),
            Event::Missed => messenger.send(&Missed),
        };
    }

    /// Moves what can be moved, and gives what has come.
    pub(crate) fn work(&mut self, paddle: Paddle) -> Vec<News> {
        self.welcome();
        let mut news = Vec::new();
        if self.links.is_empty() {
            return news;
        }
        if let Some(Link { messenger, .. }) = self.links.front_mut()
            && self.here
            && self.paddle.replace(paddle) != Some(paddle)
        {
            // As above.
            let _ = messenger.send(&paddle);
        }
        let players = 1 + usize::from(self.links.get(1).is_some_and(|link| link.is_echo));
        let mut gone = None;
        for Link { messenger, .. } in self.links.iter_mut().take(players) {
            let end = messenger.xfer().err();
            while let Some(message) = messenger.get() {
                news.push(match message {
                    Ok(Game::Identify(who)) => {
                        self.name = Some(printable_name(who.username()));
                        continue;
                    }
                    Ok(Game::Join(_)) => {
                        self.here = true;
                        News::Here(self.name.clone().unwrap_or_else(|| "somebody".to_owned()))
                    }
                    Ok(Game::Quit(_)) => {
                        gone = Some(None);
                        continue;
                    }
                    Ok(Game::Ball(ball)) => News::Ball(ball.flipped()),
                    Ok(Game::Paddle(paddle)) => News::Paddle(paddle.flipped()),
                    Ok(Game::Missed(_)) => News::Missed,
                    Err(bad) => News::Bad(bad),
                });
            }
            gone = gone.or(end.map(Some));
        }
        if let Some(why) = gone {
            self.links.drain(..players);
            (self.here, self.name, self.paddle) = (false, None, None);
            news.push(News::Gone(why));
            self.invite();
        }
        news
    }

    /// Takes in those who have come: the first one is invited, further ones wait.
    fn welcome(&mut self) {
        while let Ok(messenger) = self.connector.next_peer(Duration::ZERO) {
            let messenger: Messenger<Game> = messenger;
            let (here, there) = (messenger.local_address(), messenger.remote_address());
            let other_end = self.links.iter().position(|Link { messenger: other, .. }| {
                (other.remote_address(), other.local_address()) == (here, there)
            });
            match other_end {
                Some(at) => self.links.insert(at + 1, Link { messenger, is_echo: true }),
                None => self.links.push_back(Link { messenger, is_echo: false }),
            }
            if self.links.len() == 1 {
                self.invite();
            }
        }
    }

    /// Asks the first one for a game.
    fn invite(&mut self) {
        let Some(Link { messenger, .. }) = self.links.front_mut() else { return };
        // Its buffer is empty.
        if let Ok(me) = identify() {
            let _ = messenger.send(&me);
        }
        let _ = messenger.send(&Join);
    }

    /// Takes leave of everyone.
    pub(crate) fn leave(&mut self) {
        for Link { messenger, .. } in &mut self.links {
            // Who can not be told notices by itself.
            let _ = messenger.send(&Quit);
            let _ = messenger.shutdown(FAREWELL);
        }
    }
}
