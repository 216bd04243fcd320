//! Reading what the journal knows to exist, though a read model may not have it yet.
//!
//! A 404 must not mean "not yet": what is missing right after it was made is asked for again, once the read model has
//! caught up with the journal as it is now.

use crate::app::App;
use crate::input::MinPosition;
use crate::output::WalletBody;
use crate::problem::{Code, Problem};
use domain::user::UserStatus;
use domain::{LoginSessionId, Timestamp, UserId, WalletId};
use journal::JournalError;
use projections::{
    ActivityFilter, ActivityRow, At, Items, LoginSessionRow, Page, PreferencesRow, ProfileRow,
};
use time::OffsetDateTime;

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
