//! POST /users/settings/revert.

use super::log::changing;
use super::{Wished, answer};
use crate::app::App;
use crate::input::{Check, JsonBody, Raw, is_absent};
use crate::openapi::Problems;
use crate::output::SettingsBody;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = RevertRequest)]
pub(crate) struct RevertForm<'a> {
    /// As the history has it; 0 are the defaults.
    #[serde(borrow)]
    #[schema(value_type = u32, required, example = 1)]
    version: Raw<'a>,
}

/// Go back to the settings of a version
///
/// They become the newest version. Secrets stay as they are: what was replaced is gone, and `telegram.enabled` is off where
/// its secrets are missing by now.
#[utoipa::path(
    post, path = "/users/settings/revert", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:write"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the settings still have this version"),
    ),
    request_body = RevertForm<'_>,
    responses((status = 200, description = "The settings as they are now", body = SettingsBody), Problems)
)]
pub(crate) async fn revert(
    State(app): State<App>,
    Wished { wish, arrival }: Wished,
    body: Result<JsonBody, Problem>,
) -> Result<Response, Problem> {
    let user_id = wish.user_id;
    let attempt = async {
        let version = version_in(&body?)?;
        Ok((app.commands().revert_settings(wish, version.into()).await?, ()))
    };
    let (done, ()) = changing(&arrival, user_id, attempt).await?;
    answer(&app, user_id, &done).await
}

fn version_in(body: &JsonBody) -> Result<u32, Problem> {
    let form: RevertForm<'_> = body.read()?;
    let mut check = Check::default();
    if is_absent(form.version) {
        check.missing("/version");
    }
    let version = check.integer("/version", form.version, 0..=u32::MAX);
    let Some(version) = version else { return Err(check.into_problem()) };
    check.finish()?;
    Ok(version)
}
