//! The table of problems: each of them is reached by a test, or stands here as something that cannot happen yet.

use std::fs;
use std::path::Path;

/// Reached where the clock or the router can be had without a database.
const BESIDE_THEIR_CODE: [(&str, &str); 4] = [
    ("bad_request", "src/door/tests.rs"),
    ("internal_error", "src/door/tests.rs"),
    ("timed_out", "src/door/tests.rs"),
    ("request_timeout", "src/server/tests.rs"),
];

/// Nothing leads to these so far.
const LATER: [&str; 1] = ["already_exists"];

fn here(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every code of the documented table.
fn documented() -> Vec<String> {
    let description = api::openapi().info.description.unwrap();
    let rows = description.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let codes: Vec<String> = rows.map(|(code, _)| code.to_owned()).collect();
    assert!(codes.len() > 40, "{codes:?}");
    codes
}

#[test]
fn every_problem_is_reached_by_a_test_or_belongs_to_a_later_feature() {
    let tests = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api")).unwrap();
    let files = tests.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let tests: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    for code in documented() {
        let is_expected =
            tests.contains(&format!(", \"{code}\");")) || tests.contains(&format!(", \"{code}\")."));
        let beside = BESIDE_THEIR_CODE.iter().find(|(known, _)| *known == code);
        let is_beside = beside.is_some_and(|(code, file)| here(file).contains(code));
        let is_later = LATER.contains(&code.as_str());
        assert_ne!(is_expected || is_beside, is_later, "{code}: tested {}, later {is_later}", !is_later);
    }
}

#[test]
fn the_lists_here_name_nothing_that_is_not_documented() {
    let documented = documented();
    for code in BESIDE_THEIR_CODE.iter().map(|(code, _)| code).chain(&LATER) {
        assert!(documented.iter().any(|known| known == code), "{code}");
    }
}
