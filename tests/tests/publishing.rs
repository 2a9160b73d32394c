//! What a registry and its users expect of the packages: their licences, their own and those of all
//! that they need; where it comes from; which Rust it wants.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{env, process::Command, sync::LazyLock};

use cable_car_tests::process::run;
use serde_json::Value;

/// What `cargo deny` is told before a release; the licences that are allowed stand there alone.
const DENY: &str = include_str!("../../.ci/deny.toml");

/// One of these must be open to a user in each package that is needed.
static LICENCES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let list = DENY.split_once("allow = [").unwrap().1.split_once(']').unwrap().0;
    list.split('"').skip(1).step_by(2).collect()
});

static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--all-features"]);
    cargo.args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")]);
    serde_json::from_str(&run(&mut cargo).unwrap()).unwrap()
});

fn packages() -> impl Iterator<Item = &'static Value> {
    METADATA["packages"].as_array().unwrap().iter()
}

/// Those of this workspace that are published.
fn ours() -> impl Iterator<Item = &'static Value> {
    packages().filter(|package| package["source"].is_null() && package["publish"].is_null())
}

/// Those, and all that is built with them at a user's, with every feature on.
fn needed() -> impl Iterator<Item = &'static Value> {
    let mut open: Vec<&Value> = ours().map(|package| &package["id"]).collect();
    let mut found: Vec<&Value> = Vec::new();
    while let Some(id) = open.pop() {
        if found.contains(&id) {
            continue;
        }
        found.push(id);
        let nodes = METADATA["resolve"]["nodes"].as_array().unwrap();
        let node = nodes.iter().find(|node| node["id"] == *id).unwrap();
        for dependency in node["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                open.push(&dependency["pkg"]);
            }
        }
    }
    packages().filter(move |package| found.contains(&&package["id"]))
}

/// Whether a licence expression can be met by [`LICENCES`].
fn is_open(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let all = |part: &str| part.split(" AND ").all(|one| LICENCES.contains(&one.trim()));
    match expression.split_once(") AND ") {
        Some((either, also)) => is_open(either.trim_start_matches('(')) && is_open(also),
        None => expression.split(" OR ").any(all),
    }
}

/// `1.91` and `1.91.0` are the same.
fn version(text: &str) -> Vec<u32> {
    let mut parts: Vec<u32> = text.split('.').map(|part| part.parse().unwrap()).collect();
    parts.resize(3, 0);
    parts
}

#[test]
fn licence_expressions_are_understood() {
    for good in ["MIT", "GPL-3.0 OR MIT", "Unlicense/MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(is_open(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-2.0 OR GPL-3.0) AND MIT", "(MIT) AND GPL-3.0"] {
        assert!(!is_open(bad), "{bad}");
    }
}

#[test]
fn all_that_is_needed_is_open_and_from_the_registry_and_not_too_new() {
    let own = ours().next().unwrap();
    let newest = version(own["rust_version"].as_str().unwrap());
    assert!(needed().count() > 2 * ours().count(), "our packages need others");
    for package in needed() {
        let name = &package["name"];
        let licence = package["license"].as_str();
        assert!(licence.is_some_and(is_open), "{name}: licence {licence:?}");
        let source = package["source"].as_str();
        let from_registry = source.is_none_or(|source| source.starts_with("registry+"));
        assert!(from_registry, "{name}: comes from {source:?}");
        if let Some(wanted) = package["rust_version"].as_str() {
            assert!(version(wanted) <= newest, "{name}: wants Rust {wanted}");
        }
    }
}

#[test]
fn our_packages_say_what_they_are() {
    assert!(ours().count() >= 3, "the core and two backends");
    for package in ours() {
        let name = package["name"].as_str().unwrap();
        for field in ["description", "documentation", "license", "readme", "rust_version"] {
            assert!(
                package[field].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {field}"
            );
        }
        for field in ["keywords", "categories"] {
            let count = package[field].as_array().unwrap().len();
            assert!((1..=5).contains(&count), "{name}: {count} {field}");
        }
        assert_eq!(package["license"], "MIT OR Apache-2.0", "{name}");
        // What is in it, as it is published.
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["package", "--list", "--allow-dirty", "--quiet", "--package", name]);
        cargo.args(["--manifest-path", package["manifest_path"].as_str().unwrap()]);
        let list = run(&mut cargo).unwrap();
        for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"] {
            assert!(list.lines().any(|line| line == file), "{name} has no {file}: {list}");
        }
    }
}
