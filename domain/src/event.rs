//! Any event of any aggregate, and how it is written down.
//!
//! The stored text is `{"<Type>": {…data…}}`: serde's own form of an enum, which cqrs-es reads back as it is, and whose
//! inside can be cut out as the public `data` without parsing it.

use crate::settings_defaults::DefaultsEvent;
use crate::trading::SessionEvent;
use crate::upcast;
use crate::user::UserEvent;
use crate::wallet::WalletEvent;
use crate::{AggregateKind, AggregateRef};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    User(UserEvent),
    Wallet(WalletEvent),
    TradingSession(SessionEvent),
    SettingsDefaults(DefaultsEvent),
}

#[derive(Debug, thiserror::Error)]
#[error("event {event_type} {version} cannot be read: {reason}")]
pub struct UnreadableEvent {
    pub event_type: String,
    pub version: String,
    pub reason: String,
}

impl Event {
    pub const fn kind(&self) -> AggregateKind {
        match self {
            Self::User(_) => AggregateKind::User,
            Self::Wallet(_) => AggregateKind::Wallet,
            Self::TradingSession(_) => AggregateKind::TradingSession,
            Self::SettingsDefaults(_) => AggregateKind::SettingsDefaults,
        }
    }

    /// Whether there are events of a type.
    pub fn is_type(name: &str) -> bool {
        let all = [UserEvent::TYPES, WalletEvent::TYPES, SessionEvent::TYPES, DefaultsEvent::TYPES];
        all.iter().any(|types| types.contains(&name))
    }

    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::User(event) => event.type_name(),
            Self::Wallet(event) => event.type_name(),
            Self::TradingSession(event) => event.type_name(),
            Self::SettingsDefaults(event) => event.type_name(),
        }
    }

    /// Every event is at its first version. A field that is added makes 1.1; anything else is a new type or 2.0.
    pub const fn version(&self) -> &'static str {
        "1.0"
    }

    /// The text that is stored.
    pub fn to_stored(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::User(event) => serde_json::to_string(event),
            Self::Wallet(event) => serde_json::to_string(event),
            Self::TradingSession(event) => serde_json::to_string(event),
            Self::SettingsDefaults(event) => serde_json::to_string(event),
        }
    }

    /// Reads a stored text of any version ever written.
    pub fn from_stored(
        of: AggregateRef,
        event_type: &str,
        version: &str,
        stored: &str,
    ) -> Result<Self, UnreadableEvent> {
        let unreadable = |error: &dyn std::fmt::Display| UnreadableEvent {
            event_type: event_type.to_owned(),
            version: version.to_owned(),
            reason: error.to_string(),
        };
        let raised = upcast::raise(of, event_type, version, stored).map_err(|e| unreadable(&e))?;
        let stored = raised.as_deref().unwrap_or(stored);
        match of.kind {
            AggregateKind::User => serde_json::from_str(stored).map(Self::User),
            AggregateKind::Wallet => serde_json::from_str(stored).map(Self::Wallet),
            AggregateKind::TradingSession => serde_json::from_str(stored).map(Self::TradingSession),
            AggregateKind::SettingsDefaults => serde_json::from_str(stored).map(Self::SettingsDefaults),
        }
        .map_err(|e| unreadable(&e))
    }

    /// The public `data` of a stored text: what stands inside `{"<Type>": …}`.
    pub fn data<'a>(event_type: &str, stored: &'a str) -> Option<&'a str> {
        let inner = stored.strip_prefix("{\"")?.strip_prefix(event_type)?.strip_prefix("\":")?;
        inner.strip_suffix('}')
    }
}

/// Each aggregate's events are events, and come back out as what they were.
macro_rules! of_aggregate {
    ($($variant:ident($event:ty)),+ $(,)?) => {$(
        impl From<$event> for Event {
            fn from(event: $event) -> Self {
                Self::$variant(event)
            }
        }

        impl TryFrom<Event> for $event {
            type Error = Event;

            fn try_from(event: Event) -> Result<Self, Event> {
                if let Event::$variant(event) = event { Ok(event) } else { Err(event) }
            }
        }
    )+};
}

of_aggregate!(
    User(UserEvent),
    Wallet(WalletEvent),
    TradingSession(SessionEvent),
    SettingsDefaults(DefaultsEvent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_an_event_is_cut_out_whole() {
        assert_eq!(Event::data("Opened", r#"{"Opened":{"a":"}"}}"#), Some(r#"{"a":"}"}"#));
        assert_eq!(Event::data("Opened", r#"{"Closed":{}}"#), None);
    }
}
