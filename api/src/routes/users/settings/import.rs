//! POST /users/settings/import.

use super::{body_after, changed_fields, log, number};
use crate::app::App;
use crate::auth::rule::WriteSettings;
use crate::door::Arrival;
use crate::input::{Asked, JsonBody};
use crate::openapi::Problems;
use crate::output::{Answer, ImportedBody, PassedOverBody};
use crate::problem::{FieldCode, Problem};
use axum::extract::State;
use axum::response::Response;
use domain::settings::{How, Value};

/// Take over a freqtrade's `config.json`
///
/// Such a file holds a whole bot. What may be set here is taken, what is only read or unknown is passed over, and what is
/// forbidden is refused, key by key: the answer says which. If a value of what may be set cannot be, nothing is taken (422).
/// Taking over an exported file changes nothing.
#[utoipa::path(
    post, path = "/users/settings/import", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:write"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the settings still have this version"),
    ),
    request_body(content = Object, example = json!({"max_open_trades": 5, "api_server": {"enabled": true}})),
    responses((status = 200, description = "What became of each key", body = ImportedBody), Problems)
)]
pub(crate) async fn import(
    State(app): State<App>,
    Asked { allowed, context }: Asked<WriteSettings>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let file: Value = body.read()?;
    let imported = domain::settings::import(&file);
    let user_id = allowed.caller.user_id();
    let outcome = app.commands().change_settings(context, user_id, imported.patch, How::Replace).await;
    log(&arrival, user_id, &outcome);
    let done = outcome?;
    let (version, settings) = body_after(&app, user_id, &done).await?;
    let forbidden = FieldCode::SettingForbidden.as_str();
    let refused = imported.refused.into_iter().map(|pointer| PassedOverBody { pointer, code: forbidden });
    let ignored =
        imported.ignored.into_iter().map(|(pointer, why)| PassedOverBody { pointer, code: why.as_str() });
    let body = ImportedBody {
        settings,
        taken: imported.taken,
        ignored: ignored.collect(),
        refused: refused.collect(),
        changed: changed_fields(&done),
        position: done.position,
    };
    let answer = Answer::ok().position(done.position).version(number(version)).replayed(done.replayed);
    Ok(answer.json(&body))
}
