//! POST /users/settings/import.

use super::log::{changed_fields, changing};
use super::{Wished, body_after};
use crate::app::App;
use crate::input::JsonBody;
use crate::openapi::Problems;
use crate::output::{Answer, ImportedBody, PassedOverBody};
use crate::problem::{FieldCode, Problem};
use axum::extract::State;
use axum::response::Response;
use domain::settings::{Imported, Value};

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
    Wished { wish, arrival }: Wished,
    body: Result<JsonBody, Problem>,
) -> Result<Response, Problem> {
    let user_id = wish.user_id;
    let attempt = async {
        let file: Value = body?.read()?;
        let Imported { patch, taken, ignored, refused } = domain::settings::import(&file);
        let done = app.commands().import_settings(wish, &file, patch).await?;
        Ok((done, (taken, ignored, refused)))
    };
    let (done, (taken, ignored, refused)) = changing(&arrival, user_id, attempt).await?;
    let (tag, settings) = body_after(&app, user_id, &done).await?;
    let forbidden = FieldCode::SettingForbidden.as_str();
    let refused = refused.into_iter().map(|pointer| PassedOverBody { pointer, code: forbidden });
    let ignored = ignored.into_iter().map(|(pointer, why)| PassedOverBody { pointer, code: why.as_str() });
    let body = ImportedBody {
        settings,
        taken,
        ignored: ignored.collect(),
        refused: refused.collect(),
        changed: changed_fields(&done),
        position: done.position,
    };
    Ok(Answer::ok().position(done.position).version(tag).replayed(done.replayed).json(&body))
}
