//! Lines that are nested deep cost one message at the most, and no more stack than those that are not:
//! all of this runs with little.

use std::thread;

use cable_car::{JsonMessage, Link, Moved, Quit, message_set};
use cable_car_tests::stream::Fixed;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Takes attributes that it does not know, as messages do unless they say otherwise.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Stats {
    number: i32,
    anything: Option<IgnoredAny>,
    tree: Tree,
}

/// Holds itself.
#[derive(Debug, Default, PartialEq, Deserialize)]
struct Tree(Vec<Tree>);

impl Tree {
    fn depth(&self) -> usize {
        1 + self.0.first().map_or(0, Self::depth)
    }
}

impl JsonMessage for Stats {
    const NAME: &'static str = "Stats";
}

message_set! {
    #[derive(Debug)]
    enum Lines: Json { Quit, Stats }
}

/// What comes of a line with this attribute. The next line must be read.
fn read(name: &str, value: &str) -> Result<Stats, String> {
    let stream = format!("[\"Stats\",{{\"{name}\":{value}}}]\n[\"MsgQuit\",{{}}]\n");
    let mut link: Link<Lines, _, _> = Link::new(Fixed::new(stream.len()), []);
    link.receive(|space| {
        space[..stream.len()].copy_from_slice(stream.as_bytes());
        Moved::All(stream.len())
    });
    let got = match link.get().expect("told") {
        Ok(Lines::Stats(stats)) => Ok(stats),
        Ok(Lines::Quit(_)) => panic!("the first line is another one"),
        Err(bad) => Err(bad.to_string()),
    };
    assert!(matches!(link.get(), Some(Ok(Lines::Quit(_)))), "after {got:?}");
    got
}

/// Runs it with so much stack.
fn with_stack(bytes: usize, work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(bytes).spawn(work).expect("a thread");
    thread.join().expect("it runs to its end");
}

#[track_caller]
fn assert_told(got: &Result<Stats, String>, words: &str) {
    assert!(got.as_ref().is_err_and(|told| told.contains(words)), "{got:?}");
}

/// How deep a value may be: 128, and the attributes are an object already.
const DEEPEST: usize = cable_car::Json::DEEPEST as usize - 1;

#[test]
fn nesting_of_any_depth_costs_one_message_and_no_stack() {
    with_stack(64 << 10, || {
        for deep in [1, DEEPEST - 1, DEEPEST, DEEPEST + 1, 1000, 100_000, 1_000_000] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let value = [&open.repeat(deep), "1", &close.repeat(deep)].concat();
                for name in ["unknown", "anything"] {
                    match read(name, &value) {
                        Ok(_) => assert!(deep <= DEEPEST, "{name}, {deep} deep"),
                        told => {
                            assert_told(&told, "nested too deep");
                            assert!(deep > DEEPEST, "{name}, {deep} deep");
                        }
                    }
                }
                assert_told(&read("number", &value), "attribute \"number\" is not i32");
                // And where nothing is closed.
                let end = if deep > DEEPEST { "nested too deep" } else { "not JSON of the form" };
                assert_told(&read("unknown", &open.repeat(deep)), end);
            }
        }
    });
}

/// A type that holds itself is read by as many calls as it is deep: a bounded number.
#[test]
fn what_holds_itself_is_read_as_deep_as_that_and_no_deeper() {
    with_stack(512 << 10, || {
        for deep in [1, DEEPEST, DEEPEST + 1, 1_000_000] {
            let tree = read("tree", &["[".repeat(deep), "]".repeat(deep)].concat());
            match tree {
                Ok(Stats { tree, .. }) => assert!(tree.depth() == deep && deep <= DEEPEST),
                told => {
                    assert_told(&told, "nested too deep");
                    assert!(deep > DEEPEST, "{deep} deep");
                }
            }
        }
    });
}
