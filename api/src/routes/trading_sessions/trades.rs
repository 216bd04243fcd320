//! GET /trading-sessions/{id}/trades, and those of one user: page by page as JSON, or all of them as CSV.
//!
//! Rows are only ever added at the top, so a CSV is read page by page by the cursor of the page before, as fast as the
//! client takes it, and holds nothing meanwhile.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{Check, ListQuery, MinPosition, Query, TradingSessionPath, moment};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, TradeBody};
use crate::problem::{Flaw, Problem};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::response::Response;
use futures::stream;
use projections::{At, Items, Page, QueryError, TradeFilter, TradeRow, TradeType, TradesOf};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

/// Lines that are read at once: some hundred kilobytes.
const CHUNK: u16 = 1_000;
/// No pair has a longer name.
const SYMBOL_MAX: usize = 20;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TradesQuery {
    /// Only these: `manual` or `auto`.
    #[serde(rename = "type")]
    #[param(example = "auto")]
    trade_type: Option<String>,
    #[param(example = "BTCUSDT")]
    symbol: Option<String>,
    /// Only those that did happen, or only those that did not.
    #[param(value_type = Option<bool>)]
    success: Option<String>,
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
    /// Only those of this run.
    #[param(value_type = Option<uuid::Uuid>)]
    run_id: Option<String>,
    /// Only what was recorded at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Only what was recorded before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// `json` or `csv`. Without it `Accept` decides.
    #[param(example = "csv")]
    format: Option<String>,
}

fn truth(text: &str) -> Result<bool, Flaw> {
    text.parse().map_err(|_| Flaw::NotASwitch)
}

fn symbol(text: &str) -> Result<String, Flaw> {
    let is_symbol = (1..=SYMBOL_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    is_symbol.then(|| text.to_ascii_uppercase()).ok_or(Flaw::NoPair)
}

impl TradesQuery {
    fn read(&self, check: &mut Check) -> TradeFilter {
        TradeFilter {
            trade_type: check.parameter("?type", self.trade_type.as_deref(), |name| match name {
                "manual" => Ok(TradeType::Manual),
                "auto" => Ok(TradeType::Auto),
                _ => Err(Flaw::not_among(&["manual", "auto"])),
            }),
            symbol: check.parameter("?symbol", self.symbol.as_deref(), symbol),
            success: check.parameter("?success", self.success.as_deref(), truth),
            dry_run: check.parameter("?dry_run", self.dry_run.as_deref(), truth),
            run_id: check.parameter("?run_id", self.run_id.as_deref(), |text| {
                text.parse::<Uuid>().map_err(|_| Flaw::NotARunId)
            }),
            from: check.parameter("?from", self.from.as_deref(), moment),
            to: check.parameter("?to", self.to.as_deref(), moment),
        }
    }

    fn wants_csv(&self, check: &mut Check, accepts_csv: bool) -> bool {
        let said = check.parameter("?format", self.format.as_deref(), |name| match name {
            "json" => Ok(false),
            "csv" => Ok(true),
            _ => Err(Flaw::not_among(&["json", "csv"])),
        });
        said.unwrap_or(accepts_csv)
    }
}

/// Which trades, and how they are to be written.
#[derive(Debug)]
pub(crate) struct AskedTrades {
    filter: TradesQuery,
    query: ListQuery,
    min: MinPosition,
    accepts_csv: bool,
}

impl<S: Sync> FromRequestParts<S> for AskedTrades {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(filter) = Query::from_request_parts(parts, state).await?;
        let Query(query) = Query::from_request_parts(parts, state).await?;
        let min = MinPosition::from_request_parts(parts, state).await?;
        let accepted = parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self { filter, query, min, accepts_csv: accepted.contains("text/csv") })
    }
}

