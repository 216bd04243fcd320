//! A line of the record of an account.

use domain::{Actor, ActorKind, ApiKeyId, LoginSessionId, Timestamp, WalletId};
use projections::ActivityRow;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ActivityBody {
    /// The event in the journal that it stands for.
    pub position: i64,
    #[serde(rename = "type")]
    #[schema(example = "LoginSessionOpened")]
    pub event_type: String,
    pub actor: ActorBody,
    /// The wallet it happened to; nothing, if it happened to the account.
    #[schema(value_type = Option<Uuid>)]
    pub wallet_id: Option<WalletId>,
    /// The login session it was about.
    #[schema(value_type = Option<Uuid>)]
    pub session_id: Option<LoginSessionId>,
    /// From where: the address that the session was opened from which it was done in, or else was about. Nothing, if it was
    /// done with an API key or by somebody else.
    #[schema(example = "203.0.113.7")]
    pub ip: Option<String>,
    #[schema(example = "logout")]
    pub reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

/// Who did it: nobody known yet, a user, a service, or the system itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Actor)]
pub(crate) struct ActorBody {
    #[schema(value_type = String, example = "user")]
    kind: ActorKind,
    id: Option<Uuid>,
    /// The login session they did it in, if it was one of the user's own.
    #[schema(value_type = Option<Uuid>)]
    session_id: Option<LoginSessionId>,
    /// The API key it was done with, if it was one of the user's own.
    #[schema(value_type = Option<Uuid>)]
    api_key_id: Option<ApiKeyId>,
}

impl From<Actor> for ActorBody {
    fn from(Actor { kind, id, session_id, api_key_id }: Actor) -> Self {
        Self { kind, id, session_id, api_key_id }
    }
}

impl From<ActivityRow> for ActivityBody {
    fn from(row: ActivityRow) -> Self {
        Self {
            position: row.position,
            event_type: row.event_type,
            actor: row.actor.into(),
            wallet_id: row.wallet_id,
            session_id: row.session_id,
            ip: row.ip,
            reason: row.reason,
            recorded_at: row.recorded_at,
        }
    }
}
