//! POST /trading-sessions.

use super::{Changed, answer, as_left, check_traded, confirm, forms};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::{Hold, Trade};
use crate::door::{Arrival, PREFIX};
use crate::input::{Check, JsonBody, Keyed, Raw, moment};
use crate::openapi::Problems;
use crate::output::{Answer, TradingSessionAtBody};
use crate::problem::{Code, Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use commands::sessions::StartWish;
use commands::{Failure, Refusal};
use domain::trading::ExchangeName;
use domain::user::preferences::{INTERVAL_S, capital, share};
use domain::user::{TradingMode, UserRefusal};
use domain::{Currency, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

/// Every field is optional: what is left out, the preferences say.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewTradingSession)]
pub(crate) struct StartForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = Option<String>, pattern = "^(paper|live)$", example = "paper")]
    mode: Raw<'a>,
    /// Plan runs, and let no order leave. Without it a session on paper trades, and a live one does not.
    #[schema(value_type = Option<bool>, example = false)]
    dry_run: Raw<'a>,
    /// `paper` on paper, `binance` for live; said alone, it says the mode.
    #[schema(value_type = Option<String>, pattern = "^(paper|binance)$", example = "paper")]
    exchange: Raw<'a>,
    #[schema(schema_with = forms::amount_schema, required = false)]
    capital: Raw<'a>,
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9]{2,10}$", example = "USDT")]
    currency: Raw<'a>,
    #[schema(schema_with = forms::targets_schema, required = false)]
    targets: Raw<'a>,
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 604_800, example = 3600)]
    interval_s: Raw<'a>,
    /// Whether it runs by itself, every so often.
    #[schema(value_type = Option<bool>, example = true)]
    auto_rebalance: Raw<'a>,
    #[schema(schema_with = forms::share_schema, required = false)]
    risk_per_trade: Raw<'a>,
    #[schema(schema_with = forms::share_schema, required = false)]
    max_drawdown: Raw<'a>,
    /// How far from its targets it may drift, as a share of the whole, before it runs out of turn. Without it, it never does.
    #[schema(schema_with = forms::share_schema, required = false)]
    drift_threshold: Raw<'a>,
    /// When it runs first; a moment that has passed means at once.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    next_run_at: Raw<'a>,
    /// A wallet in this currency, in which the capital is held for as long as the session has not stopped. It takes what
    /// holds take: a key has the scope `wallet:hold`, too.
    #[schema(value_type = Option<String>, format = Uuid, example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02")]
    reserve_from: Raw<'a>,
    /// Whose it is to be, said by an admin or a service; one's own, if left out.
    #[schema(value_type = Option<String>, format = Uuid, example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02")]
    user_id: Raw<'a>,
    /// An admin's own, for somebody else's session, if their last sign-in is longer ago than a few minutes.
    #[serde(rename = "current_password")]
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    _current_password: Raw<'a>,
}

/// Start a trading session
///
/// On paper its capital is virtual, and there may be ten at once: the next one is 409 `too_many_trading_sessions`. A live one
/// takes credentials for its exchange (409 `credentials_missing`), and has the account there to itself (409
/// `session_conflict`). With `reserve_from`, a hold in that wallet is placed in the same step and ends with the session. A
/// currency or an asset for which there are no prices is 422 `not_traded`.
#[utoipa::path(
    post, path = "/trading-sessions", tag = "trading", security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(("Idempotency-Key" = String, Header, description = "Makes repeating the request safe")),
    request_body = StartForm<'_>,
    responses((status = 201, description = "Started", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn start(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Trade>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: StartForm<'_> = body.read()?;
    let (wish, named) = form.read()?;
    let user_id = named.unwrap_or_else(|| allowed.caller.user_id());
    if !allowed.authority.covers(user_id) {
        return Err(Problem::of(Code::UserNotFound));
    }
    if wish.reserve_from.is_some() && !Allowed::<Hold>::check(allowed.caller)?.authority.covers(user_id) {
        return Err(Problem::of(Code::WalletNotFound));
    }
    confirm(&app, allowed.caller, user_id, Some(&body)).await?;
    let is_traded = |currency| app.market(currency).is_some();
    let currency = match wish.currency {
        Some(currency) => currency,
        None => app.commands().preferences_for(user_id, &wish, &is_traded).await?.default_currency,
    };
    check_traded(&app, &context, currency, wish.targets.as_ref()).await?;
    let done = app.commands().start_session(context, user_id, wish, &is_traded).await.map_err(problem)?;
    let session = as_left(&done)?;
    let changed = Changed { event: "trading_session_started", updated_fields: "state" };
    changed.log(&arrival, &session, &done);
    let place = format!("{PREFIX}/trading-sessions/{}", session.id);
    Ok(answer(Answer::created().location(&place), &done, &session)
        .json(&TradingSessionAtBody { position: done.position, session }))
}

/// Here the capital stands under a name of its own.
fn problem(failure: Failure) -> Problem {
    let (flaw, position, replayed) = match failure {
        Failure::Refused { refusal: Refusal::User(refusal), position, replayed } => match refusal {
            UserRefusal::CapitalTooFine { currency } => (Flaw::FinerThan { currency }, position, replayed),
            UserRefusal::CapitalTooLarge { currency } => (Flaw::LargerThan { currency }, position, replayed),
            other => {
                return Failure::Refused { refusal: other.into(), position, replayed }.into();
            }
        },
        other => return other.into(),
    };
    Problem::flaw("/capital", flaw).at_position(position).replayed(replayed)
}

impl StartForm<'_> {
    /// What is wished for, and for whom, if that is said.
    fn read(&self) -> Result<(StartWish, Option<UserId>), Problem> {
        let mut check = Check::default();
        let mode = check.optional("/mode", self.mode, |name| match name {
            "paper" => Ok(TradingMode::Paper),
            "live" => Ok(TradingMode::Live),
            _ => Err(Flaw::not_among(&["paper", "live"])),
        });
        let exchange = check.optional("/exchange", self.exchange, |name| {
            let unknown = || Flaw::not_among(&["paper", "binance"]);
            ExchangeName::parse(name).ok_or_else(unknown)
        });
        let fitting = exchange.map(|exchange| match exchange {
            ExchangeName::Paper => TradingMode::Paper,
            ExchangeName::Binance => TradingMode::Live,
        });
        if mode.zip(fitting).is_some_and(|(mode, fitting)| mode != fitting) {
            check.flaw("/exchange", Flaw::NotOfTheMode);
        }
        let id = |_| Flaw::NotAnId;
        let wish = StartWish {
            mode: mode.or(fitting),
            dry_run: check.switch("/dry_run", self.dry_run),
            exchange,
            capital: check.money("/capital", self.capital, capital),
            currency: check.optional("/currency", self.currency, Currency::parse),
            targets: check.targets("/targets", self.targets),
            interval_s: check.integer("/interval_s", self.interval_s, INTERVAL_S),
            auto_rebalance: check.switch("/auto_rebalance", self.auto_rebalance),
            risk_per_trade: check.decimal("/risk_per_trade", self.risk_per_trade, share),
            max_drawdown: check.decimal("/max_drawdown", self.max_drawdown, share),
            drift_threshold: check.decimal("/drift_threshold", self.drift_threshold, share),
            next_run_at: check.optional("/next_run_at", self.next_run_at, moment),
            reserve_from: check.optional("/reserve_from", self.reserve_from, |text| text.parse().map_err(id)),
        };
        let user_id = check.optional("/user_id", self.user_id, |text| text.parse().map_err(id));
        check.finish()?;
        Ok((wish, user_id))
    }
}
