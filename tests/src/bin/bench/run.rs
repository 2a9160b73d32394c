//! Runs what was planned, each piece of work by processes of this program.

use std::{
    collections::HashSet,
    env,
    io::{self, IsTerminal as _},
    process::{Command, ExitCode},
    time::Duration,
};

use cable_car_tests::{process::Process, python};

use crate::{
    job::{Answer, Job, Measure, Part, Subject},
    options::Pace,
    peers,
    plan::Entry,
};

/// Beyond its span a piece of work takes a moment; this is for machines that stand still.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was measured in one row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) measure: Measure,
    /// Each with a value a round.
    pub(crate) subjects: Vec<(Subject, Vec<f64>)>,
}

/// All the work, each subject in turn, round after round; each row is told when it is done.
///
/// # Errors
/// What went wrong: a process that gave up, or messages that did not come.
pub(crate) fn run(plan: &[Entry], pace: Pace, tell: impl Fn(&Row)) -> Result<(), String> {
    let mut told = HashSet::new();
    for Entry { work, subjects } in plan {
        let able = |subject: &Subject| match peers::lacks(*subject) {
            None => true,
            Some(what) => {
                if told.insert(what.clone()) {
                    eprintln!("bench: without {subject}: {what}");
                }
                false
            }
        };
        let subjects: Vec<_> = subjects.iter().copied().filter(able).collect();
        let mut results: Vec<Row> = work.measures().into_iter().map(Row::new).collect();
        for round in 0..pace.rounds {
            for &subject in &subjects {
                progress(&format!("{work:?}, round {}, {subject}", round + 1));
                let job = Job { subject, work: *work, part: Part::Server, span: pace.span };
                for (row, value) in results.iter_mut().zip(once(job)?) {
                    row.add(subject, value);
                }
            }
        }
        progress("");
        results.iter().for_each(&tell);
    }
    Ok(())
}

/// What goes on, on a line of its own where somebody sees it.
fn progress(text: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

impl Row {
    fn new(measure: Measure) -> Self {
        Self { measure, subjects: Vec::new() }
    }

    fn add(&mut self, subject: Subject, value: f64) {
        match self.subjects.iter_mut().find(|(other, _)| *other == subject) {
            Some((_, values)) => values.push(value),
            None => self.subjects.push((subject, vec![value])),
        }
    }
}

/// One subject's turn.
fn once(job: Job) -> Result<Vec<f64>, String> {
    let mut server = Process::spawn(command(&job));
    let port = match answer(&mut server)? {
        Answer::Port(port) => port,
        // It needs nobody else.
        Answer::Done { values, .. } => return Ok(values),
        Answer::Sent(_) => return Err(format!("{job:?} has sent to nobody")),
    };
    let mut client = Process::spawn(command(&Job { part: Part::Client { port }, ..job }));
    match (answer(&mut client)?, answer(&mut server)?) {
        (Answer::Sent(sent), Answer::Done { received, values })
        | (Answer::Done { received, values }, Answer::Sent(sent)) => {
            if sent == received {
                return Ok(values);
            }
            Err(format!("{job:?}: {sent} messages were sent, {received} came"))
        }
        answers => Err(format!("{job:?}: unexpected answers {answers:?}")),
    }
}

fn answer(process: &mut Process) -> Result<Answer, String> {
    let line = process.next_line(PATIENCE);
    let answer = line.as_deref().and_then(|line| serde_json::from_str(line).ok());
    answer.ok_or_else(|| format!("no answer from {}", process.transcript()))
}

fn command(job: &Job) -> Command {
    let text = serde_json::to_string(job).expect("a job is plain data");
    if job.subject == Subject::Python {
        let environment = python::environment().expect("it was asked for before");
        let mut command = Command::new(environment.python());
        command.arg("-B").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/bench.py")).arg(text);
        return command;
    }
    let mut command = Command::new(env::current_exe().expect("the path of this program"));
    command.arg("--job").arg(text);
    command
}

/// Does what this process was started for.
pub(crate) fn take_part(job: &str) -> ExitCode {
    let job: Job = match serde_json::from_str(job) {
        Ok(job) => job,
        Err(error) => {
            eprintln!("bench: no such job: {error}");
            return ExitCode::FAILURE;
        }
    };
    match peers::take_part(&job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {job:?}: {error}");
            ExitCode::FAILURE
        }
    }
}
