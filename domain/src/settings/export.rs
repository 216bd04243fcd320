//! A `config.json` that freqtrade takes.
//!
//! It trades on paper: that is for its owner to change, where it runs. Secrets are never in it. freqtrade's schema demands them
//! of `telegram`, so that stands in it only with what stands for them: freqtrade reads the variable of that name instead.

use super::{Secret, Settings, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholders {
    /// `telegram` is left out.
    None,
    Env {
        /// Whether only some may command the bot: without them freqtrade lets everybody in the chat do it.
        authorized_users: bool,
    },
}

/// What everybody sees and nobody sets.
pub fn shown_read_only() -> [(&'static str, Value); 3] {
    [
        ("bot_name", Value::text("counterfoil")),
        ("dry_run", Value::Switch(true)),
        // Whoever runs it names one there.
        ("strategy", Value::Nothing),
    ]
}

impl Settings {
    /// Equal settings are equal bytes.
    pub fn export(&self, placeholders: Placeholders) -> String {
        let Value::Map(mut config) = self.to_value() else { return String::new() };
        match config.get_mut("telegram") {
            Some(Value::Map(telegram)) if placeholders != Placeholders::None => {
                let is_named = |secret: &Secret| {
                    *secret != Secret::AuthorizedUsers
                        || placeholders == Placeholders::Env { authorized_users: true }
                };
                for secret in Secret::ALL.into_iter().filter(is_named) {
                    telegram.insert(secret.as_str().to_owned(), secret.placeholder());
                }
            }
            _ => {
                config.remove("telegram");
            }
        }
        for (name, value) in shown_read_only() {
            if !value.is_nothing() {
                config.insert(name.to_owned(), value);
            }
        }
        // Nothing in it cannot be written.
        serde_json::to_string_pretty(&Value::Map(config)).unwrap_or_default() + "\n"
    }
}
