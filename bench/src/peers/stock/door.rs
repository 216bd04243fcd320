//! The server of the stock peer: one route.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use cqrs_es::AggregateError;
use cqrs_es::persist::GenericQuery;
use postgres_es::{PostgresCqrs, PostgresViewRepository, postgres_cqrs};
use serde::Deserialize;
use sqlx::postgres::PgPoolOptions;

use super::account::{BalanceView, BankAccount, Deposit};

use crate::error::{BenchError, Doing, Result};
use crate::terminal;

/// postgres-es' own tables, as its `init.sql` makes them.
const TABLES: &str = "
    create table if not exists events (
        aggregate_type text not null,
        aggregate_id   text not null,
        sequence       bigint not null check (sequence >= 0),
        event_type     text not null,
        event_version  text not null,
        payload        json not null,
        metadata       json not null,
        primary key (aggregate_type, aggregate_id, sequence)
    );
    create table if not exists balance_view (
        view_id text not null primary key,
        version bigint not null check (version >= 0),
        payload json not null
    );";

/// Attempts at one command before its client hears of the conflict.
const ATTEMPTS: u32 = 1_000;
/// With fewer connections than clients some requests wait; that is what a pool is for.
const POOL_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(crate) struct StockOptions {
    /// Database it may create its tables in
    #[arg(long, env = "BENCH_DATABASE_URL")]
    database_url: String,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Connections to Postgres
    #[arg(long, default_value_t = 16)]
    pool: u32,
}

/// Serves until its standard input ends. The address stands alone on its first line of output.
pub(crate) async fn serve(options: StockOptions) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(options.pool)
        .acquire_timeout(POOL_PATIENCE)
        .connect(&options.database_url)
        .await
        .doing("connecting to the database")?;
    sqlx::raw_sql(TABLES).execute(&pool).await.doing("creating the tables of postgres-es")?;
    let views =
        Arc::new(PostgresViewRepository::<BalanceView, BankAccount>::new("balance_view", pool.clone()));
    let framework = Arc::new(postgres_cqrs(pool, vec![Box::new(GenericQuery::new(views))], ()));
    let router = Router::new().route("/accounts/{id}/deposit", post(deposit)).with_state(framework);

    let listener = tokio::net::TcpListener::bind(options.listen).await.doing("listening")?;
    terminal::line(&listener.local_addr().doing("listening")?.to_string());
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let served = axum::serve(listener, router);
    tokio::select! {
        ended = std::future::IntoFuture::into_future(served) => ended.doing("serving"),
        ended = tokio::task::spawn_blocking(read_to_end_of_input) => {
            ended.map_err(|error| BenchError::Unusable(error.to_string()))
        }
    }
}

fn read_to_end_of_input() {
    let mut nothing = [0; 64];
    while std::io::stdin().read(&mut nothing).is_ok_and(|count| count > 0) {}
}

#[derive(Debug, Deserialize)]
struct DepositBody {
    amount: String,
}

async fn deposit(
    State(framework): State<Arc<PostgresCqrs<BankAccount>>>,
    Path(id): Path<String>,
    Json(body): Json<DepositBody>,
) -> std::result::Result<StatusCode, (StatusCode, String)> {
    let amount = minor_units(&body.amount)
        .ok_or_else(|| (StatusCode::UNPROCESSABLE_ENTITY, "an amount has two decimals".to_owned()))?;
    for _ in 0..ATTEMPTS {
        match framework.execute(&id, Deposit { amount }).await {
            Ok(()) => return Ok(StatusCode::NO_CONTENT),
            Err(AggregateError::AggregateConflict) => {}
            Err(AggregateError::UserError(refused)) => {
                return Err((StatusCode::UNPROCESSABLE_ENTITY, refused.to_string()));
            }
            Err(error) => return Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
        }
    }
    Err((StatusCode::CONFLICT, "too many others deposit into this account".to_owned()))
}

fn minor_units(amount: &str) -> Option<i128> {
    let (whole, cents) = amount.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if cents.len() != 2 || !digits(whole) || !digits(cents) {
        return None;
    }
    whole.parse::<i128>().ok()?.checked_mul(100)?.checked_add(cents.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_decimals_and_nothing_else() {
        assert_eq!(minor_units("1.00"), Some(100));
        assert_eq!(minor_units("1234567890123456789.09"), Some(123_456_789_012_345_678_909));
        for wrong in ["1", "1.0", "-1.00", "+1.00", "1.0e", "", ".", "1.000"] {
            assert_eq!(minor_units(wrong), None, "{wrong}");
        }
    }
}
