//! Trading sessions: what their owners want of them, and how they are doing.
//!
//! A body becomes a wish (`forms`) to a session within reach, `current` or by its id; the answer is rendered from the
//! session as the command left it, so that a repeat reads the same. What depends on prices takes the market of the moment
//! along. What a market does not trade is refused here, before anything is decided, and not if the request is a repeat:
//! what is traded now says nothing about then.

pub(crate) mod auto_rebalance;
mod control;
pub(crate) mod drift;
pub(crate) mod dry_run;
pub(crate) mod equity;
pub(crate) mod flows;
mod forms;
pub(crate) mod get;
pub(crate) mod interval;
pub(crate) mod list;
pub(crate) mod next_run;
pub(crate) mod performance;
pub(crate) mod positions;
pub(crate) mod preview;
pub(crate) mod rebalance;
pub(crate) mod risk;
pub(crate) mod runs;
pub(crate) mod standing;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod targets;
pub(crate) mod trades;
pub(crate) mod why;

use crate::app::App;
use crate::auth::{Allowed, Caller, ConfirmationForm, require_recent_login_if};
use crate::directory::SessionFacts;
use crate::door::Arrival;
use crate::input::{Check, JsonBody, TradingSessionPath, pointer_at};
use crate::output::{Answer, TradingSessionAtBody, TradingSessionBody};
use crate::problem::{Code, Detail, Flaw, Problem};
use axum::response::Response;
use commands::sessions::SessionWish;
use commands::{Authority, Context, Done};
use domain::trading::Targets;
use domain::trading::market::Market;
use domain::{Currency, UserId};

/// A session within reach of whoever asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) session: SessionFacts,
    pub(crate) authority: Authority,
}

/// Another's is not found, like nobody's. A repeat of a command to `current` means the one it meant then.
pub(crate) async fn reach<R>(
    app: &App,
    allowed: &Allowed<R>,
    named: TradingSessionPath,
    context: Option<&Context>,
) -> Result<Reached, Problem> {
    let id = match named {
        TradingSessionPath::Id(id) => Some(id),
        TradingSessionPath::Current => {
            app.commands().current_session(context, allowed.caller.user_id()).await?
        }
    };
    let session = match id {
        Some(id) => app.directory().session(id).await?,
        None => None,
    };
    let session = session.filter(|session| allowed.authority.covers(session.owner));
    let session = session.ok_or_else(|| Problem::of(Code::TradingSessionNotFound))?;
    Ok(Reached { session, authority: allowed.authority })
}

/// What an admin does to others takes a recent sign-in.
pub(super) async fn confirm(
    app: &App,
    caller: Caller,
    owner: UserId,
    body: Option<&JsonBody>,
) -> Result<(), Problem> {
    let is_needed = caller.is_admin() && caller.user_id() != owner;
    let current_password = ConfirmationForm::of(body)?.current_password;
    require_recent_login_if(is_needed, app, caller, current_password).await
}

/// What happened, for the log: names of fields and never a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed {
    pub(super) event: &'static str,
    pub(super) updated_fields: &'static str,
}

impl Changed {
    /// Once, and not if nothing changed.
    pub(super) fn log(self, arrival: &Arrival, session: &TradingSessionBody, done: &Done) {
        if done.replayed || done.events.is_empty() {
            return;
        }
        tracing::info!(
            event = self.event,
            user_id = %session.user_id,
            trading_session_id = %session.id,
            request_id = arrival.request_id.as_str(),
            position = done.position,
            updated_fields = self.updated_fields,
        );
    }
}

/// A command to a session: asked, and answered with the session as it left it.
pub(super) async fn ask(
    app: &App,
    context: Context,
    arrival: &Arrival,
    reached: Reached,
    (wish, changed): (SessionWish, Changed),
) -> Result<Response, Problem> {
    let done = submit(app, context, reached, wish).await?;
    let session = as_left(&done)?;
    changed.log(arrival, &session, &done);
    Ok(answer(Answer::ok(), &done, &session).json(&TradingSessionAtBody { position: done.position, session }))
}

pub(super) async fn submit(
    app: &App,
    context: Context,
    Reached { session, authority }: Reached,
    wish: SessionWish,
) -> Result<Done, Problem> {
    let looks_at_prices =
        matches!(wish, SessionWish::Resume | SessionWish::Stop { .. } | SessionWish::ChangeCapital { .. });
    let market = if looks_at_prices { app.market(session.currency) } else { None };
    let market = market.as_deref().cloned();
    Ok(app.commands().ask_session(context, session.id, authority, wish, market).await?)
}

pub(super) fn as_left(done: &Done) -> Result<TradingSessionBody, Problem> {
    let left = done.session.as_deref();
    let session = left.and_then(|session| TradingSessionBody::of(session, done.session_version));
    session.ok_or_else(|| Problem::internal(&"a command to a session without one"))
}

pub(super) fn answer(answer: Answer, done: &Done, session: &TradingSessionBody) -> Answer {
    answer.position(done.position).version(session.version).replayed(done.replayed)
}

/// Nothing is started that has no prices: it could never run. Not asked of a repeat.
pub(super) async fn check_traded(
    app: &App,
    context: &Context,
    currency: Currency,
    targets: Option<&Targets>,
) -> Result<(), Problem> {
    let mut check = Check::default();
    match app.market(currency) {
        Some(market) => note_untraded(&mut check, &market, targets),
        None => check.flaw("/currency", Flaw::NothingTraded { currency }),
    }
    if check.is_clean() || app.commands().is_known(context).await? {
        Ok(())
    } else {
        Err(check.into_problem())
    }
}

/// The same for what one that was started is to hold: its currency was traded once.
pub(super) async fn check_targets(
    app: &App,
    context: &Context,
    currency: Currency,
    targets: &Targets,
) -> Result<(), Problem> {
    let mut check = Check::default();
    let market = app.market(currency);
    if let Some(market) = &market {
        note_untraded(&mut check, market, Some(targets));
    }
    if (market.is_some() && check.is_clean()) || app.commands().is_known(context).await? {
        return Ok(());
    }
    let unavailable = || Problem::new(Detail::NoPrices { currency });
    Err(if market.is_none() { unavailable() } else { check.into_problem() })
}

fn note_untraded(check: &mut Check, market: &Market, targets: Option<&Targets>) {
    let currency = market.currency;
    let assets = targets.into_iter().flat_map(Targets::assets);
    for asset in assets.filter(|asset| *asset != currency && !market.listed.contains_key(asset)) {
        check.flaw(pointer_at("/targets", asset.code()), Flaw::NotTraded { currency });
    }
}
