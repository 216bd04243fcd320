//! That the catalogue is whole, and reads well in each of its languages.

use super::Language;
use crate::problem::{Code, FieldCode};
use std::collections::BTreeSet;

/// A text as it stands in a table, and the words that it makes itself.
pub(super) struct Entry {
    pub name: &'static str,
    pub code: &'static str,
    pub english: (&'static str, &'static [&'static str]),
    pub ukrainian: (&'static str, &'static [&'static str]),
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    super::details::ALL.iter().chain(super::flaws::ALL)
}

/// What a text puts in: the facts, without the words that it makes of them.
fn facts((text, made): (&str, &[&str])) -> BTreeSet<String> {
    let text = text.replace("{{", "").replace("}}", "");
    let named = text.split('{').skip(1).filter_map(|rest| rest.split(['}', ':']).next());
    named.filter(|name| !made.contains(name)).map(str::to_owned).collect()
}

fn is_ukrainian(text: &str) -> bool {
    let is_cyrillic = |c: char| ('а'..='я').contains(&c) || "іїєґ’".contains(c);
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '’').filter(|word| !word.is_empty());
    // A word is of one alphabet: a Latin letter that looks like ours would not be found by who searches for it.
    let is_pure = words.clone().all(|word| {
        let (cyrillic, latin) =
            (word.chars().any(is_cyrillic), word.chars().any(|c| c.is_ascii_alphabetic()));
        !(cyrillic && latin)
    });
    is_pure && words.flat_map(str::chars).any(is_cyrillic) && !lower.contains(['ы', 'э', 'ъ', 'ё', '\''])
}

#[test]
fn every_problem_has_a_title_in_every_language() {
    for code in Code::ALL {
        for language in Language::ALL {
            let title = code.title(language);
            let first = title.chars().next();
            assert!(first.is_some_and(char::is_uppercase) && !title.ends_with('.'), "{code:?}: {title}");
        }
        assert!(is_ukrainian(code.title(Language::Ukrainian)), "{code:?}");
        assert!(code.title(Language::English).is_ascii(), "{code:?}");
    }
}

#[test]
fn every_flaw_has_a_text_in_every_language() {
    for code in FieldCode::ALL {
        let of_code = super::flaws::ALL.iter().filter(|entry| entry.code == code.as_str());
        assert_ne!(of_code.count(), 0, "{code:?}");
    }
}

#[test]
fn both_languages_tell_the_same_facts() {
    for entry in entries() {
        assert_eq!(facts(entry.english), facts(entry.ukrainian), "{}", entry.name);
    }
}

#[test]
fn every_text_is_written_in_its_language() {
    for entry in entries() {
        let (english, ukrainian) = (entry.english.0, entry.ukrainian.0);
        assert!(english.is_ascii(), "{}: {english}", entry.name);
        assert!(is_ukrainian(ukrainian), "{}: {ukrainian}", entry.name);
        for text in [english, ukrainian] {
            assert!(
                !text.is_empty() && !text.ends_with('.') && !text.contains("  "),
                "{}: {text}",
                entry.name
            );
        }
    }
}

#[test]
fn nothing_is_said_twice_for_one_code() {
    for said in [|entry: &Entry| entry.english.0, |entry: &Entry| entry.ukrainian.0] {
        let mut seen = BTreeSet::new();
        for entry in entries() {
            assert!(seen.insert((entry.code, said(entry))), "{}", entry.name);
        }
    }
}