/// A session's trades, newest first
///
/// What was traded; what was meant to be and came to nothing (`success: false`, with the reason); and what a dry run would have
/// sent (`dry_run: true`). With `format=csv` or `Accept: text/csv` all of them from the cursor on, whatever the limit: a text
/// that begins like a formula stands behind an apostrophe there. A page may have fewer items than asked for, if what is looked
/// for is rare: the list ends where `next_cursor` is null.
#[utoipa::path(
    get, path = "/trading-sessions/{id}/trades", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        TradesQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses(
        (status = 200, description = "A page", content((ListBody<TradeBody> = "application/json"), (String = "text/csv"))),
        Problems,
    )
)]
pub(crate) async fn trades(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    asked: AskedTrades,
) -> Result<Response, Problem> {
    let id = reach(&app, &allowed, named, None).await?.session.id;
    page(&app, TradesOf::Session(id), asked).await
}

/// Trades that may be read.
pub(crate) async fn page(app: &App, of: TradesOf, asked: AskedTrades) -> Result<Response, Problem> {
    let AskedTrades { filter, query, min, accepts_csv } = asked;
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    let wants_csv = filter.wants_csv(&mut check, accepts_csv);
    let filter = filter.read(&mut check);
    check.finish()?;
    if wants_csv {
        return csv(app, of, filter, query.cursor, min).await;
    }
    let found = app.read_models().trades(of, filter, &Page { cursor: query.cursor, limit }, min.0).await?;
    let body = ListBody {
        items: found.value.items.into_iter().map(TradeBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}

/// A CSV under way.
struct Course {
    app: App,
    of: TradesOf,
    /// What was read, and is to be written.
    read: Items<TradeRow>,
    text: String,
}

async fn csv(
    app: &App,
    of: TradesOf,
    filter: TradeFilter,
    cursor: Option<String>,
    min: MinPosition,
) -> Result<Response, Problem> {
    // The first page is read before the first byte leaves: what is wrong with it is still said as a problem.
    let first: At<Items<TradeRow>> =
        app.read_models().trades(of, filter, &Page { cursor, limit: CHUNK }, min.0).await?;
    let course = Course { app: app.clone(), of, read: first.value, text: TradeBody::CSV_HEAD.to_owned() };
    let body = Body::from_stream(stream::try_unfold(Some(course), next));
    let file = match of {
        TradesOf::Session(id) => format!("trades-{id}.csv"),
        TradesOf::User(id) => format!("trades-{id}.csv"),
    };
    Ok(Answer::ok().position(first.position).stream("text/csv; charset=utf-8", Some(&file), body))
}

async fn next(course: Option<Course>) -> Result<Option<(Bytes, Option<Course>)>, QueryError> {
    let Some(Course { app, of, read, mut text }) = course else { return Ok(None) };
    for row in read.items {
        TradeBody::from(row).write_csv(&mut text);
    }
    let text = Bytes::from(text);
    let Some(cursor) = read.next_cursor else { return Ok(Some((text, None))) };
    let page = Page { cursor: Some(cursor), limit: CHUNK };
    let read = app.read_models().trades(of, TradeFilter::default(), &page, None).await;
    if let Err(error) = &read {
        tracing::error!(event = "trades_broken_off", error_message = %error);
    }
    Ok(Some((text, Some(Course { app, of, read: read?.value, text: String::new() }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> bool {
        let uri = format!("/trades?{query}").parse().unwrap();
        let axum::extract::Query(form) = axum::extract::Query::<TradesQuery>::try_from_uri(&uri).unwrap();
        let mut check = Check::default();
        form.read(&mut check);
        form.wants_csv(&mut check, false);
        !check.is_clean()
    }

    #[test]
    fn every_filter_is_checked() {
        for bad in [
            "type=scheduled",
            "type=",
            "symbol=",
            "symbol=BTC%2FUSDT",
            "symbol=BTCUSDTBTCUSDTBTCUSDT",
            "success=1",
            "dry_run=yes",
            "run_id=7",
            "from=yesterday",
            "to=2026-01-31",
            "format=xml",
        ] {
            assert!(refused(bad), "{bad}");
        }
        assert!(!refused("type=auto&symbol=btcusdt&success=true&dry_run=false&format=csv"));
    }
}
