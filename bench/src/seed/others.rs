//! Users that are there, as in any system that is used, but never log in while it is measured.
//!
//! They go through the journal's own door: their personal data is sealed by the vault under a data key each, their
//! addresses are claimed, and only a password is missing, because no two may share one and hashing thousands of
//! them takes many minutes. That is also why those who do log in register over HTTP, and are few.

use std::sync::Arc;

use commands::vault::Vault;
use domain::user::{Role, UserEvent};
use domain::{Actor, AggregateKind, AggregateRef, Event, Sealed, UserId};
use journal::{ClaimRow, Recorded, SecretRow};
use uuid::Uuid;

use super::size::Size;
use super::wallets::{Seeded, Spot, recorded};
use crate::error::{BenchError, Result};
use crate::load::key;

/// The series their ids are taken from; that of the others' wallets is 0.
const USER_SERIES: u64 = 1;
const WALLET_SERIES: u64 = 2;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Other {
    number: usize,
    pub(crate) id: Uuid,
    /// Its `owner` is a place among the others.
    pub(crate) wallet: Seeded,
}

/// What a registration leaves behind.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) event: Arc<Recorded>,
    pub(crate) claims: [ClaimRow; 2],
    pub(crate) data_key: SecretRow,
}

pub(crate) fn others(size: &Size) -> impl Iterator<Item = Other> {
    let id = |series, number: usize| Uuid::try_parse_ascii(&key(series, number as u64)).unwrap_or_default();
    let events = size.events_per_other;
    (0..size.others).map(move |number| Other {
        number,
        id: id(USER_SERIES, number),
        wallet: Seeded { id: id(WALLET_SERIES, number), owner: number, currency: "USD", events },
    })
}

impl Other {
    pub(crate) fn register(&self, vault: &Vault, spot: Spot) -> Result<Registration> {
        let broken = |error| BenchError::Unusable(format!("sealing a user: {error}"));
        let user_id = UserId(self.id);
        let username = format!("other-{:06}", self.number);
        let email = format!("{username}@bench.example");
        let claims = [("username", &username), ("email", &email)].map(|(kind, text)| ClaimRow {
            kind,
            digest: vault.claim(kind, text),
            owner: self.id,
        });
        let (key, data_key) = vault.new_user_key(user_id).map_err(broken)?;
        let seal = |field: &str, plain: &str| -> Result<Sealed> {
            vault.seal(&key, user_id, "UserRegistered", field, plain).map_err(broken)
        };
        let event = Event::from(UserEvent::UserRegistered {
            user_id,
            username: seal("username", &username)?,
            email: seal("email", &email)?,
            name: None,
            roles: vec![Role::User],
            registered_at: spot.recorded_at,
        });
        let of = AggregateRef { kind: AggregateKind::User, id: self.id };
        Ok(Registration {
            event: recorded(spot, of, 1, (user_id, Actor::ANONYMOUS), &event)?,
            claims,
            data_key,
        })
    }
}
