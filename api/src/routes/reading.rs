//! Reading what the journal knows to exist, though a read model may not have it yet.
//!
//! A 404 must not mean "not yet": what is missing right after it was made is asked for again, once the read model has
//! caught up with the journal as it is now.

use crate::app::App;
use crate::auth::{Caller, Rule, Subject};
use crate::input::{AsOf, MinPosition};
use crate::output::{Reader, TradingSessionBody, WalletBody};
use crate::problem::{Code, Problem};
use domain::trading::TradingSession;
use domain::user::UserStatus;
use domain::{
    AggregateKind, AggregateRef, EntryId, LoginSessionId, Timestamp, TradingSessionId, UserId, WalletId, Zone,
};
use journal::JournalError;
use projections::{
    ActivityFilter, ActivityRow, At, ExplainedTrade, ExplainedWallet, HoldRow, Items, LoginSessionRow, Page,
    PerformanceInputs, PreferencesRow, ProfileRow, QueryError, TradingSessionRow,
};
use time::OffsetDateTime;
use uuid::Uuid;

async fn head(app: &App) -> Result<Option<i64>, JournalError> {
    app.journal().head().await.map(|head| Some(head.position))
}

pub(super) async fn wallet(app: &App, id: WalletId, min: MinPosition) -> Result<At<WalletBody>, Problem> {
    let mut found = app.read_models().wallet(id, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().wallet(id, head(app).await?).await?;
    }
    let row = found.value.ok_or_else(|| Problem::of(Code::WalletNotFound))?;
    Ok(At { position: found.position, value: row.into() })
}

/// The position that is meant, if the journal reaches so far.
pub(super) async fn position_of(app: &App, as_of: AsOf, min: MinPosition) -> Result<i64, Problem> {
    let head = app.journal().head().await?.position;
    let named = if let AsOf::Position(position) = as_of { Some(position) } else { None };
    if let Some(asked) = named.max(min.0).filter(|asked| *asked > head) {
        return Err(QueryError::BeyondHead { asked, head }.into());
    }
    match as_of {
        AsOf::Position(position) => Ok(position),
        AsOf::Moment(moment) => Ok(app.journal().position_at(moment).await?),
    }
}

/// What the last event at that position, or before it, left. Nothing, if there was none.
pub(super) async fn wallet_after(
    app: &App,
    id: WalletId,
    position: i64,
) -> Result<Option<WalletBody>, Problem> {
    let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: id.0 };
    let last = app.journal().last_events_at(aggregate, position, 1).await?;
    let Some(last) = last.first() else { return Ok(None) };
    WalletBody::of(last).map_err(|error| Problem::internal(&error))
}

/// A wallet as it was, or as it is. Before it was opened there was none.
pub(super) async fn wallet_as_of(
    app: &App,
    id: WalletId,
    as_of: Option<AsOf>,
    min: MinPosition,
) -> Result<At<WalletBody>, Problem> {
    let Some(as_of) = as_of else { return wallet(app, id, min).await };
    let position = position_of(app, as_of, min).await?;
    let value = wallet_after(app, id, position).await?;
    Ok(At { position, value: value.ok_or_else(|| Problem::of(Code::WalletNotFound))? })
}

pub(super) async fn explained_wallet(
    app: &App,
    id: WalletId,
    min: MinPosition,
) -> Result<At<ExplainedWallet>, Problem> {
    let mut found = app.read_models().explained_wallet(id, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().explained_wallet(id, head(app).await?).await?;
    }
    let value = found.value.ok_or_else(|| Problem::of(Code::WalletNotFound))?;
    Ok(At { position: found.position, value })
}

pub(super) async fn trading_session(
    app: &App,
    id: TradingSessionId,
    min: MinPosition,
) -> Result<At<TradingSessionRow>, Problem> {
    let mut found = app.read_models().trading_session(id, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().trading_session(id, head(app).await?).await?;
    }
    let value = found.value.ok_or_else(|| Problem::of(Code::TradingSessionNotFound))?;
    Ok(At { position: found.position, value })
}

/// A session as it was, or as it is. Before it was started there was none.
pub(super) async fn trading_session_as_of(
    app: &App,
    id: TradingSessionId,
    as_of: Option<AsOf>,
    min: MinPosition,
) -> Result<At<TradingSessionBody>, Problem> {
    let Some(as_of) = as_of else {
        let At { position, value } = trading_session(app, id, min).await?;
        return Ok(At { position, value: TradingSessionBody::new(&value.session, value.version) });
    };
    let position = position_of(app, as_of, min).await?;
    let then = app.journal().load_at::<TradingSession>(id.0, position).await?;
    let value = TradingSessionBody::of(&then.state, then.sequence);
    Ok(At { position, value: value.ok_or_else(|| Problem::of(Code::TradingSessionNotFound))? })
}

