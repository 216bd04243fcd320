//! Whether an API key is good: its checksum, its secret, its owner, its time, and where it comes from.
//!
//! The owner is remembered with all of their keys, and forgotten when something of them changes, so in the steady state
//! nobody is asked. How often a key was used, and how often a client was wrong, is counted when it is known which of both
//! it was. While the feed that tells of changes has not kept up, the database is asked every time: what cannot
//! be known is not believed.

use super::KeyHolder;
use super::key_owners::KeyOwners;
use super::key_uses::KeyUses;
use crate::limits::KeyMeter;
use crate::problem::{Code, Detail, Problem};
use commands::users::{KeyOwner, KeyRefusal};
use commands::vault::{ApiKeyText, Vault};
use commands::{Commands, Failure};
use domain::{ApiKeyId, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;
use time::OffsetDateTime;

#[derive(Debug)]
pub(crate) struct ApiKeys {
    commands: Commands,
    owners: KeyOwners,
    uses: KeyUses,
}

/// Why nobody was admitted.
enum Declined {
    Refused(KeyRefusal),
    Unknowable(Failure),
}

impl From<KeyRefusal> for Declined {
    fn from(refusal: KeyRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl ApiKeys {
    pub(crate) fn new(commands: Commands) -> Self {
        Self { commands, owners: KeyOwners::new(), uses: KeyUses::default() }
    }

    pub(crate) const fn owners(&self) -> &KeyOwners {
        &self.owners
    }

    pub(super) fn vault(&self) -> &Vault {
        self.commands.vault()
    }

    pub(crate) const fn uses(&self) -> &KeyUses {
        &self.uses
    }

    pub(super) async fn admit(
        &self,
        text: &str,
        meter: &KeyMeter,
        changes_are_known: bool,
    ) -> Result<KeyHolder, Problem> {
        let admitted = self.check(text, meter.client(), changes_are_known).await;
        let too_often = match &admitted {
            Ok(holder) => meter.used(holder.key_id),
            // Whoever hears of anything else has the secret, and guesses nothing.
            Err(Declined::Refused(KeyRefusal::Malformed | KeyRefusal::Unknown)) => meter.failed(),
            Err(_) => None,
        };
        let outcome = match &admitted {
            Ok(_) => "accepted",
            Err(Declined::Refused(refusal)) => refusal.reason(),
            Err(Declined::Unknowable(_)) => "unavailable",
        };
        let outcome = if too_often.is_some() { "limited" } else { outcome };
        metrics::counter!("counterfoil_api_key_uses_total", "outcome" => outcome).increment(1);
        if let Some(span) = too_often {
            return Err(Problem::of(Code::TooManyRequests).retry_after(span));
        }
        admitted.map_err(|declined| match declined {
            Declined::Refused(refusal) => problem(refusal),
            Declined::Unknowable(failure) => failure.into(),
        })
    }

    async fn check(&self, text: &str, from: IpAddr, changes_are_known: bool) -> Result<KeyHolder, Declined> {
        let key = ApiKeyText::parse(text).ok_or(KeyRefusal::Malformed)?;
        let remembered = self.owners.get(key.key_id()).filter(|_| changes_are_known);
        let owner = match remembered {
            Some(owner) => owner,
            None => {
                self.find(key.key_id()).await.map_err(Declined::Unknowable)?.ok_or(KeyRefusal::Unknown)?
            }
        };
        let now = Timestamp::from(OffsetDateTime::now_utc());
        let holder = owner.admit(self.commands.vault(), &key, from, now)?;
        self.uses.note(holder.key_id, holder.owner, now);
        Ok(holder)
    }

    async fn find(&self, key_id: ApiKeyId) -> Result<Option<Arc<KeyOwner>>, Failure> {
        let begun = self.owners.begin_to_read();
        let owner = self.commands.key_owner(key_id).await?.map(Arc::new);
        if let Some(owner) = &owner {
            self.owners.remember(begun, key_id, owner);
        }
        Ok(owner)
    }
}

fn problem(refusal: KeyRefusal) -> Problem {
    match refusal {
        KeyRefusal::WrongNetwork => Problem::of(Code::NetworkNotAllowed),
        // Whoever hears the reason has the secret.
        KeyRefusal::Expired => Problem::new(Detail::KeyExpired),
        KeyRefusal::Inactive => Problem::new(Detail::KeyIsOff),
        KeyRefusal::OwnerNotActive => Problem::new(Detail::KeyOwnerSuspended),
        KeyRefusal::Malformed | KeyRefusal::Unknown => Problem::of(Code::InvalidApiKey),
    }
}
