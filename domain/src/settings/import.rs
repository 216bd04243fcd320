//! A `config.json` of somebody's freqtrade: what of it is taken, what is passed over, and what is refused.
//!
//! Such a file holds a whole bot, keys and all. What may be set is taken as a change; if a value of that is wrong, all of it
//! is declined like any change.

use super::catalogue::{FORBIDDEN, READ_ONLY, entry, is_below, is_section};
use super::flaw::{Found, below};
use super::{Secret, Value, pairlists};
use std::collections::BTreeMap;

const PAIRLISTS: &str = "/pairlists";
const WHITELIST: &str = "/exchange/pair_whitelist";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What is left of the file, as a change.
    pub patch: Value,
    /// All pointers, in the order of the file's keys.
    pub taken: Vec<String>,
    pub ignored: Vec<(String, Ignored)>,
    pub refused: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    ReadOnly,
    Unknown,
    /// It is null.
    Nothing,
    /// It stands for a secret and is none.
    Placeholder,
    /// It names no pairs, as lists that were refused would have.
    Empty,
}

impl Ignored {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Unknown => "unknown_setting",
            Self::Nothing => "null",
            Self::Placeholder => "placeholder",
            Self::Empty => "empty",
        }
    }
}

pub fn import(file: &Value) -> Imported {
    let mut imported =
        Imported { patch: Value::Nothing, taken: Vec::new(), ignored: Vec::new(), refused: Vec::new() };
    imported.patch = match file {
        Value::Map(members) => {
            let mut patch = imported.members("", members);
            if imported.refused.iter().any(|pointer| is_below(pointer, PAIRLISTS)) {
                imported.leave_empty_whitelist(&mut patch);
            }
            Value::Map(patch)
        }
        // Declined as a change.
        other => other.clone(),
    };
    imported
}

impl Imported {
    fn members(&mut self, section: &str, members: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let mut left = BTreeMap::new();
        for (name, value) in members {
            if let Some(value) = self.member(&below(section, name), value) {
                left.insert(name.clone(), value);
            }
        }
        left
    }

    fn member(&mut self, pointer: &str, value: &Value) -> Option<Value> {
        if READ_ONLY.contains(&pointer) {
            return self.ignore(pointer, Ignored::ReadOnly);
        }
        if FORBIDDEN.contains(&pointer) {
            self.refused.push(pointer.to_owned());
            return None;
        }
        let is_placeholder = |secret: &Secret| secret.pointer() == pointer && *value == secret.placeholder();
        match (entry(pointer), value) {
            (None, Value::Map(members)) if is_section(pointer) => {
                Some(Value::Map(self.members(pointer, members)))
            }
            (None, _) if !is_section(pointer) => self.ignore(pointer, Ignored::Unknown),
            (_, Value::Nothing) => self.ignore(pointer, Ignored::Nothing),
            _ if Secret::ALL.iter().any(is_placeholder) => self.ignore(pointer, Ignored::Placeholder),
            _ => {
                let barred = barred_within(pointer, value);
                if !barred.is_empty() {
                    self.refused.extend(barred);
                    return None;
                }
                self.taken.push(pointer.to_owned());
                Some(as_here(pointer, value))
            }
        }
    }

    /// With lists that fetch pairs from elsewhere it is no mistake; beside those that stay it would be one.
    fn leave_empty_whitelist(&mut self, patch: &mut BTreeMap<String, Value>) {
        let Some(Value::Map(exchange)) = patch.get_mut("exchange") else { return };
        if exchange.get("pair_whitelist") == Some(&Value::List(Vec::new())) {
            exchange.remove("pair_whitelist");
            self.taken.retain(|pointer| pointer != WHITELIST);
            self.ignore(WHITELIST, Ignored::Empty);
        }
    }

    fn ignore(&mut self, pointer: &str, why: Ignored) -> Option<Value> {
        self.ignored.push((pointer.to_owned(), why));
        None
    }
}

/// freqtrade takes these in small letters too; here each has one spelling.
fn as_here(pointer: &str, value: &Value) -> Value {
    match value {
        Value::Text(text)
            if is_below(pointer, "/order_time_in_force")
                && !text.contains(|c: char| c.is_ascii_uppercase()) =>
        {
            Value::Text(text.to_ascii_uppercase())
        }
        _ => value.clone(),
    }
}

/// Methods of pair lists that may not be used: then none of the lists is taken, for without one the others mean something
/// else.
fn barred_within(pointer: &str, value: &Value) -> Vec<String> {
    if pointer != PAIRLISTS {
        return Vec::new();
    }
    let mut found = Found::default();
    let mut checker = super::check::Checker { found: &mut found, replaces: true };
    pairlists::check(&mut checker, pointer, value);
    found.barred.into_iter().map(|barred| barred.pointer).collect()
}
