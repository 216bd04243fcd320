//! Settings as they are: of each key that has a value, its value.

use super::catalogue::{ENTRIES, entry, is_below};
use super::{Unreadable, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// By pointer, in the order of the pointers: equal settings are written with equal bytes. It comes into being only by the
/// rules of [`super::with`], or by reading what they made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub(super) BTreeMap<&'static str, Value>);

static BUILT_IN: LazyLock<Settings> = LazyLock::new(|| {
    let default =
        |entry: &'static super::catalogue::Entry| Some((entry.pointer, Value::parse(entry.default?).ok()?));
    Settings(ENTRIES.iter().filter_map(default).collect())
});

/// Who is told what is nothing that goes from one way of trading to the next.
const TELEGRAM: &str = "/telegram";

impl Settings {
    /// What they are when nobody said anything.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    pub fn get(&self, pointer: &str) -> Option<&Value> {
        self.0.get(pointer)
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.get(pointer).and_then(Value::as_text)
    }

    pub(super) fn is_on(&self, pointer: &str) -> bool {
        self.get(pointer) == Some(&Value::Switch(true))
    }

    /// What sessions of one's own may take from here.
    pub fn stake_currency(&self) -> Option<&str> {
        self.text("/stake_currency")
    }

    /// A preset's part of them.
    #[must_use]
    pub fn without_telegram(&self) -> Self {
        let own = self.0.iter().filter(|(pointer, _)| !is_below(pointer, TELEGRAM));
        Self(own.map(|(pointer, value)| (*pointer, value.clone())).collect())
    }

    /// These, with what `other` says of telegram.
    #[must_use]
    pub fn with_telegram_of(&self, other: &Self) -> Self {
        let telegram = other.0.iter().filter(|(pointer, _)| is_below(pointer, TELEGRAM));
        let mut all = self.without_telegram();
        all.0.extend(telegram.map(|(pointer, value)| (*pointer, value.clone())));
        all
    }

    /// Telegram switched off where it cannot be on.
    #[must_use]
    pub fn with_telegram_off(&self) -> Self {
        let mut all = self.clone();
        all.0.insert("/telegram/enabled", Value::Switch(false));
        all
    }

    pub fn telegram_is_on(&self) -> bool {
        self.is_on("/telegram/enabled")
    }

    /// Which keys differ, by their names: `exchange.name`.
    pub fn changed_fields(&self, other: &Self) -> Vec<String> {
        let keys = ENTRIES.iter().map(|entry| entry.pointer);
        keys.filter(|key| self.get(key) != other.get(key)).map(field).collect()
    }

    /// As an object.
    pub fn to_value(&self) -> Value {
        let mut root = BTreeMap::new();
        for (pointer, value) in &self.0 {
            put(&mut root, pointer.trim_start_matches('/'), value.clone());
        }
        Value::Map(root)
    }

    pub fn parse(json: &str) -> Result<Self, Unreadable> {
        Value::parse(json).map(|value| Self::read(&value))
    }

    /// From what was written here. A key that the table no longer has is left out.
    fn read(value: &Value) -> Self {
        let mut settings = Self::default();
        settings.gather("", value);
        settings
    }

    fn gather(&mut self, pointer: &str, value: &Value) {
        if let Some(entry) = entry(pointer) {
            self.0.insert(entry.pointer, value.clone());
        } else if let Value::Map(members) = value {
            for (name, value) in members {
                self.gather(&format!("{pointer}/{name}"), value);
            }
        }
    }
}

/// `/exchange/name` as people write it.
pub(super) fn field(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

fn put(into: &mut BTreeMap<String, Value>, path: &str, value: Value) {
    match path.split_once('/') {
        None => {
            into.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let below = into.entry(section.to_owned()).or_insert_with(|| Value::Map(BTreeMap::new()));
            if let Value::Map(below) = below {
                put(below, rest, value);
            }
        }
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::read(&value))
    }
}
