//! POST /auth/refresh: exchanges a refresh token for the next one.

use super::signed_in;
use crate::app::App;
use crate::door::Arrival;
use crate::input::{Anonymous, Check, JsonBody, Raw};
use crate::openapi::Problems;
use crate::output::SignedInBody;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::{Context, Failure};
use domain::TextError;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = RefreshRequest)]
pub(crate) struct RefreshForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = String, required)]
    refresh_token: Raw<'a>,
}

/// Exchange a refresh token for a new pair
#[utoipa::path(
    post, path = "/auth/refresh", tag = "auth",
    request_body = RefreshForm<'_>,
    responses((status = 200, description = "Signed in again", body = SignedInBody), Problems)
)]
pub(crate) async fn refresh(
    State(app): State<App>,
    Anonymous(context): Anonymous,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let form: RefreshForm<'_> = body.read()?;
    let token =
        check.required("/refresh_token", form.refresh_token, |text| Ok::<_, TextError>(text.to_owned()));
    let Some(token) = token else { return Err(check.into_problem()) };
    let context = Context { key: None, ..context };
    let signed_in = app.commands().refresh(context, &token).await.inspect_err(|failure| {
        if let Failure::RefreshTokenReused { session_id } = failure {
            app.admission().revocations().end(*session_id);
            tracing::warn!(
                event = "refresh_token_reused",
                request_id = arrival.request_id.as_str(),
                session_id = %session_id
            );
        }
    })?;
    signed_in::answer(&app, signed_in).await
}
