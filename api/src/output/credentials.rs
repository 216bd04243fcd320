//! What may be told of credentials that somebody left for an exchange: never they themselves.

use super::RenderError;
use commands::vault::{SealedAt, Vault};
use domain::user::{Exchange, UserEvent};
use domain::{Event, Timestamp};
use journal::Recorded;
use projections::ExchangeCredentialsRow;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CredentialsBody {
    #[schema(value_type = String, example = "binance")]
    pub exchange: Exchange,
    /// How the key begins and ends; of a short one less.
    #[schema(example = "vmPU…Wjyg")]
    pub key_hint: Option<String>,
    /// Whether the exchange has said that they are good. Nobody asks it yet.
    pub verified: bool,
    /// What they are good for, as the exchange says.
    pub permissions: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// Credentials, and the position at which they are so.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CredentialsAtBody {
    #[serde(flatten)]
    pub credentials: CredentialsBody,
    pub position: i64,
}

/// Credentials that are no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovedCredentialsBody {
    #[schema(value_type = String, example = "binance")]
    pub exchange: Exchange,
    /// Always true.
    pub removed: bool,
    pub position: i64,
}

impl CredentialsBody {
    /// As an event left them; nothing, if it is another.
    pub(crate) async fn of_event(vault: &Vault, recorded: &Recorded) -> Result<Option<Self>, RenderError> {
        let Event::User(UserEvent::ExchangeCredentialsChanged {
            exchange,
            credentials: Some(held),
            changed_at: updated_at,
        }) = recorded.event()?
        else {
            return Ok(None);
        };
        let sealed = SealedAt {
            user_id: recorded.owner,
            event_type: &recorded.event_type,
            field: "key_hint",
            sealed: &held.key_hint,
        };
        let key_hint = vault.open_many(&[sealed]).await?.pop().flatten();
        let (verified, permissions) = (held.verified, held.permissions);
        Ok(Some(Self { exchange, key_hint, verified, permissions, updated_at }))
    }
}

impl From<ExchangeCredentialsRow> for CredentialsBody {
    fn from(row: ExchangeCredentialsRow) -> Self {
        Self {
            exchange: row.exchange,
            key_hint: row.key_hint,
            verified: row.verified,
            permissions: row.permissions,
            updated_at: row.updated_at,
        }
    }
}
