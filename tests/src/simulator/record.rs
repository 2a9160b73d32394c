//! What a program has done, and whether it may.

use std::collections::{BTreeSet, VecDeque};
use std::net::Ipv4Addr;

const SECOND: u64 = 1_000_000;

/// How many dials a program may begin within a second: all that it had saved up, and those that follow.
const MOST_DIALS_A_SECOND: usize = 32 + 20 + 1;
/// How many answers, beside the beacons to everybody.
const MOST_ANSWERS_A_SECOND: usize = 32 + 20 + 1;

/// What a program has done.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) started: u64,
    /// The addresses that datagrams came from.
    pub(super) heard: BTreeSet<Ipv4Addr>,
    pub(super) datagrams: u64,
    dials: VecDeque<u64>,
    answers: VecDeque<u64>,
    /// What it should not have done, a line each.
    pub(super) faults: Vec<String>,
}

impl Record {
    pub(super) fn dialled(&mut self, now: u64, to: Ipv4Addr) {
        if !self.heard.contains(&to) {
            self.faults.push(format!("dialled {to}, which never sent anything"));
        }
        if too_many(&mut self.dials, now, MOST_DIALS_A_SECOND) {
            self.faults.push(format!("dialled too often in the second before {now}"));
        }
    }

    pub(super) fn sent(&mut self, now: u64, to: Ipv4Addr) {
        self.datagrams += 1;
        let to_one = to.octets()[3] != 255;
        if to_one && too_many(&mut self.answers, now, MOST_ANSWERS_A_SECOND) {
            self.faults.push(format!("answered too often in the second before {now}"));
        }
    }
}

/// Counts one more, and whether there are more than `most` in a second.
fn too_many(times: &mut VecDeque<u64>, now: u64, most: usize) -> bool {
    times.push_back(now);
    while times.front().is_some_and(|&time| time + SECOND <= now) {
        times.pop_front();
    }
    times.len() > most
}
