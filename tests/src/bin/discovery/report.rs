//! What was measured, for people and for programs.

use serde_json::json;

/// What stands before all rows.
pub(crate) fn begin(json: bool) {
    if !json {
        println!("| | cable-car | Python package |");
        println!("|---|---|---|");
    }
}

pub(crate) fn row(json: bool, name: &str, ours: &str, python: &str) {
    match json {
        true => println!("{}", json!({ "row": name, "ours": ours, "python": python })),
        false => println!("| {name} | {ours} | {python} |"),
    }
}