pub(super) async fn performance(
    app: &App,
    id: TradingSessionId,
    min: MinPosition,
) -> Result<At<PerformanceInputs>, Problem> {
    let mut found = app.read_models().performance_inputs(id, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().performance_inputs(id, head(app).await?).await?;
    }
    let value = found.value.ok_or_else(|| Problem::of(Code::TradingSessionNotFound))?;
    Ok(At { position: found.position, value })
}

pub(super) async fn explained_trade(
    app: &App,
    session: TradingSessionId,
    trade: Uuid,
    min: MinPosition,
) -> Result<At<ExplainedTrade>, Problem> {
    let mut found = app.read_models().explained_trade(session, trade, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().explained_trade(session, trade, head(app).await?).await?;
    }
    let value = found.value.ok_or_else(|| Problem::of(Code::TradeNotFound))?;
    Ok(At { position: found.position, value })
}

/// A list of somebody's may be empty; one of nobody's is not there.
pub(super) async fn somebody<R: Rule>(app: &App, subject: &Subject<R>) -> Result<(), Problem> {
    if subject.user_id != subject.caller().user_id() {
        profile(app, subject.user_id, MinPosition(None)).await?;
    }
    Ok(())
}

pub(super) async fn hold(app: &App, id: EntryId, min: MinPosition) -> Result<At<HoldRow>, Problem> {
    let mut found = app.read_models().hold(id, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().hold(id, head(app).await?).await?;
    }
    let value = found.value.ok_or_else(|| Problem::of(Code::HoldNotFound))?;
    Ok(At { position: found.position, value })
}

pub(super) async fn profile(app: &App, id: UserId, min: MinPosition) -> Result<At<ProfileRow>, Problem> {
    let mut found = app.read_models().profile(id, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().profile(id, head(app).await?).await?;
    }
    // Of who was erased a row is left that says so, and nothing of them.
    let row = found.value.filter(|row| row.status != UserStatus::Erased);
    let row = row.ok_or_else(|| Problem::of(Code::UserNotFound))?;
    Ok(At { position: found.position, value: row })
}

/// Everybody got one when they registered.
pub(super) async fn wallets(
    app: &App,
    owner: UserId,
    min: MinPosition,
) -> Result<At<Vec<WalletBody>>, Problem> {
    let mut found = app.read_models().wallets_of(owner, min.0).await?;
    if found.value.is_empty() {
        found = app.read_models().wallets_of(owner, head(app).await?).await?;
    }
    Ok(At { position: found.position, value: found.value.into_iter().map(WalletBody::from).collect() })
}

pub(super) async fn preferences(
    app: &App,
    id: UserId,
    min: MinPosition,
) -> Result<At<PreferencesRow>, Problem> {
    let mut found = app.read_models().preferences(id, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().preferences(id, head(app).await?).await?;
    }
    let row = found.value.ok_or_else(|| Problem::of(Code::UserNotFound))?;
    Ok(At { position: found.position, value: row })
}

/// How the caller wants to be shown things, whosever they are.
pub(super) async fn reader(app: &App, caller: Caller, min: MinPosition) -> Result<Reader, Problem> {
    let found = app.read_models().preferences(caller.user_id(), min.0).await?;
    Ok(found.value.map_or_else(Reader::default, |row| Reader {
        zone: Zone::named(&row.preferences.timezone).unwrap_or_default(),
        language: row.preferences.locale.into(),
    }))
}

/// Those that are open at this moment.
pub(super) async fn login_sessions(
    app: &App,
    id: UserId,
    page: &Page,
    min: MinPosition,
) -> Result<At<Items<LoginSessionRow>>, Problem> {
    let now = Timestamp::from(OffsetDateTime::now_utc());
    let mut found = app.read_models().login_sessions(id, now, page, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().login_sessions(id, now, page, head(app).await?).await?;
    }
    let items = found.value.ok_or_else(|| Problem::of(Code::UserNotFound))?;
    Ok(At { position: found.position, value: items })
}

pub(super) async fn login_session_owner(app: &App, id: LoginSessionId) -> Result<Option<UserId>, Problem> {
    let mut found = app.read_models().login_session_owner(id, None).await?;
    if found.value.is_none() {
        found = app.read_models().login_session_owner(id, head(app).await?).await?;
    }
    Ok(found.value)
}

pub(super) async fn activity(
    app: &App,
    id: UserId,
    filter: ActivityFilter,
    page: &Page,
    min: MinPosition,
) -> Result<At<Items<ActivityRow>>, Problem> {
    let mut found = app.read_models().activity(id, filter.clone(), page, min.0).await?;
    if found.value.is_none() {
        found = app.read_models().activity(id, filter, page, head(app).await?).await?;
    }
    let items = found.value.ok_or_else(|| Problem::of(Code::UserNotFound))?;
    Ok(At { position: found.position, value: items })
}
