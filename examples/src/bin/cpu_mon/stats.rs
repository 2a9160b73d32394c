//! The message that machines pass to each other, and where its figures come from.

use std::time::Instant;

use cable_car_std::{JsonMessage, message_set};
use serde::{Deserialize, Serialize};
use sysinfo::{Components, MINIMUM_CPU_UPDATE_INTERVAL, System};

/// How busy a machine is. The names of the attributes, and their order, are those of the Python
/// program; any of them may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonMessage)]
#[serde(default)]
pub(crate) struct MsgStats {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_percent: Option<f64>,
    /// Over 1, 5 and 15 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_avg: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_percent: Option<f64>,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) swap_percent: Option<f64>,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) swap_total: Option<u64>,
    /// In degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temp: Option<f64>,
}

message_set! {
    /// What this program understands.
    #[derive(Debug)]
    pub(crate) enum Messages: Json { MsgStats }
}

/// The figures of this machine.
pub(crate) struct Figures {
    system: System,
    components: Components,
    latest: MsgStats,
    taken: Instant,
    ready_at: Instant,
}

impl Figures {
    /// Looks at the counters for the first time.
    pub(crate) fn new() -> Self {
        let mut system = System::new();
        system.refresh_cpu_usage();
        let now = Instant::now();
        Self {
            system,
            components: Components::new_with_refreshed_list(),
            latest: MsgStats::default(),
            taken: now,
            ready_at: now + MINIMUM_CPU_UPDATE_INTERVAL,
        }
    }

    /// From when on there are figures: how busy a processor is shows between two looks.
    pub(crate) fn ready_at(&self) -> Instant {
        self.ready_at
    }

    /// The figures at `now`, or those taken a moment before.
    pub(crate) fn at(&mut self, now: Instant) -> &MsgStats {
        if self.latest.host.is_none() || now >= self.taken + MINIMUM_CPU_UPDATE_INTERVAL {
            self.taken = now;
            self.take();
        }
        &self.latest
    }

    fn take(&mut self) {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        self.components.refresh(false);
        let (memory, swap) = (self.system.total_memory(), self.system.total_swap());
        let load = System::load_average();
        self.latest = MsgStats {
            host: Some(System::host_name().unwrap_or_else(|| "unknown".to_owned())),
            cpu_percent: Some(rounded(f64::from(self.system.global_cpu_usage()))),
            load_avg: Some([load.one, load.five, load.fifteen]),
            memory_percent: Some(percent(memory, self.system.available_memory())),
            memory_total: Some(memory),
            swap_percent: Some(percent(swap, self.system.free_swap())),
            swap_total: Some(swap),
            temp: self.temperature(),
        };
    }

    /// That of the processor where it is known by name, otherwise the highest.
    fn temperature(&self) -> Option<f64> {
        const PROCESSOR: [&str; 6] = ["cpu", "package", "core", "tctl", "tdie", "soc"];
        let readings = self.components.iter().filter_map(|component| {
            let label = component.label().to_lowercase();
            let of_processor = PROCESSOR.iter().any(|word| label.contains(word));
            let degrees = component.temperature().filter(|degrees| degrees.is_finite())?;
            Some((of_processor, degrees))
        });
        let hottest = readings.max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        hottest.map(|(_, degrees)| rounded(f64::from(degrees)))
    }
}

/// How much of `total` is not `free`.
fn percent(total: u64, free: u64) -> f64 {
    if total == 0 {
        return 0.0;
    }
    rounded(total.saturating_sub(free) as f64 / total as f64 * 100.0)
}

/// To one decimal.
fn rounded(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    fn line(stats: &MsgStats) -> String {
        let mut space = [0; 1024];
        let len = cable_car::write_line(MsgStats::NAME, stats, &mut space).unwrap();
        String::from_utf8(space[..len].to_vec()).unwrap()
    }

    #[test]
    fn the_line_is_that_of_the_python_program() {
        let mut stats = MsgStats {
            host: Some("vm".to_owned()),
            cpu_percent: Some(50.0),
            load_avg: Some([3.2, 2.9, 2.1]),
            memory_percent: Some(2.2),
            memory_total: Some(25_276_514_304),
            swap_percent: Some(0.0),
            swap_total: Some(0),
            temp: None,
        };
        let expected = concat!(
            r#"["MsgStats",{"host":"vm","cpu_percent":50.0,"load_avg":[3.2,2.9,2.1],"#,
            r#""memory_percent":2.2,"memory_total":25276514304,"swap_percent":0.0,"swap_total":0}]"#,
        );
        assert_eq!(line(&stats), format!("{expected}\n"));
        stats.temp = Some(45.5);
        assert!(line(&stats).ends_with(",\"swap_total\":0,\"temp\":45.5}]\n"));
    }

    #[test]
    fn figures_are_plausible() {
        let mut figures = Figures::new();
        sleep(figures.ready_at().saturating_duration_since(Instant::now()));
        let stats = figures.at(Instant::now()).clone();
        assert!(stats.host.is_some_and(|host| !host.is_empty()));
        for percent in [stats.cpu_percent, stats.memory_percent, stats.swap_percent] {
            assert!(percent.is_some_and(|percent| (0.0..=100.0).contains(&percent)), "{percent:?}");
        }
        assert!(stats.memory_total.is_some_and(|total| total > 1 << 20));
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        assert_eq!(percent(0, 0), 0.0);
        assert_eq!(percent(1000, 250), 75.0);
        assert_eq!(percent(1000, 2000), 0.0);
    }
}
