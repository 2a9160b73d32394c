//! Figures as text.

use std::time::Duration;

/// A number of bytes, in the unit that suits it.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1 << 10 {
        return format!("{bytes} B");
    }
    let mut number = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for &larger in &UNITS[1..] {
        if number < 1000.0 {
            break;
        }
        number /= 1024.0;
        unit = larger;
    }
    format!("{number:.1} {unit}")
}

/// A time ago, in the unit that suits it.
pub(crate) fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// The load over 1, 5 and 15 minutes.
pub(crate) fn load([one, five, fifteen]: [f64; 3]) -> String {
    format!("{one:.2} {five:.2} {fifteen:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let sizes = [0, 1023, 1024, 25_276_514_304, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "23.5 GiB", "16384.0 PiB"]);
    }

    #[test]
    fn ages() {
        let ages = [0, 59, 60, 3599, 7200].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["0 s", "59 s", "1 min", "59 min", "2 h"]);
    }
}
