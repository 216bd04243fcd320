//! POST /wallets/{id}/freeze, /unfreeze and /close.

use crate::app::App;
use crate::auth::require_recent_login;
use crate::auth::rule::{Administer, ManageAnyAccount};
use crate::auth::{Caller, ConfirmationForm};
use crate::door::Arrival;
use crate::input::{Asked, Check, JsonBody, Raw, WalletPath};
use crate::openapi::Problems;
use crate::output::{Answer, WalletAtBody, WalletBody};
use crate::problem::Problem;
use crate::routes::movement::{BoundsForm, Reached, problem, reach};
use axum::extract::State;
use axum::response::Response;
use commands::wallets::Aim;
use commands::{Context, Done};
use domain::wallet::Wallet;
use domain::{Reference, UserId, WalletId};
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = FreezeRequest)]
pub(crate) struct FreezeForm<'a> {
    /// For whoever reads the request: it is not kept.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "under review")]
    reason: Raw<'a>,
    /// One's own, if the last sign-in is longer ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    current_password: Raw<'a>,
}

/// Freeze a wallet (admin)
///
/// Nothing leaves it and nothing more is held until it is unfrozen: withdrawals, transfers out of it, new holds and captures
/// are 409 `wallet_frozen`. What comes in, comes in; holds can be released and expire. Freezing a frozen wallet changes
/// nothing.
#[utoipa::path(
    post, path = "/wallets/{id}/freeze", tag = "wallets", security(("access_token" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet is at this version"),
    ),
    request_body = Option<FreezeForm<'_>>,
    responses((status = 200, description = "Frozen", body = WalletAtBody), Problems)
)]
pub(crate) async fn freeze(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Administer>,
    WalletPath(id): WalletPath,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form = read(body.as_ref())?;
    require_recent_login(&app, allowed.caller, form.current_password).await?;
    let reached = reach(&app, allowed.authority, id).await?;
    change(&app, context, &arrival, reached, (Aim::Freeze, "wallet_frozen")).await
}

/// Let a frozen wallet go on (admin)
///
/// Unfreezing one that is not frozen changes nothing.
#[utoipa::path(
    post, path = "/wallets/{id}/unfreeze", tag = "wallets", security(("access_token" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet is at this version"),
    ),
    request_body = Option<FreezeForm<'_>>,
    responses((status = 200, description = "Active", body = WalletAtBody), Problems)
)]
pub(crate) async fn unfreeze(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Administer>,
    WalletPath(id): WalletPath,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form = read(body.as_ref())?;
    require_recent_login(&app, allowed.caller, form.current_password).await?;
    let reached = reach(&app, allowed.authority, id).await?;
    change(&app, context, &arrival, reached, (Aim::Unfreeze, "wallet_unfrozen")).await
}

/// Close a wallet, for ever
///
/// It has to be empty, with nothing posted and no hold: else 409 `wallet_not_empty`. Its owner may open another one in
/// this currency. Closing one that is closed changes nothing.
#[utoipa::path(
    post, path = "/wallets/{id}/close", tag = "wallets", security(("access_token" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "One's own wallet; an admin: anybody's"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet is at this version"),
    ),
    request_body = Option<ConfirmationForm<'_>>,
    responses((status = 200, description = "Closed", body = WalletAtBody), Problems)
)]
pub(crate) async fn close(
    State(app): State<App>,
    Asked { allowed, context }: Asked<ManageAnyAccount>,
    WalletPath(id): WalletPath,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form = ConfirmationForm::of(body.as_ref())?;
    let reached = reach(&app, allowed.authority, id).await?;
    confirm(&app, allowed.caller, reached.wallet.owner, form.current_password).await?;
    change(&app, context, &arrival, reached, (Aim::Close, "wallet_closed")).await
}

fn read(body: Option<&JsonBody>) -> Result<FreezeForm<'_>, Problem> {
    let form: FreezeForm<'_> = body.map(JsonBody::read).transpose()?.unwrap_or_default();
    let mut check = Check::default();
    check.optional("/reason", form.reason, Reference::parse);
    check.finish()?;
    Ok(form)
}

/// What an admin does to others takes a recent sign-in; what is one's own does not.
async fn confirm(app: &App, caller: Caller, owner: UserId, current_password: Raw<'_>) -> Result<(), Problem> {
    if caller.user_id() == owner {
        return Ok(());
    }
    require_recent_login(app, caller, current_password).await
}

async fn change(
    app: &App,
    context: Context,
    arrival: &Arrival,
    reached: Reached,
    (aim, event): (Aim, &'static str),
) -> Result<Response, Problem> {
    let none = BoundsForm { expected_version: None, min_available_after: None, max_available_after: None };
    let wish = reached.wish(&context, none, |_| Some(aim))?;
    let done = match app.commands().ask_wallet(context, wish).await {
        Ok(done) => done,
        Err(failure) => return Err(problem(app, failure).await),
    };
    let wallet = as_left(app, reached.wallet.id, &done).await?;
    logged(arrival, &Changed { event, user_id: wallet.user_id, updated_fields: "status" }, &done);
    Ok(Answer::ok()
        .position(done.position)
        .version(wallet.version)
        .replayed(done.replayed)
        .json(&WalletAtBody { wallet, position: done.position }))
}

/// As the command left it, even if it left it as it was: so that a repeat reads the same.
async fn as_left(app: &App, id: WalletId, done: &Done) -> Result<WalletBody, Problem> {
    let changed = done.events.first().map(|recorded| WalletBody::of(recorded)).transpose();
    if let Some(wallet) = changed.map_err(|error| Problem::internal(&error))?.flatten() {
        return Ok(wallet);
    }
    let then = app.journal().load_at::<Wallet>(id.0, done.position).await?;
    let account = then.state.account().ok_or_else(|| Problem::internal(&"a wallet that was never opened"))?;
    Ok(WalletBody::of_account(account, then.sequence))
}

/// What happened, for the log: names of fields and never a value.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) event: &'static str,
    pub(super) user_id: UserId,
    pub(super) updated_fields: &'static str,
}

/// Once, and not if nothing changed.
pub(super) fn logged(arrival: &Arrival, changed: &Changed, done: &Done) {
    if done.replayed || done.events.is_empty() {
        return;
    }
    tracing::info!(
        event = changed.event,
        user_id = %changed.user_id,
        request_id = arrival.request_id.as_str(),
        position = done.position,
        updated_fields = changed.updated_fields,
    );
}
