//! What every aggregate is, beside its own words.

use crate::UserId;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The rule of the house: a pure answer to a command, and a pure step of the state.
///
/// It stands on `cqrs_es::Aggregate`, so that a stock `PersistedEventStore` can load what we wrote; `handle` there is
/// three lines over `decide` (the `aggregate_shim` below).
pub trait Decide: cqrs_es::Aggregate + Clone {
    const KIND: AggregateKind;
    /// Version of the state's shape: a snapshot of another version is not read.
    const SCHEMA: i32;
    type Refusal;

    /// The user it belongs to, once it exists.
    fn owner(&self) -> Option<UserId>;

    /// Guard, preconditions, events. `Ok(vec![])` is an accepted repeat: there was nothing left to do.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Refusal>;

    fn evolve(&mut self, event: &Self::Event);
}

/// Makes a [`Decide`] loadable by cqrs-es.
macro_rules! aggregate_shim {
    ($aggregate:ty, $name:literal, $command:ty, $event:ty, $refusal:ty) => {
        impl cqrs_es::Aggregate for $aggregate {
            const TYPE: &'static str = $name;
            type Command = $command;
            type Event = $event;
            type Error = $refusal;
            type Services = ();

            async fn handle(
                &mut self,
                command: $command,
                (): &(),
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), $refusal> {
                for event in $crate::Decide::decide(self, command)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: $event) {
                $crate::Decide::evolve(self, &event);
            }
        }
    };
}
pub(crate) use aggregate_shim;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateKind {
    User,
    Wallet,
    TradingSession,
    SettingsDefaults,
}

impl AggregateKind {
    pub const ALL: [Self; 4] = [Self::User, Self::Wallet, Self::TradingSession, Self::SettingsDefaults];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Wallet => "wallet",
            Self::TradingSession => "trading_session",
            Self::SettingsDefaults => "settings_defaults",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One aggregate of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AggregateRef {
    pub kind: AggregateKind,
    pub id: Uuid,
}

impl fmt::Display for AggregateRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}
