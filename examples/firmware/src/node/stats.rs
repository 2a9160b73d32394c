//! What machines tell each other over the JSON transport: how busy they are.

use cable_car::{Identify, Join, JsonMessage, Quit, Retry, message_set};
use serde::{Deserialize, Serialize};

use crate::load::LoadAverages;

/// How busy a machine is: the message of the `cpu_mon` programs. An attribute that is missing reads
/// as zero, and one that is not here is ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Stats<'a> {
    pub(super) host: &'a str,
    pub(super) cpu_percent: f64,
    pub(super) load_avg: [f64; 3],
    pub(super) memory_percent: f64,
    pub(super) memory_total: u64,
    pub(super) swap_percent: f64,
    pub(super) swap_total: u64,
    /// Seconds since start. Ours alone: the desktop programs neither send nor mind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uptime: Option<u64>,
}

impl JsonMessage for Stats<'_> {
    const NAME: &'static str = "MsgStats";
}

message_set! {
    /// What is understood on a JSON link.
    pub(super) enum Report<'a>: Json { Identify, Join, Retry, Quit, Stats(Stats<'a>) }
}

/// The board's own figures, in units that need no fractions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vitals {
    /// How much of the time since the last look the processor was awake, in tenths of a percent.
    pub busy_permille: u16,
    /// Bytes of memory in use.
    pub memory_used: u32,
    /// Bytes of memory there are.
    pub memory_total: u32,
}

/// The figures that are sent until the next ones are taken.
#[derive(Debug)]
pub(super) struct Figures {
    vitals: Option<Vitals>,
    load: LoadAverages,
    taken_us: u64,
}

impl Figures {
    pub(super) const fn new() -> Self {
        Self { vitals: None, load: LoadAverages::new(), taken_us: 0 }
    }

    pub(super) fn take(&mut self, vitals: Vitals, now_us: u64) {
        self.load.add(vitals.busy_permille, now_us.saturating_sub(self.taken_us));
        self.vitals = Some(vitals);
        self.taken_us = now_us;
    }

    /// The message, once there are figures.
    pub(super) fn message<'a>(&self, host: &'a str) -> Option<Stats<'a>> {
        let Vitals { busy_permille, memory_used, memory_total } = self.vitals?;
        // In whole tenths, so that it is written with one decimal.
        let tenths = u64::from(memory_used) * 1_000 / u64::from(memory_total).max(1);
        Some(Stats {
            host,
            cpu_percent: f64::from(busy_permille) / 10.0,
            load_avg: self.load.get(),
            memory_percent: tenths as f64 / 10.0,
            memory_total: memory_total.into(),
            swap_percent: 0.0,
            swap_total: 0,
            uptime: Some(self.taken_us / 1_000_000),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_that_of_the_python_program() {
        let mut figures = Figures::new();
        assert!(figures.message("tank").is_none());
        let vitals = Vitals { busy_permille: 15, memory_used: 64 << 10, memory_total: 256 << 10 };
        figures.take(vitals, 7_900_000);
        let mut space = [0; 512];
        let message = figures.message("tank").expect("there are figures");
        let len = cable_car::write_line(Stats::NAME, &message, &mut space).expect("it fits");
        let expected = concat!(
            r#"["MsgStats",{"host":"tank","cpu_percent":1.5,"load_avg":[0.015,0.015,0.015],"#,
            r#""memory_percent":25.0,"memory_total":262144,"swap_percent":0.0,"swap_total":0,"#,
            r#""uptime":7}]"#,
            "\n"
        );
        assert_eq!(core::str::from_utf8(&space[..len]), Ok(expected));
    }
}
