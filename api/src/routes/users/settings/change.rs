//! PATCH /users/settings.

use super::{answer, log};
use crate::app::App;
use crate::auth::rule::WriteSettings;
use crate::door::Arrival;
use crate::input::{Asked, JsonBody};
use crate::openapi::Problems;
use crate::output::SettingsBody;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use domain::settings::{How, Value};

/// Change some of one's freqtrade settings
///
/// A JSON merge patch (RFC 7396): what it leaves out stays, null goes back to the default. Numbers are JSON numbers, or
/// decimals as strings. All of it is applied or nothing: 403 `setting_forbidden` names every key that is not for users to set,
/// 422 every value that cannot be. `telegram.token`, `chat_id` and `authorized_users` are sealed and never shown again.
#[utoipa::path(
    patch, path = "/users/settings", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:write"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if they still have this version: their own, which nothing else changes"),
    ),
    request_body(content = Object, example = json!({"max_open_trades": 5, "stake_currency": "USDT", "exchange": {"pair_whitelist": ["BTC/USDT"]}})),
    responses((status = 200, description = "The settings as they are now", body = SettingsBody), Problems)
)]
pub(crate) async fn change(
    State(app): State<App>,
    Asked { allowed, context }: Asked<WriteSettings>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let patch: Value = body.read()?;
    let user_id = allowed.caller.user_id();
    let outcome = app.commands().change_settings(context, user_id, patch, How::Merge).await;
    log(&arrival, user_id, &outcome);
    answer(&app, user_id, &outcome?).await
}
