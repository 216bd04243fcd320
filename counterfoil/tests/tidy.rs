//! The rules of the house that no lint knows: which crate may see which, how long a file may be, where an exception from
//! a lint may stand, that every module says what it is, and that no test is switched off.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each crate may see, directly. Arrows point down only; `commands` and `projections` never see each other, and
/// what both need lives in `journal` or `domain`.
const ARROWS: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("journal", &["domain"]),
    ("commands", &["journal", "domain"]),
    ("projections", &["journal", "domain"]),
    ("trader", &["projections", "commands", "journal", "domain"]),
    ("api", &["projections", "commands", "journal", "domain"]),
    ("counterfoil", &["api", "trader", "projections", "commands", "journal", "domain"]),
    ("bench", &["counterfoil", "api", "trader", "projections", "commands", "journal", "domain"]),
    ("testkit", &["journal", "domain"]),
];

/// Servers for tests: for tests only.
const FOR_TESTS: &str = "testkit";

/// "Fits in a head": code and its comments, without its tests.
const LONGEST_FILE: usize = 400;

/// Where a lint that guards behaviour may be switched off, by the beginning of the path. Tests are free.
const EXCEPTIONS: [(&str, &[&str]); 4] = [
    // What a command prints is its answer.
    ("print_", &["counterfoil/src/cli", "bench/src/terminal", "journal/build.rs", "testkit/"]),
    // The kernel's promise to end a child with us has no safe door.
    ("unsafe_code", &["counterfoil/src/runtime/child.rs", "testkit/"]),
    ("unwrap_used", &["testkit/"]),
    ("panic", &["testkit/"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every Rust file, with its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = members().iter().map(|(name, _)| root().join(name)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("testkit/")
}

/// The members of the workspace with `(kind, name)` of what they depend on in it.
fn members() -> Vec<(String, Vec<(String, String)>)> {
    let answer = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let metadata: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("normal").to_owned();
    let names: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect();
    let inner = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        let pairs = all.map(|dependency| (text(&dependency["kind"]), text(&dependency["name"])));
        pairs.filter(|(_, name)| names.contains(name)).collect()
    };
    packages.iter().map(|package| (text(&package["name"]), inner(package))).collect()
}

#[test]
fn arrows_between_crates_point_down_only() {
    for (name, dependencies) in members() {
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            panic!("the crate {name} has no place in the arrow rule: give it one");
        };
        for (kind, dependency) in dependencies {
            if dependency == FOR_TESTS {
                assert_eq!(kind, "dev", "{name} uses {FOR_TESTS} outside of its tests");
            } else {
                assert!(allowed.contains(&dependency.as_str()), "{name} must not see {dependency} ({kind})");
            }
        }
    }
}

#[test]
fn every_crate_obeys_the_lints_of_the_workspace() {
    for (name, _) in members() {
        let manifest = fs::read_to_string(root().join(&name).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} has lints of its own");
    }
}

#[test]
fn files_are_short_enough_to_be_read() {
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().count();
        assert!(
            lines < LONGEST_FILE,
            "{path} has {lines} lines without its tests: what is its second subject?"
        );
    }
}

#[test]
fn every_module_says_what_it_is() {
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        let said = text.lines().take_while(|line| line.starts_with("//!"));
        assert!(said.count() > 0, "{path} does not begin with what it is and how it stays correct");
    }
}

#[test]
fn exceptions_from_lints_stand_only_where_they_are_known() {
    for (path, text) in sources().iter().filter(|(path, _)| !path.contains("/tests/")) {
        for line in text.lines().filter(|line| line.contains("allow(")) {
            for (lint, places) in EXCEPTIONS {
                let at_home = places.iter().any(|place| path.starts_with(place));
                assert!(at_home || !line.contains(lint), "{path} switches {lint} off");
            }
        }
    }
}

#[test]
fn no_test_is_switched_off() {
    // Put together here, so that this file does not find itself.
    let marks = ["#[", "ignore"].concat();
    for (path, text) in sources() {
        assert!(!text.contains(&marks), "{path} has a test that never runs");
    }
}
