//! Which subjects do which work.

use crate::{
    job::{Subject, Transport, Work},
    options::Options,
};

/// One piece of work and those who do it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) work: Work,
    pub(crate) subjects: Vec<Subject>,
}

/// All that the options ask for.
pub(crate) fn plan(options: &Options) -> Vec<Entry> {
    let is_named = |work: &Work, text: &str| work.measures().iter().any(|it| it.row == text);
    let asked = |work: &Work| {
        let has = |text: &String| match all_work().iter().any(|work| is_named(work, text)) {
            true => is_named(work, text),
            false => work.measures().iter().any(|measure| measure.row.contains(text)),
        };
        options.rows.is_empty() || options.rows.iter().any(has)
    };
    let wanted =
        |subject: &Subject| options.subjects.is_empty() || options.subjects.contains(subject);
    let entries = all_work().into_iter().filter(asked).map(|work| Entry {
        work,
        subjects: subjects(work).iter().copied().filter(wanted).collect(),
    });
    entries.filter(|entry| !entry.subjects.is_empty()).collect()
}

fn all_work() -> Vec<Work> {
    use Transport::{Byte, Json};
    let mut all = Vec::new();
    for transport in [Byte, Json] {
        all.extend([1, 10, 100, 1000].map(|flush| Work::OneWay { transport, flush }));
    }
    all.extend([Byte, Json].map(|transport| Work::RoundTrip { transport }));
    for transport in [Byte, Json] {
        let backlogs = [1_000, 10_000, 100_000];
        all.extend(backlogs.map(|messages| Work::Backlog { transport, messages }));
    }
    all.extend([1, 10, 100, 1000].map(|peers| Work::Peers { peers }));
    all.extend([Work::Discovery, Work::AtRest]);
    all.extend([Byte, Json].map(|transport| Work::Allocations { transport }));
    all.push(Work::Memory);
    all
}

/// Who can do it. Those of the feature `peers` are named without it as well: they say what they
/// lack.
fn subjects(work: Work) -> &'static [Subject] {
    use Subject::{CableCar, Decoder, MessageIo, Python, Raw, RawFlushed, SerdeJson, Tokio, Zmq};
    match work {
        Work::OneWay { transport: Transport::Byte, .. } => {
            &[Raw, RawFlushed, CableCar, Tokio, Zmq, MessageIo, Python]
        }
        Work::OneWay { transport: Transport::Json, .. } => {
            &[Raw, RawFlushed, CableCar, Decoder, SerdeJson, Tokio, Python]
        }
        Work::RoundTrip { transport: Transport::Byte } => {
            &[Raw, CableCar, Tokio, Zmq, MessageIo, Python]
        }
        Work::RoundTrip { transport: Transport::Json } => &[Raw, CableCar, Tokio, Python],
        Work::Backlog { .. } => &[Raw, CableCar, Python],
        Work::Peers { .. } => &[Raw, CableCar],
        Work::Allocations { .. } => &[CableCar, Tokio],
        Work::Discovery | Work::AtRest | Work::Memory => &[CableCar],
    }
}
