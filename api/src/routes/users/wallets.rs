//! GET /users/{id}/wallets.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadWallet;
use crate::input::MinPosition;
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, WalletBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;

/// A user's wallets, one per currency
#[utoipa::path(
    get, path = "/users/{id}/wallets", tag = "users", security(("access_token" = []), ("api_key" = ["wallet:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "All of them", body = ListBody<WalletBody>), Problems)
)]
pub(crate) async fn wallets(
    State(app): State<App>,
    subject: Subject<ReadWallet>,
    min: MinPosition,
) -> Result<Response, Problem> {
    reading::somebody(&app, &subject).await?;
    let wallets = reading::wallets(&app, subject.user_id, min).await?;
    let body = ListBody { items: wallets.value, next_cursor: None, position: wallets.position };
    Ok(Answer::ok().position(body.position).json(&body))
}
