//! POST /trading-sessions/{id}/deposit and /withdraw: capital on paper, in and out.

use super::Changed;
use super::control::KeyedControl;
use super::forms::FlowForm;
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::{Detail, Problem};
use axum::response::Response;
use commands::sessions::SessionWish;
use domain::user::TradingMode;

/// Put capital into a session on paper
///
/// It is no gain: returns and drawdown are those of the capital that was there. Everything that is held needs a price for
/// that: else 409 `market_unavailable`. No wallet is touched; what `reserve_from` holds stays as it is.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/deposit", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = FlowForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn deposit(control: KeyedControl) -> Result<Response, Problem> {
    flow(&control, Way::In).await
}

/// Take capital out of a session on paper
///
/// It is no loss. More than its cash is 422 `insufficient_cash`; everything that is held needs a price: else 409
/// `market_unavailable`. No wallet is touched.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/withdraw", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = FlowForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn withdraw(control: KeyedControl) -> Result<Response, Problem> {
    flow(&control, Way::Out).await
}

#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

async fn flow(control: &KeyedControl, way: Way) -> Result<Response, Problem> {
    control
        .change(|form: FlowForm<'_>, session| {
            let amount = form.read(session.currency)?;
            if session.mode == TradingMode::Live {
                return Err(Problem::new(Detail::CapitalAtTheExchange));
            }
            let (event, amount) = match way {
                Way::In => ("trading_session_capital_added", amount),
                Way::Out => ("trading_session_capital_taken", -amount),
            };
            Ok((SessionWish::ChangeCapital { amount }, Changed { event, updated_fields: "capital" }))
        })
        .await
}
