//! An API key as the contract shows it: everything but its secret, which is shown once.

use commands::vault::{ApiKeyText, SealedAt, Vault, VaultError};
use domain::user::ApiKey;
use domain::{ApiKeyId, Scopes, SealedIn, Timestamp, UserId};
use projections::ApiKeyRow;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ApiKeyBody {
    #[schema(value_type = uuid::Uuid)]
    pub id: ApiKeyId,
    #[schema(example = "nightly statements")]
    pub name: Option<String>,
    /// What the key begins with: enough to find out which one somebody holds.
    #[schema(example = "cf_live_02ydeTZcPFgmGLd6rJRvXl")]
    pub prefix: String,
    #[schema(value_type = Vec<String>, example = json!(["wallet:read"]))]
    pub scopes: Scopes,
    pub is_active: bool,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// The networks it may be used from; none means everywhere.
    #[schema(example = json!(["203.0.113.0/24"]))]
    pub cidrs: Vec<String>,
    /// How long the secret before the newest goes on working, if there was one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Up to a minute old.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

/// A key as a command left it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedKeyBody {
    #[serde(flatten)]
    pub api_key: ApiKeyBody,
    pub position: i64,
}

/// A key with a new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssuedKeyBody {
    #[serde(flatten)]
    pub api_key: ApiKeyBody,
    /// The key itself. It is shown this once; a repeat of the request, with the same `Idempotency-Key`, shows null.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = Option<String>, example = "cf_live_02ydeTZcPFgmGLd6rJRvXl_…")]
    pub key: Option<SecretString>,
    pub position: i64,
}

/// A key that is no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevokedKeyBody {
    #[schema(value_type = uuid::Uuid)]
    pub id: ApiKeyId,
    #[schema(example = false)]
    pub is_active: bool,
    pub position: i64,
}

impl ApiKeyBody {
    /// Of a key as a command left it.
    pub(crate) async fn of_key(vault: &Vault, user_id: UserId, key: &ApiKey) -> Result<Self, VaultError> {
        let fields = [("name", Some(&key.name)), ("cidrs", key.cidrs.as_ref())];
        let sealed: Vec<SealedAt<'_>> = fields
            .iter()
            .filter_map(|(field, value)| {
                let SealedIn { value: sealed, event_type } = value.as_ref()?;
                Some(SealedAt { user_id, event_type, field, sealed })
            })
            .collect();
        let mut opened = vault.open_many(&sealed).await?.into_iter();
        let name = opened.next().flatten();
        let cidrs = opened.next().flatten().unwrap_or_default();
        Ok(Self {
            id: key.key_id,
            name,
            prefix: ApiKeyText::prefix(key.key_id),
            scopes: key.scopes,
            is_active: key.is_active,
            expires_at: key.expires_at,
            cidrs: cidrs.split(',').filter(|cidr| !cidr.is_empty()).map(str::to_owned).collect(),
            previous_until: key.previous_until,
            created_at: key.created_at,
            last_used_at: None,
        })
    }
}

impl From<ApiKeyRow> for ApiKeyBody {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.key_id,
            name: row.name,
            prefix: ApiKeyText::prefix(row.key_id),
            scopes: row.scopes,
            is_active: row.is_active,
            expires_at: row.expires_at,
            cidrs: row.cidrs,
            previous_until: row.previous_until,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The one place where a secret goes into an answer.
#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn exposed<S: Serializer>(key: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}
