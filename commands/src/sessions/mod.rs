//! What can be done with trading sessions: by their owners, and by the workers that run them.

mod start;
mod wish;

pub use start::StartWish;
pub use wish::SessionWish;

use crate::envelope::SessionStep;
use crate::{Authority, ClaimKind, Command, Commands, Context, Failure, NewClaim, Outcome, Principal};
use domain::trading::SessionCommand;
use domain::trading::market::Market;
use domain::{AggregateKind, TradingSessionId, UserId};
use journal::JournalError;
use std::collections::HashSet;
use std::time::Instant;
use uuid::Uuid;

/// Sessions on paper that a user may have at once.
pub const PAPER_SESSIONS_MAX: usize = 10;

impl Commands {
    /// One command to one session, in the market of this moment if there is one.
    pub async fn ask_session(
        &self,
        context: Context,
        session_id: TradingSessionId,
        authority: Authority,
        wish: SessionWish,
        market: Option<Market>,
    ) -> Outcome {
        let fingerprint = wish.fingerprint();
        let key = self.request_key(&context, &[b"session", session_id.0.as_bytes(), &fingerprint]);
        let command = wish.into_command(market);
        let step = SessionStep { session_id, authority, command };
        self.submit(self.envelope(&context, key, Command::Session(Box::new(step)))).await
    }

    /// The newest session of somebody that has not stopped. A request that was decided before means the one of then.
    pub async fn current_session(
        &self,
        context: Option<&Context>,
        owner: UserId,
    ) -> Result<Option<TradingSessionId>, Failure> {
        let then = match context {
            Some(context) => self.known_after(context).await?,
            None => None,
        };
        let (kind, stopped) = (AggregateKind::TradingSession, "TradingSessionStopped");
        let until = then.unwrap_or(i64::MAX);
        let found = self.journal().newest_without(owner, kind, stopped, until).await?;
        Ok(found.map(TradingSessionId))
    }

    /// What a worker tells a session, on nobody's behalf. It has no key: what a session is told twice says nothing new.
    pub async fn drive_session(&self, session_id: TradingSessionId, command: SessionCommand) -> Outcome {
        let context = Context {
            principal: Principal::System,
            key: None,
            correlation_id: Uuid::now_v7(),
            expected_version: None,
            received: Instant::now(),
        };
        let step = SessionStep { session_id, authority: Authority::Anybody, command };
        self.submit(self.envelope(&context, None, Command::Session(Box::new(step)))).await
    }

    /// The places that somebody has for sessions on paper, those that are taken marked.
    pub(crate) async fn paper_places(&self, user_id: UserId) -> Result<Vec<NewClaim>, Failure> {
        let kind = ClaimKind::PaperSession;
        let digests: Vec<Uuid> = (0..PAPER_SESSIONS_MAX)
            .map(|place| self.vault().claim(kind.as_str(), &format!("{user_id} {place}")))
            .collect();
        let taken: Vec<Uuid> =
            sqlx::query_scalar("select digest from claims where kind = $1 and digest = any($2)")
                .bind(kind.as_str())
                .bind(&digests)
                .fetch_all(self.journal().pool())
                .await
                .map_err(JournalError::Postgres)?;
        let taken: HashSet<Uuid> = taken.into_iter().collect();
        let place = |digest| NewClaim { kind, digest, is_taken: taken.contains(&digest) };
        Ok(digests.into_iter().map(place).collect())
    }
}
