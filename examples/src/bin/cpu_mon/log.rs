//! The plain view: a text block a report, and remarks apart from it.

use std::fmt;
use std::io::{self, Write};
use std::time::SystemTime;

use crate::machines::{Machine, Machines};
use crate::options::Options;
use crate::text::{load, size};

/// How wide a block is.
const WIDTH: usize = 46;
/// How wide a bar is.
const BAR: usize = 20;

/// Writes reports to one stream and remarks to another.
pub(crate) struct Log<R, N> {
    reports: R,
    remarks: N,
    verbose: bool,
    waiting: String,
    /// How it was when it was told last.
    company: Option<bool>,
    trouble: Option<String>,
}

impl<R: Write, N: Write> Log<R, N> {
    pub(crate) fn new(reports: R, remarks: N, options: &Options) -> Self {
        let (verbose, waiting) = (options.verbose, options.waiting());
        Self { reports, remarks, verbose, waiting, company: None, trouble: None }
    }

    /// A machine has reported. The block is written at once and as a whole, so that two programs
    /// can share a log, and a pipe sees it.
    pub(crate) fn report(&mut self, machine: &Machine) -> io::Result<()> {
        let time = humantime::format_rfc3339_seconds(SystemTime::now());
        let block = block(machine, &time.to_string());
        self.reports.write_all(block.as_bytes())?;
        self.reports.flush()
    }

    /// For those who asked for more words.
    pub(crate) fn remark(&mut self, words: fmt::Arguments<'_>) {
        if self.verbose {
            self.tell(words);
        }
    }

    /// Tells when company comes or goes, and what keeps it away.
    pub(crate) fn show(&mut self, machines: &Machines, trouble: Option<String>) {
        let company = machines.present() > 0;
        if self.company != Some(company) && !company {
            let since = if self.company.is_none() { "yet" } else { "any more" };
            let waiting = std::mem::take(&mut self.waiting);
            self.tell(format_args!("no other machine {since}: {waiting}"));
            self.waiting = waiting;
        }
        self.company = Some(company);
        if let Some(trouble) = &trouble
            && self.trouble.as_ref() != Some(trouble)
        {
            self.tell(format_args!("{trouble}"));
        }
        self.trouble = trouble;
    }

    fn tell(&mut self, words: fmt::Arguments<'_>) {
        // Reports go on without their remarks.
        let _ = writeln!(self.remarks, "cpu_mon: {words}");
    }
}

fn block(machine: &Machine, time: &str) -> String {
    let mut block = format!("{:-<WIDTH$}\n", format!("-- {time} "));
    let mut line = |label: &str, value: &str| {
        block.push_str(&format!("{label:>15}: {value}\n"));
    };
    line("Host", &machine.name);
    line("Address", &machine.address.to_string());
    let Some((stats, _)) = &machine.report else { return block };
    if let Some(percent) = stats.cpu_percent {
        line("CPU percent", &bar(percent));
    }
    if let Some(average) = stats.load_avg {
        line("Load average", &load(average));
    }
    for (what, percent, total) in [
        ("Memory", stats.memory_percent, stats.memory_total),
        ("Swap", stats.swap_percent, stats.swap_total),
    ] {
        if let Some(percent) = percent {
            line(&format!("{what} percent"), &bar(percent));
        }
        if let Some(total) = total {
            line(&format!("{what} total"), &size(total));
        }
    }
    if let Some(degrees) = stats.temp {
        line("Temperature", &format!("{degrees:.1} °C"));
    }
    block
}

/// In plain characters, for a log may be read by anything.
fn bar(percent: f64) -> String {
    // What is no number is nothing, what is too much is all.
    let filled = ((percent / 100.0 * BAR as f64).round() as usize).min(BAR);
    format!("{percent:>5.1} {:.<BAR$}", "|".repeat(filled))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use clap::Parser;

    use super::*;
    use crate::stats::MsgStats;

    #[test]
    fn a_block_has_what_was_reported_and_no_more() {
        let remote = "10.0.0.7:8227".parse().unwrap();
        let mut machines = Machines::default();
        machines.joined(remote);
        let mut stats = MsgStats {
            host: Some("vm".to_owned()),
            cpu_percent: Some(50.0),
            load_avg: Some([3.2, 2.9, 2.1]),
            memory_percent: Some(200.0),
            memory_total: Some(25_276_514_304),
            swap_percent: Some(f64::NAN),
            swap_total: Some(0),
            temp: Some(45.0),
        };
        machines.reported(remote, stats.clone(), Instant::now());
        let expected = "\
-- now ---------------------------------------
           Host: vm
        Address: 10.0.0.7
    CPU percent:  50.0 ||||||||||..........
   Load average: 3.20 2.90 2.10
 Memory percent: 200.0 ||||||||||||||||||||
   Memory total: 23.5 GiB
   Swap percent:   NaN ....................
     Swap total: 0 B
    Temperature: 45.0 °C
";
        assert_eq!(block(machines.get(remote.ip()).unwrap(), "now"), expected);

        stats = MsgStats::default();
        machines.reported(remote, stats, Instant::now());
        let block = block(machines.get(remote.ip()).unwrap(), "now");
        assert_eq!(block.lines().count(), 3, "{block}");
    }

    #[test]
    fn remarks_are_apart_and_only_where_wanted() {
        let remote = "10.0.0.7:8227".parse().unwrap();
        for (arguments, expected) in [(&["cpu_mon"][..], 2), (&["cpu_mon", "--verbose"][..], 3)] {
            let options = Options::parse_from(arguments);
            let mut machines = Machines::default();
            let (mut reports, mut remarks) = (Vec::new(), Vec::new());
            let mut log = Log::new(&mut reports, &mut remarks, &options);
            log.show(&machines, None);
            log.show(&machines, None);
            machines.joined(remote);
            log.remark(format_args!("{remote} connected"));
            log.show(&machines, None);
            machines.lost(remote, Instant::now());
            log.show(&machines, None);
            let remarks = String::from_utf8(remarks).unwrap();
            assert_eq!(remarks.lines().count(), expected, "{remarks}");
            assert!(remarks.starts_with("cpu_mon: no other machine yet: beacon sent to UDP 8226"));
            assert!(remarks.contains("no other machine any more: beacon"), "{remarks}");
            assert!(reports.is_empty());
        }
    }
}
