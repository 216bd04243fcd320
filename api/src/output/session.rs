//! Login sessions: those that are open, and one that has been ended.

use domain::user::{EndReason, UserEvent};
use domain::{Event, LoginSessionId, Timestamp};
use journal::Recorded;
use projections::LoginSessionRow;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LoginSessionBody {
    #[schema(value_type = uuid::Uuid)]
    pub id: LoginSessionId,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its tokens were last exchanged.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    /// Where it was opened from, and with what.
    #[schema(example = "203.0.113.7")]
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Unless its tokens are exchanged before.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl LoginSessionBody {
    pub(crate) fn new(row: LoginSessionRow, asking: LoginSessionId) -> Self {
        Self {
            id: row.session_id,
            created_at: row.opened_at,
            last_seen_at: row.last_seen_at,
            ip: row.ip,
            user_agent: row.user_agent,
            current: row.session_id == asking,
            expires_at: row.expires_at,
        }
    }
}

/// A session that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct EndedSessionBody {
    #[schema(value_type = uuid::Uuid)]
    pub id: LoginSessionId,
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Timestamp,
    #[schema(value_type = String, example = "revoked")]
    pub reason: EndReason,
    pub position: i64,
}

impl EndedSessionBody {
    /// Those that a command ended.
    pub(crate) fn of(events: &[Arc<Recorded>]) -> Result<Vec<Self>, domain::UnreadableEvent> {
        let mut ended = Vec::new();
        for recorded in events {
            if let Event::User(UserEvent::LoginSessionEnded { session_id: id, reason, ended_at }) =
                recorded.event()?
            {
                ended.push(Self { id, ended_at, reason, position: recorded.position });
            }
        }
        Ok(ended)
    }
}
