//! Decoders of JSON alone: the lines are in memory and cut, and nothing is sent.

use std::hint::black_box;

use cable_car_std::{BadMessage, MessageSet, Transport};
use cable_car_tests::sample::{Line, Lines, Numbered as _};

use super::{Failure, answer, not_done};
use crate::{
    job::{Answer, Job, Subject, Work},
    span::{Count, Until},
};

/// As many lines as a buffer of 64 KiB has.
const LINES: u64 = 1000;

pub(crate) fn take_part(job: &Job) -> Result<(), Failure> {
    let Work::OneWay { .. } = job.work else {
        return not_done(job);
    };
    let until = Until::after(job.span);
    let mut lines: Vec<Vec<u8>> = (0..LINES).map(line).collect();
    let mut count = Count::default();
    count.start();
    while !until.is_over() {
        for (number, line) in (0..).zip(&mut lines) {
            let line = black_box(line.as_mut_slice());
            let right = match job.subject {
                Subject::Decoder => Lines::is(&ours(line), number),
                _ => {
                    serde_json::from_slice::<(&str, Line<'_>)>(line)?
                        == ("MsgSample", Line::numbered(number))
                }
            };
            count.check(|_| right);
        }
    }
    answer(&Answer::Done { received: count.received(), values: vec![count.rate()] })
}

fn line(number: u64) -> Vec<u8> {
    let mut line = vec![0; 2 * Line::FRAME];
    let written = cable_car::write_line("MsgSample", &Line::numbered(number), &mut line);
    line.truncate(written.expect("there is room"));
    assert_eq!(line.len(), Line::FRAME, "every line has the same length");
    line
}

fn ours(line: &mut [u8]) -> Result<Lines<'_>, BadMessage> {
    type Json = <Lines<'static> as MessageSet>::Transport;
    Json::frame(line).and_then(<Lines<'static> as MessageSet>::decode)
}
