//! What the journal calls the events of an enum: as their variants are called, and never otherwise.

/// `TYPES` and `type_name` of an enum of events, and what cqrs-es wants to know of it.
macro_rules! event_types {
    ($events:ident: $($variant:ident),+ $(,)?) => {
        impl $events {
            /// Every type there is. The compiler sees to it that none is missing.
            pub const TYPES: &'static [&'static str] = &[$(stringify!($variant)),+];

            pub const fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => stringify!($variant)),+
                }
            }
        }

        impl cqrs_es::DomainEvent for $events {
            fn event_type(&self) -> String {
                self.type_name().to_owned()
            }

            fn event_version(&self) -> String {
                "1.0".to_owned()
            }
        }
    };
}
pub(crate) use event_types;

#[cfg(test)]
mod tests {
    use crate::settings_defaults::DefaultsEvent;
    use crate::trading::SessionEvent;
    use crate::user::UserEvent;
    use crate::wallet::WalletEvent;
    use serde::de::DeserializeOwned;

    /// serde says what it would have taken.
    fn read<T: DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
        let known = serde_json::from_str::<T>(r#"{"":0}"#).unwrap_err().to_string();
        known.split('`').skip(1).step_by(2).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn events_are_written_under_the_names_they_are_known_by() {
        assert_eq!(read::<UserEvent>(), UserEvent::TYPES);
        assert_eq!(read::<WalletEvent>(), WalletEvent::TYPES);
        assert_eq!(read::<SessionEvent>(), SessionEvent::TYPES);
        // serde has no list for one of a single variant.
        assert!(read::<DefaultsEvent>().iter().eq(DefaultsEvent::TYPES));
    }
}
