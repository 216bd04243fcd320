//! A change of settings: a JSON merge patch (RFC 7396) on what they are, refused whole if anything of it is.
//!
//! A key that is null goes back to its default, one that is left out stays. Everything that is wrong is found in one go.

use super::catalogue::{FORBIDDEN, READ_ONLY, entry, is_below, is_section};
use super::check::Checker;
use super::consistent;
use super::flaw::{Found, below};
use super::{Declined, Flaw, FlawCode, Secret, Settings, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a change meets what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Member by member.
    Merge,
    /// Key by key: what has members of its own choosing is replaced.
    Replace,
    /// As merged, and without telegram.
    Preset,
    /// As replaced, and without telegram: what is shown of a preset makes the same preset.
    WholePreset,
}

impl How {
    const fn replaces(self) -> bool {
        matches!(self, Self::Replace | Self::WholePreset)
    }

    const fn is_of_presets(self) -> bool {
        matches!(self, Self::Preset | Self::WholePreset)
    }
}

/// What is known of a change beside what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What is wrong with the secrets that were taken out of it.
    pub flaws: Vec<Flaw>,
    /// The secrets that are not set after it: telegram cannot be on without them.
    pub missing: Vec<Secret>,
}

/// The settings after a change.
pub fn with(
    before: &Settings,
    defaults: &Settings,
    patch: &Value,
    how: How,
    known: Known,
) -> Result<Settings, Declined> {
    let found = Found { flaws: known.flaws, barred: Vec::new() };
    let mut merging = Merging { after: before.clone(), defaults, how, found };
    match patch {
        Value::Map(members) => merging.members("", members),
        _ => merging.found.flaw("", FlawCode::WrongType, "object"),
    }
    let Merging { after, mut found, .. } = merging;
    let conflicts = consistent::conflicts(&after);
    // What rests on a value that is wrong itself is no news.
    let is_news = |pointers: &[&str]| {
        !pointers.iter().any(|key| found.flaws.iter().any(|f| f.pointer == *key || is_below(&f.pointer, key)))
    };
    let mut news: Vec<Flaw> = conflicts.into_iter().filter(|c| is_news(c.rests_on)).map(|c| c.flaw).collect();
    if after.telegram_is_on() {
        let missing = known.missing.iter().map(|secret| secret.pointer());
        let missing = missing.filter(|pointer| is_news(&[pointer, "/telegram/enabled"]));
        news.extend(missing.map(|pointer| Flaw::new(pointer, FlawCode::Required, "")));
    }
    for flaw in news {
        found.add(flaw);
    }
    found.finish()?;
    Ok(after)
}

struct Merging<'a> {
    after: Settings,
    defaults: &'a Settings,
    how: How,
    found: Found,
}

impl Merging<'_> {
    fn members(&mut self, section: &str, members: &BTreeMap<String, Value>) {
        for (name, value) in members {
            self.member(&below(section, name), value);
        }
    }

    fn member(&mut self, pointer: &str, value: &Value) {
        if READ_ONLY.contains(&pointer) {
            self.found.bar(pointer, true);
        } else if FORBIDDEN.contains(&pointer) {
            bar_all(&mut self.found, pointer, value);
        } else if self.how.is_of_presets() && (pointer == "/telegram" || is_below(pointer, "/telegram")) {
            self.found.flaw(pointer, FlawCode::UnknownSetting, "");
        } else if let Some(entry) = entry(pointer) {
            let before = self.after.get(entry.pointer);
            if value.is_nothing() {
                self.reset(entry.pointer);
                return;
            }
            let mut checker = Checker { found: &mut self.found, replaces: self.how.replaces() };
            if let Some(value) = checker.check(entry.kind, pointer, value, before) {
                self.after.0.insert(entry.pointer, value);
            }
        } else if is_section(pointer) {
            match value {
                Value::Map(members) => self.members(pointer, members),
                Value::Nothing => {
                    let keys: Vec<_> = super::catalogue::ENTRIES.iter().map(|entry| entry.pointer).collect();
                    keys.into_iter().filter(|key| is_below(key, pointer)).for_each(|key| self.reset(key));
                }
                _ => self.found.flaw(pointer, FlawCode::WrongType, "object"),
            }
        } else {
            self.found.flaw(pointer, FlawCode::UnknownSetting, "");
        }
    }

    fn reset(&mut self, pointer: &'static str) {
        match self.defaults.get(pointer) {
            Some(default) => self.after.0.insert(pointer, default.clone()),
            None => self.after.0.remove(pointer),
        };
    }
}

/// Every key that was named below a forbidden one, or it alone.
fn bar_all(found: &mut Found, pointer: &str, value: &Value) {
    match value {
        Value::Map(members) if !members.is_empty() && ["/webhook", "/discord"].contains(&pointer) => {
            for name in members.keys() {
                found.bar(below(pointer, name), false);
            }
        }
        _ => found.bar(pointer, false),
    }
}
