//! Who is meant by "to".

use crate::step::Act;
use crate::{ClaimKind, Commands, Failure, NewClaim, Refusal};
use domain::wallet::Movement;
use domain::{Currency, UserId, Username, WalletId};
use journal::JournalError;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

impl Commands {
    pub(super) async fn transfer(&self, to: &str, movement: Movement) -> Result<Act, Failure> {
        let to = match wallet_id(to) {
            Some(id) => Some(id),
            None => self.wallet_by_name(to, movement.currency).await?,
        };
        Ok(match to {
            Some(to) => Act::Transfer { to, movement },
            None => Act::Decline(Box::new(Refusal::RecipientNotFound)),
        })
    }

    /// Somebody's wallet in a currency. Asked of the claims, which are written with the events that make them.
    async fn wallet_by_name(&self, name: &str, currency: Currency) -> Result<Option<WalletId>, Failure> {
        let Ok(username) = Username::parse(name) else { return Ok(None) };
        let digest = self.vault().claim(ClaimKind::Username.as_str(), &username.normalised());
        let Some(user_id) = self.holder_of(ClaimKind::Username, digest).await? else { return Ok(None) };
        self.wallet_held_by(UserId(user_id), currency).await
    }

    /// The one that is open. Of this very moment: a wallet that is closed gives up its claim.
    pub async fn wallet_held_by(
        &self,
        user_id: UserId,
        currency: Currency,
    ) -> Result<Option<WalletId>, Failure> {
        let digest = self.wallet_claim(user_id, currency).digest;
        Ok(self.holder_of(ClaimKind::Wallet, digest).await?.map(WalletId))
    }

    pub(crate) fn wallet_claim(&self, user_id: UserId, currency: Currency) -> NewClaim {
        let kind = ClaimKind::Wallet;
        let digest = self.vault().claim(kind.as_str(), &format!("{user_id} {currency}"));
        NewClaim { kind, digest, is_taken: false }
    }

    pub(crate) async fn holder_of(&self, kind: ClaimKind, digest: Uuid) -> Result<Option<Uuid>, Failure> {
        let found = sqlx::query_scalar("select owner from claims where kind = $1 and digest = $2")
            .bind(kind.as_str())
            .bind(digest)
            .fetch_optional(self.journal().pool())
            .await;
        Ok(found.map_err(JournalError::Postgres)?)
    }
}

/// In the one form that is no username: 32 digits without hyphens could be somebody's name.
fn wallet_id(to: &str) -> Option<WalletId> {
    (to.len() == Hyphenated::LENGTH).then(|| Uuid::try_parse(to).ok().map(WalletId)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_an_id_is_a_name() {
        let id = Uuid::from_u128(7);
        assert_eq!(wallet_id(&id.to_string()), Some(WalletId(id)));
        let simple = id.simple().to_string();
        assert_eq!(wallet_id(&simple), None);
        assert!(Username::parse(&simple).is_ok());
        assert_eq!(wallet_id("ada"), None);
    }
}
