//! What is kept sealed and never shown: taken out of a change before anybody else sees it.

use super::catalogue::FORBIDDEN;
use super::flaw::{Found, below};
use super::{Flaw, FlawCode, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Longer than any token there is.
const TOKEN_MAX: usize = 256;
/// As many as 64 bits have: ids of telegram have 52.
const ID_DIGITS_MAX: usize = 19;
const USERS_MAX: usize = 50;
/// Shown of the end of a secret, of a short one less.
const HINT: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    Token,
    ChatId,
    AuthorizedUsers,
}

impl Secret {
    pub const ALL: [Self; 3] = [Self::Token, Self::ChatId, Self::AuthorizedUsers];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ChatId => "chat_id",
            Self::AuthorizedUsers => "authorized_users",
        }
    }

    pub const fn pointer(self) -> &'static str {
        match self {
            Self::Token => "/telegram/token",
            Self::ChatId => "/telegram/chat_id",
            Self::AuthorizedUsers => "/telegram/authorized_users",
        }
    }

    /// The field of an event in which its hint is sealed.
    pub const fn hint_field(self) -> &'static str {
        match self {
            Self::Token => "telegram.token",
            Self::ChatId => "telegram.chat_id",
            Self::AuthorizedUsers => "telegram.authorized_users",
        }
    }

    /// The variable from which freqtrade takes it.
    const fn variable(self) -> &'static str {
        match self {
            Self::Token => "FREQTRADE__TELEGRAM__TOKEN",
            Self::ChatId => "FREQTRADE__TELEGRAM__CHAT_ID",
            Self::AuthorizedUsers => "FREQTRADE__TELEGRAM__AUTHORIZED_USERS",
        }
    }

    /// Of the form that it has to have; of several, each of them.
    const fn example(self) -> &'static str {
        match self {
            Self::Token => "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qc",
            Self::ChatId => "-1001234567890",
            Self::AuthorizedUsers => "1234567",
        }
    }

    /// What freqtrade can use: it reads a chat as an integer, so a channel's @name will not do, and compares users by their ids.
    fn is_one(self, text: &str) -> bool {
        match self {
            Self::Token => is_token(text),
            Self::ChatId => is_id(text.strip_prefix('-').unwrap_or(text)),
            Self::AuthorizedUsers => is_id(text),
        }
    }

    /// What stands for it in a file, of the type that freqtrade wants there. If the variable is missing, it names no bot, no
    /// chat, and nobody who may command one.
    pub(super) fn placeholder(self) -> Value {
        let name = Value::text(self.variable());
        if self == Self::AuthorizedUsers { Value::List(vec![name]) } else { name }
    }
}

/// What a change means for a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretChange {
    Clear,
    /// A text; of users, as a JSON list.
    Set(String),
}

impl fmt::Debug for SecretChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Clear) { "Clear" } else { "Set(…)" })
    }
}

impl SecretChange {
    /// How it ends; of most of it nothing is said.
    pub fn hint(&self) -> Option<String> {
        let Self::Set(plain) = self else { return None };
        let characters: Vec<char> =
            plain.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        let shown = HINT.min(characters.len() / 4);
        let end = characters.iter().skip(characters.len() - shown);
        Some(std::iter::once(&'…').chain(end).collect())
    }
}

/// What a change says of secrets; what it leaves out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretChanges {
    pub changes: Vec<(Secret, SecretChange)>,
    pub flaws: Vec<Flaw>,
}

/// A change without the values of forbidden keys: it is declined for their names, and the values may be anybody's secrets.
pub fn without_forbidden(patch: &mut Value) {
    scrub("", patch);
}

fn scrub(pointer: &str, value: &mut Value) {
    let is_forbidden = FORBIDDEN.contains(&pointer);
    match value {
        Value::Map(members) => {
            for (name, value) in members {
                if is_forbidden { *value = Value::Nothing } else { scrub(&below(pointer, name), value) }
            }
        }
        value if is_forbidden => *value = Value::Nothing,
        _ => {}
    }
}

/// Takes them out of a change. What stands for a secret in an exported file says nothing of it.
pub fn take_secrets(patch: &mut Value) -> SecretChanges {
    let mut taken = SecretChanges::default();
    let Value::Map(members) = patch else { return taken };
    match members.get_mut("telegram") {
        Some(Value::Nothing) => {
            taken.changes = Secret::ALL.map(|secret| (secret, SecretChange::Clear)).to_vec();
        }
        Some(Value::Map(telegram)) => {
            let mut found = Found::default();
            for secret in Secret::ALL {
                let Some(value) = telegram.remove(secret.as_str()) else { continue };
                if value == secret.placeholder() {
                    continue;
                }
                taken.changes.extend(read(secret, &value, &mut found).map(|change| (secret, change)));
            }
            taken.flaws = found.flaws;
        }
        _ => {}
    }
    taken
}

fn read(secret: Secret, value: &Value, found: &mut Found) -> Option<SecretChange> {
    let pointer = secret.pointer();
    match (secret, value) {
        (_, Value::Nothing) => Some(SecretChange::Clear),
        (Secret::AuthorizedUsers, Value::List(users)) => read_users(users, found),
        (Secret::AuthorizedUsers, _) => {
            found.flaw(pointer, FlawCode::WrongType, "array");
            None
        }
        (_, Value::Text(text)) => {
            if secret.is_one(text) {
                return Some(SecretChange::Set(text.clone()));
            }
            found.flaw(pointer, FlawCode::NotAPattern, secret.example());
            None
        }
        _ => {
            found.flaw(pointer, FlawCode::WrongType, "string");
            None
        }
    }
}

fn read_users(users: &[Value], found: &mut Found) -> Option<SecretChange> {
    let pointer = Secret::AuthorizedUsers.pointer();
    if users.len() > USERS_MAX {
        found.flaw(pointer, FlawCode::TooLong, USERS_MAX.to_string());
        return None;
    }
    let (mut seen, before) = (BTreeSet::new(), found.flaws.len());
    for (index, user) in users.iter().enumerate() {
        let at = format!("{pointer}/{index}");
        match user.as_text() {
            Some(text) if !Secret::AuthorizedUsers.is_one(text) => {
                found.flaw(&at, FlawCode::NotAPattern, Secret::AuthorizedUsers.example());
            }
            Some(text) if !seen.insert(text) => found.flaw(&at, FlawCode::Repeated, ""),
            Some(_) => {}
            None => found.flaw(&at, FlawCode::WrongType, "string"),
        }
    }
    let list = Value::List(users.to_vec());
    (found.flaws.len() == before)
        .then(|| if users.is_empty() { SecretChange::Clear } else { SecretChange::Set(list.to_string()) })
}

/// The bot's id, and what proves that one owns it.
fn is_token(text: &str) -> bool {
    let Some((bot, proof)) = text.split_once(':') else { return false };
    let is_proof = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.len() <= TOKEN_MAX && is_id(bot) && !proof.is_empty() && proof.bytes().all(is_proof)
}

fn is_id(text: &str) -> bool {
    (1..=ID_DIGITS_MAX).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
}
