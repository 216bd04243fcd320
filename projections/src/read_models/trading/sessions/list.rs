//! Sessions, newest first: one user's, or everybody's.
//!
//! Correct under concurrent writes because sessions are only ever added at the top. One that changes while the pages are
//! turned is shown as it is when its page is read.

use super::{COLUMNS, TradingSessionRow, read_rows};
use crate::read_models::cursor::{Items, Page};
use crate::read_models::trading::NAME;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::UserId;
use domain::trading::SessionState;
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Not stopped.
    Active,
    Stopped,
}

/// Which of them; all, where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<SessionStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<SessionState>,
}

/// Where a list goes on: with sessions that began before that one, and the filter it began with.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    trading_sessions_of: Option<UserId>,
    before: i64,
    filter: SessionFilter,
}

fn statement<'a>(
    of: Option<UserId>,
    filter: SessionFilter,
    before: i64,
    limit: i64,
) -> QueryBuilder<'a, Postgres> {
    let mut query = QueryBuilder::new(format!(
        "select c.position as checkpoint, c.failure, {COLUMNS} from projection_checkpoints c \
         left join lateral (select * from trading_sessions where started_position < "
    ));
    query.push_bind(before);
    if let Some(user) = of {
        query.push(" and user_id = ").push_bind(user.0);
    }
    if let Some(state) = filter.state {
        query.push(" and state = ").push_bind(state.as_str());
    }
    // In so many words, so that the index of those that are active is found.
    match filter.status {
        Some(SessionStatus::Active) => query.push(" and state <> 'stopped'"),
        Some(SessionStatus::Stopped) => query.push(" and state = 'stopped'"),
        None if filter.state.is_some_and(SessionState::is_active) => query.push(" and state <> 'stopped'"),
        None => &mut query,
    };
    query.push(" order by started_position desc limit ").push_bind(limit);
    query.push(") s on true where c.name = 'trading' order by s.started_position desc");
    query
}

impl ReadModels {
    /// The sessions of a user, or of everybody. A cursor brings the filter it began with, and goes with no other.
    pub async fn trading_sessions(
        &self,
        of: Option<UserId>,
        filter: SessionFilter,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Items<TradingSessionRow>>, QueryError> {
        let (before, filter) = match page.cursor::<Cursor>()? {
            None => (i64::MAX, filter),
            Some(cursor) => {
                let goes_with = filter == SessionFilter::default() || filter == cursor.filter;
                if cursor.trading_sessions_of != of || !goes_with {
                    return Err(QueryError::BadCursor);
                }
                (cursor.before, cursor.filter)
            }
        };
        self.at_least(NAME, min_position, || async move {
            let mut query = statement(of, filter, before, page.limit_plus_one());
            let rows = query.build().fetch_all(self.pool()).await?;
            let position = position_of(rows.first().ok_or(sqlx::Error::RowNotFound)?, NAME)?;
            let after = |last: &TradingSessionRow| Cursor {
                trading_sessions_of: of,
                before: last.started_position,
                filter,
            };
            Ok(At { position, value: page.cut(read_rows(&rows)?, after)? })
        })
        .await
    }
}
