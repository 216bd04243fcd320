//! GET /auth/me: the signed-in user, and what they have.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadProfile;
use crate::input::MinPosition;
use crate::openapi::Problems;
use crate::output::{Answer, UserBody, WalletBody};
use crate::problem::Problem;
use crate::routes::reading;
use crate::routes::users::balance::wallet_in;
use axum::extract::State;
use axum::response::Response;
use domain::UserId;
use projections::At;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    user: UserBody,
    /// The default wallet.
    wallet: Option<WalletBody>,
    wallets: Vec<WalletBody>,
    setup: Setup,
}

/// How far somebody new has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Setup {
    email_verified: bool,
    wallet: bool,
    /// Whether they left credentials for any exchange.
    exchange_credentials: bool,
}

/// Who is signed in
#[utoipa::path(
    get, path = "/auth/me", tag = "auth", security(("access_token" = []), ("api_key" = ["profile:read"])),
    params(("min_position" = Option<i64>, Query, description = "Wait until this position is included")),
    responses((status = 200, description = "The user with their wallets", body = Me), Problems)
)]
pub(crate) async fn me(
    State(app): State<App>,
    allowed: Allowed<ReadProfile>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let user_id = allowed.caller.user_id();
    let (profile, wallets, credentials) = tokio::try_join!(
        reading::profile(&app, user_id, min),
        reading::wallets(&app, user_id, min),
        left_credentials(&app, user_id, min),
    )?;
    let default = wallet_in(&app, user_id, None).await?.id;
    let position = profile.position.min(wallets.position).min(credentials.position);
    let body = Me {
        setup: Setup {
            email_verified: profile.value.email_verified,
            wallet: !wallets.value.is_empty(),
            exchange_credentials: credentials.value,
        },
        user: profile.value.into(),
        wallet: wallets.value.iter().find(|wallet| wallet.id == default).cloned(),
        wallets: wallets.value,
    };
    // No ETag: no one version covers a user and all their wallets.
    Ok(Answer::ok().position(position).json(&body))
}

async fn left_credentials(app: &App, user_id: UserId, min: MinPosition) -> Result<At<bool>, Problem> {
    let found = app.read_models().credentials_of(user_id, min.0).await?;
    Ok(At { position: found.position, value: !found.value.held.is_empty() })
}
