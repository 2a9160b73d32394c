//! Throws at a program what strangers may, and prints the table of the README: what, how much, and
//! what was lost. Needs root, for network namespaces.
//!
//!     cargo run --release --package cable-car-tests --bin hostile

mod victim;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use cable_car_tests::hostile::{Scene, VICTIM, attacks};
use cable_car_tests::require::{Need, require};

const TIME: Duration = Duration::from_secs(10);

type Attack = (&'static str, fn(&Scene) -> u64);

const ATTACKS: &[Attack] = &[
    ("connections that close at once", |scene| attacks::connects(scene, 10_000, TIME)),
    ("connections that never speak, from 155 addresses", |scene| {
        attacks::silence(scene, 1000, TIME)
    }),
    ("peers whose machine is gone without a word", |scene| attacks::vanishing(scene, 1000)),
    ("connections never completed (SYN)", |scene| attacks::half_open(scene, TIME)),
    ("connections that bring noise", |scene| attacks::noise(scene, 5000)),
    ("beacons from forged sources", |scene| attacks::beacons(scene, TIME)),
    ("messages to a program whose answers are not read", |scene| attacks::deafness(scene, TIME)),
    ("bytes, one a second", attacks::slowness),
];

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|word| word == VICTIM) {
        return match victim::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let own = env::current_exe().expect("the path of this program");
    if !require(Need::Namespaces) {
        return ExitCode::FAILURE;
    }
    println!(
        "| thrown at a program | how much | in | over a link that stood: sent | lost | memory grew by | \
         descriptors | a new peer is linked after |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (what, attack) in ATTACKS {
        row(what, Scene::new(&own), *attack);
    }
    let scene = Scene::with_descriptors(&own, 40);
    let what = "connections to a program with 40 descriptors";
    row(what, scene, |scene| attacks::silence(scene, 1000, TIME));
    ExitCode::SUCCESS
}

fn row(what: &str, mut scene: Scene, attack: fn(&Scene) -> u64) {
    let outcome = scene.run(attack);
    println!(
        "| {what} | {} | {:.0} s | {} | {} | {} KiB | {} | {:.2} s |",
        outcome.thrown,
        outcome.took.as_secs_f32(),
        outcome.sent,
        outcome.lost,
        outcome.grown,
        outcome.descriptors,
        outcome.linked_after.as_secs_f32(),
    );
}
