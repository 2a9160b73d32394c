//! How messages fit a game loop: no thread, no wait, one `xfer` a frame.
//!
//! ```sh
//! cargo run --bin game_loop               # on two machines, or twice on one
//! cargo run --bin game_loop -- --loopback # alone
//! ```
//!
//! Everyone walks up and down the same track. It needs no game engine: in one that has a loop of its
//! own, the body of [`play`]'s loop is the system or callback that runs once a frame.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cable_car_examples::inputs::{Input, Inputs};
use cable_car_examples::options::{Network, exit, with_option};
use cable_car_std::{BroadcastConnector, ByteMessage, MessageSet, Messenger, Quit};
use clap::Parser;

const HELP: &str = "Ctrl-C, or q and Enter, to leave.\n\
                    With --loopback the others are you, at each end of a link with yourself.";

/// Walks up and down a track with everyone on this network who runs this program.
#[derive(Clone, Debug, Parser)]
#[command(name = "game_loop", version, after_help = HELP)]
struct Options {
    #[command(flatten)]
    network: Network,
}

/// The world moves on by steps of this length, however fast frames are drawn: the same on a slow
/// machine as on a fast one.
const STEP: Duration = Duration::from_millis(20);
/// A machine that was asleep does not make up for more than this.
const LONGEST_FRAME: Duration = Duration::from_millis(250);
/// How long the track is.
const TRACK: i16 = 60;

/// Where a walker is. In Python: `x, = struct.unpack(">h", payload)`.
#[derive(Clone, Copy, Debug, ByteMessage)]
#[message(code = 0x10)]
struct Position {
    x: i16,
}

/// What this program understands.
#[derive(Debug, MessageSet)]
#[messages(byte)]
enum Game {
    Position(Position),
    Quit(Quit),
}

/// Somebody else, and where they were last.
struct Player {
    link: Messenger<Game>,
    at: Option<Position>,
}

/// What is simulated: one walker, who turns at the ends.
struct World {
    x: i16,
    direction: i16,
    steps: u32,
}

impl World {
    fn step(&mut self) {
        self.steps += 1;
        if !self.steps.is_multiple_of(5) {
            return;
        }
        self.x += self.direction;
        if self.x <= 0 {
            self.direction = 1;
        } else if self.x >= TRACK - 1 {
            self.direction = -1;
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    exit("game_loop", run(&options))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let inputs = Inputs::new(None);
    inputs.heed_signals()?;
    inputs.heed_lines()?;
    let connector = options.network.connector("game_loop").start().map_err(with_option)?;
    let mut players = Vec::new();
    play(&connector, &inputs, options.network.end_at(), &mut players)?;
    for Player { link, .. } in &mut players {
        // Who can not be told notices by itself.
        let _ = link.send(&Quit);
        let _ = link.shutdown(Duration::from_millis(100));
    }
    Ok(())
}

fn play(
    connector: &BroadcastConnector,
    inputs: &Inputs,
    end: Option<Instant>,
    players: &mut Vec<Player>,
) -> io::Result<()> {
    // Two who start at once do not start at one place.
    let start = std::process::id() % u32::from(TRACK.unsigned_abs());
    let mut world = World { x: start as i16, direction: 1, steps: 0 };
    let mut simulated = Instant::now();
    loop {
        // 1. As many steps as time has passed since the last frame.
        let frame = Instant::now();
        simulated = simulated.max(frame.checked_sub(LONGEST_FRAME).unwrap_or(frame));
        while simulated + STEP <= frame {
            world.step();
            simulated += STEP;
        }

        // 2. Who has come? This does not wait: what the connector found waits for us.
        while let Ok(link) = connector.next_peer(Duration::ZERO) {
            players.push(Player { link, at: None });
        }

        // 3. Say what is new, move bytes both ways, and take what came. Nothing of it waits, and a
        //    player who is slow or gone holds up nobody else.
        players.retain_mut(|player| exchange(player, &world));

        // 4. Draw.
        draw(&world, players)?;

        // 5. Sleep until the next step, or until the user wants something.
        match inputs.wait(simulated + STEP) {
            Some(Input::Quit) => break,
            Some(Input::Line(line)) if line.trim() == "q" => break,
            _ => {}
        }
        if end.is_some_and(|end| end <= Instant::now()) {
            break;
        }
    }
    if io::stdout().is_terminal() {
        println!();
    }
    Ok(())
}

/// One frame of one link; `false` once it has ended.
fn exchange(player: &mut Player, world: &World) -> bool {
    let Player { link, at } = player;
    // Somebody who reads nothing has a queue: the next position is worth more than an old one.
    if link.queued() == 0 {
        // It has room, or has ended, which `xfer` tells.
        let _ = link.send(&Position { x: world.x });
    }
    let standing = link.xfer().is_ok();
    while let Some(message) = link.get() {
        match message {
            Ok(Game::Position(position)) => *at = Some(position),
            Ok(Game::Quit(_)) => return false,
            Err(bad) => eprintln!("{}: {bad}", link.remote_address()), // and the link goes on
        }
    }
    standing
}

/// One line: on a terminal in place, otherwise once a second.
fn draw(world: &World, players: &[Player]) -> io::Result<()> {
    let in_place = io::stdout().is_terminal();
    if !in_place && !world.steps.is_multiple_of(50) {
        return Ok(());
    }
    let mut track = vec![b'.'; TRACK as usize];
    let others = players.iter().filter_map(|player| player.at.map(|at| (at.x, b'o')));
    for (x, mark) in others.chain([(world.x, b'@')]) {
        // What a stranger sends need not be on the track.
        if let Some(place) = usize::try_from(x).ok().and_then(|x| track.get_mut(x)) {
            *place = mark;
        }
    }
    let track = String::from_utf8_lossy(&track);
    let line = format!("[{track}] {} others", players.len());
    let mut out = io::stdout();
    match in_place {
        true => write!(out, "\r{line} ")?,
        false => writeln!(out, "{line}")?,
    }
    out.flush()
}
