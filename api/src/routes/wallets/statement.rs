//! GET /wallets/{id}/statement.
//!
//! Its bounds are positions before the first byte leaves, and what lies between them never changes: so it is read in chunks,
//! as fast as the client takes them, and nothing is held meanwhile. Each line has to continue the balance of the one before it,
//! from the opening balance to the closing one, which come from the journal itself; if one does not, the answer breaks off.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadWallet;
use crate::directory::WalletFacts;
use crate::input::{Check, MinPosition, Query, WalletPath, moment_or_day};
use crate::openapi::Problems;
use crate::output::{Answer, StatementBody, StatementFormat, StatementPieces};
use crate::problem::{Flaw, Problem};
use crate::routes::{movement, reading};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::Response;
use domain::{Money, Timestamp, Zone};
use futures::stream;
use projections::{PostingRow, QueryError};
use serde::Deserialize;
use std::ops::Range;
use utoipa::IntoParams;

/// Lines that are read at once: some hundred kilobytes.
const CHUNK: i64 = 1_000;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatementQuery {
    /// Only what was recorded at this moment or later: a time, or a day that begins by the clocks of one's `timezone`.
    #[param(value_type = Option<String>, example = "2026-01-31")]
    from: Option<String>,
    /// Only what was recorded before this moment: a time, or the beginning of a day.
    #[param(value_type = Option<String>, example = "2026-02-01")]
    to: Option<String>,
    /// `json` or `csv`. Without it `Accept` decides.
    #[param(example = "csv")]
    format: Option<String>,
}

struct Wanted {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    format: StatementFormat,
}

impl StatementQuery {
    fn read(&self, headers: &HeaderMap, zone: &Zone) -> Result<Wanted, Problem> {
        let mut check = Check::default();
        let from = check.parameter("?from", self.from.as_deref(), |text| moment_or_day(text, zone));
        let to = check.parameter("?to", self.to.as_deref(), |text| moment_or_day(text, zone));
        let format = check.parameter("?format", self.format.as_deref(), |name| match name {
            "json" => Ok(StatementFormat::Json),
            "csv" => Ok(StatementFormat::Csv),
            _ => Err(Flaw::not_among(&["json", "csv"])),
        });
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            check.flaw("?to", Flaw::BeforeFrom);
        }
        check.finish()?;
        let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let otherwise =
            if accepted.contains("text/csv") { StatementFormat::Csv } else { StatementFormat::Json };
        Ok(Wanted { from, to, format: format.unwrap_or(otherwise) })
    }
}

