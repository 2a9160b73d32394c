//! Encoding and decoding alone, in time: `cargo bench -p cable-car-tests`.

use cable_car_tests::codecs::{KERNELS, MESSAGES, kernel};
use divan::{Bencher, counter::ItemsCount};

fn main() {
    divan::main();
}

/// Each for a thousand messages: microseconds here are nanoseconds a message.
#[divan::bench(args = KERNELS.iter().map(|kernel| kernel.name))]
fn codec(bencher: Bencher<'_, '_>, name: &str) {
    let kernel = kernel(name).expect("it is listed");
    let run = (kernel.prepare)();
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(run);
}
