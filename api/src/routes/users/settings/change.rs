//! PATCH /users/settings.

use super::log::changing;
use super::{Wished, answer};
use crate::app::App;
use crate::input::JsonBody;
use crate::openapi::Problems;
use crate::output::SettingsBody;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use domain::settings::Value;

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
    Wished { wish, arrival }: Wished,
    body: Result<JsonBody, Problem>,
) -> Result<Response, Problem> {
    let user_id = wish.user_id;
    let attempt = async {
        let patch: Value = body?.read()?;
        Ok((app.commands().change_settings(wish, patch).await?, ()))
    };
    let (done, ()) = changing(&arrival, user_id, attempt).await?;
    answer(&app, user_id, &done).await
}