/// A wallet's statement: opening balance, every posting, closing balance
///
/// Each line says the balance after it, so the lines lead from the opening balance to the closing one. Captures stand in it
/// one by one; a hold by itself posts nothing. As CSV with `format=csv` or `Accept: text/csv`: a text that begins like a
/// formula stands behind an apostrophe there. `local_time` and `description` are for people: by the clocks and in the language
/// of the caller's preferences. An answer that breaks off before its closing balance is not complete.
#[utoipa::path(
    get, path = "/wallets/{id}/statement", tag = "wallets", security(("access_token" = []), ("api_key" = ["wallet:read"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        StatementQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses(
        (status = 200, description = "The statement", content(
            (StatementBody = "application/json"), (String = "text/csv"),
        )),
        Problems,
    )
)]
pub(crate) async fn statement(
    State(app): State<App>,
    allowed: Allowed<ReadWallet>,
    WalletPath(id): WalletPath,
    Query(query): Query<StatementQuery>,
    min: MinPosition,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wallet = movement::wallet_of(&app, allowed.authority, id).await?;
    let reader = reading::reader(&app, allowed.caller, min).await?;
    let wanted = query.read(&headers, &reader.zone)?;
    let (mut empty, sequences) = bounds(&app, wallet, &wanted, min).await?;
    empty.timezone = reader.zone.to_string();
    let pieces =
        StatementPieces::new(wanted.format, reader, &empty).map_err(|error| Problem::internal(&error))?;
    let course = Course {
        app,
        wallet,
        sequences,
        balance: empty.opening_balance,
        closing_balance: empty.closing_balance,
        pieces,
    };
    let body = Body::from_stream(stream::try_unfold(Stage::Opening(course), Stage::next));
    let file = format!("statement-{id}.csv");
    let file = (wanted.format == StatementFormat::Csv).then_some(file.as_str());
    Ok(Answer::ok().position(empty.position).stream(wanted.format.content_type(), file, body))
}

/// The statement without its lines, and which of the wallet's sequences they have.
async fn bounds(
    app: &App,
    wallet: WalletFacts,
    wanted: &Wanted,
    min: MinPosition,
) -> Result<(StatementBody, Range<i64>), Problem> {
    let journal = app.journal();
    let known = app.read_models().transactions_known(min.0).await?;
    let until = match wanted.to {
        Some(to) => journal.position_before(to).await?.min(known),
        None => known,
    };
    let after = match wanted.from {
        Some(from) => journal.position_before(from).await?.min(until),
        None => 0,
    };
    let opening = reading::wallet_after(app, wallet.id, after).await?;
    let closing = reading::wallet_after(app, wallet.id, until).await?;
    let first = opening.as_ref().map_or(1, |wallet| wallet.version + 1);
    let end = closing.as_ref().map_or(1, |wallet| wallet.version + 1);
    let zero = Money::zero(wallet.currency);
    let empty = StatementBody {
        wallet_id: wallet.id,
        currency: wallet.currency,
        from: wanted.from,
        to: wanted.to,
        timezone: String::new(),
        opening_balance: opening.map_or(zero, |wallet| wallet.posted),
        lines: Vec::new(),
        closing_balance: closing.map_or(zero, |wallet| wallet.posted),
        position: until,
    };
    Ok((empty, first..end))
}

/// A statement under way.
struct Course {
    app: App,
    wallet: WalletFacts,
    /// What is still to come.
    sequences: Range<i64>,
    /// After the last line that was written.
    balance: Money,
    closing_balance: Money,
    pieces: StatementPieces,
}

enum Stage {
    Opening(Course),
    Lines(Course),
    Ended,
}

#[derive(Debug, thiserror::Error)]
enum StatementError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("it cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the balance after sequence {sequence} does not follow from the one before")]
    Line { sequence: i64 },
    #[error("the lines do not lead to the closing balance")]
    Closing,
}

impl Stage {
    async fn next(self) -> Result<Option<(Bytes, Self)>, StatementError> {
        match self {
            Self::Ended => Ok(None),
            Self::Opening(course) => {
                Ok(Some((Bytes::from(course.pieces.opening.clone()), Self::Lines(course))))
            }
            Self::Lines(course) => {
                let wallet_id = course.wallet.id;
                let chunk = course.chunk().await;
                if let Err(error) = &chunk {
                    tracing::error!(event = "statement_broken_off", %wallet_id, error_message = %error);
                }
                chunk.map(Some)
            }
        }
    }
}

impl Course {
    async fn chunk(mut self) -> Result<(Bytes, Stage), StatementError> {
        let rows = self.app.read_models().postings(self.wallet.id, self.sequences.clone(), CHUNK).await?;
        let is_last = i64::try_from(rows.len()).is_ok_and(|read| read < CHUNK);
        for row in &rows {
            self.balance = follow(self.balance, row)?;
        }
        if let Some(last) = rows.last() {
            self.sequences.start = last.sequence + 1;
        }
        let mut text = self.pieces.lines(rows)?;
        if !is_last {
            return Ok((Bytes::from(text), Stage::Lines(self)));
        }
        if self.balance != self.closing_balance {
            return Err(StatementError::Closing);
        }
        text.push_str(&self.pieces.closing);
        Ok((Bytes::from(text), Stage::Ended))
    }
}

/// The balance after a line, if it is what the line says.
fn follow(balance: Money, row: &PostingRow) -> Result<Money, StatementError> {
    let after = if row.is_credit { balance.checked_add(row.amount) } else { balance.checked_sub(row.amount) };
    let follows = after.is_ok_and(|after| after == row.posted_after);
    if follows { Ok(row.posted_after) } else { Err(StatementError::Line { sequence: row.sequence }) }
}
