//! The documents tell the truth about names: what they point at is there, and no setting is left out.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// What makes a word between backticks a path of ours.
const ENDINGS: [&str; 6] = [".rs", ".sql", ".md", ".json", ".toml", "/"];
/// Made by a run or on a user's machine, not kept here.
const MADE_LATER: [&str; 6] = ["target/", "./data", "<data-dir>/", "data/", "servers/", "outbox/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every document, with its folder.
fn documents() -> Vec<(PathBuf, String)> {
    let folders = [root(), root().join("docs"), root().join("docs/adr")];
    let pages = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let pages = pages.map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The words between single backticks, outside of code blocks.
fn names(page: &str) -> Vec<&str> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

fn is_path(name: &str) -> bool {
    let plain = !name.contains([' ', '{', '*', '\n']) && name.contains('/') && !name.starts_with('/');
    plain
        && ENDINGS.iter().any(|ending| name.ends_with(ending))
        && !MADE_LATER.iter().any(|beginning| name.starts_with(beginning))
}

#[test]
fn every_file_a_document_names_is_there() {
    let mut seen = 0;
    for (path, page) in documents() {
        for name in names(&page).into_iter().filter(|name| is_path(name)) {
            assert!(root().join(name).exists(), "{} names {name}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "the names were not found");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    for (path, page) in documents() {
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("http") {
                continue;
            }
            // A place in a page is named after its heading, and the page itself by nothing.
            let (page, heading) = target.split_once('#').unwrap_or((target, ""));
            let target = if page.is_empty() { path.file_name().unwrap().to_str().unwrap() } else { page };
            let linked = path.parent().unwrap().join(target);
            let is_heading =
                |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-") == heading;
            let has_heading = || fs::read_to_string(&linked).unwrap().lines().any(is_heading);
            assert!(heading.is_empty() || has_heading(), "{} links to {target}#{heading}", path.display());
            assert!(path.parent().unwrap().join(target).exists(), "{} links to {target}", path.display());
        }
    }
}

#[test]
fn every_setting_is_documented() {
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let flags = ["src/config/flags.rs", "src/cli.rs"]
        .map(|file| fs::read_to_string(root().join("counterfoil").join(file)).unwrap())
        .concat();
    let variables: Vec<&str> =
        flags.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(variables.len() > 10, "the settings were not found");
    for variable in variables {
        assert!(page.contains(&format!("`{variable}`")), "{variable} is missing in docs/operations.md");
    }
}
