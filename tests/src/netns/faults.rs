//! Faults on the wire to a [`Host`]: packets lost or filtered, a slow line.

use std::process::Command;

use super::{Host, done};
use crate::process::run;

const TABLE: &str = "add table inet faults; \
    add chain inet faults arriving { type filter hook input priority 0; }";

impl Host {
    /// Loses that share of the packets which arrive here, at random and silently.
    ///
    /// # Panics
    ///
    /// If `nft` fails; ask for `Need::Nft` first.
    pub fn lose(&self, percent: u8) {
        match percent {
            0 => {}
            1..100 => self.filter(&format!("numgen random mod 100 < {percent} drop")),
            _ => self.filter("drop"),
        }
    }

    /// Adds a rule, in the words of `nft`, for packets which arrive here:
    /// `tcp dport 8223 drop`, `ip saddr 10.77.1.2 drop`.
    ///
    /// # Panics
    ///
    /// If `nft` fails; ask for `Need::Nft` first.
    pub fn filter(&self, rule: &str) {
        self.nft(&format!("{TABLE}; add rule inet faults arriving {rule}"));
    }

    /// Takes away what [`Host::lose`] and [`Host::filter`] have set.
    ///
    /// # Panics
    ///
    /// If `nft` fails.
    pub fn clear_faults(&self) {
        self.nft("flush ruleset");
    }

    /// Makes what the host sends slow, in kilobits a second; packets queue up to a second, then
    /// they are lost.
    ///
    /// # Panics
    ///
    /// If `tc` fails.
    pub fn slow(&self, kilobits: u32) {
        let rate = format!("tbf rate {kilobits}kbit burst 4kb latency 1s");
        done(self.qdisc(&format!("replace dev eth0 root {rate}")));
    }

    /// Makes the host as fast as it was.
    ///
    /// # Panics
    ///
    /// If it was.
    pub fn clear_slow(&self) {
        done(self.qdisc("del dev eth0 root"));
    }

    /// Delay, reordering, duplication of what the host sends, in the words of `tc netem`:
    /// `delay 5ms 2ms duplicate 1%`. In the place of what [`Host::slow`] has set.
    ///
    /// # Errors
    ///
    /// What `tc` says: many small kernels have no netem, so that a test must do without.
    pub fn netem(&self, parameters: &str) -> Result<(), String> {
        self.qdisc(&format!("replace dev eth0 root netem {parameters}"))
    }

    fn qdisc(&self, words: &str) -> Result<(), String> {
        let mut tc = Command::new("tc");
        tc.args(["-n", self.namespace(), "qdisc"]).args(words.split(' '));
        run(&mut tc).map(drop)
    }

    fn nft(&self, script: &str) {
        done(run(self.command("nft").arg(script)).map(drop));
    }
}
