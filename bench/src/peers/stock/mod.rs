//! cqrs-es and postgres-es as their users run them: an axum door, `CqrsFramework` over an event store, one
//! `GenericQuery` balance view.
//!
//! Where there is a choice it is the faster one: no authentication, no idempotency, accounts need not be
//! opened, the answer carries no body, a conflict is tried again at once inside the server, and the events
//! table has no index beside its key. It ends with its standard input, so it cannot outlive who started it.

mod account;
mod door;

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::child::Guarded;
use crate::error::{BenchError, Doing, Result};

pub(crate) use door::{StockOptions, serve};

/// Starts it as a process of its own.
pub(crate) async fn start(database_url: &str) -> Result<(Guarded, SocketAddr)> {
    let program = std::env::current_exe().doing("finding this program")?;
    let mut command = Command::new(program);
    command.arg("stock").env("BENCH_DATABASE_URL", database_url);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = Guarded::spawn("stock cqrs-es", &mut command)?;
    let output = server.child.stdout.take();
    let output = output.ok_or_else(|| BenchError::Unusable("stock cqrs-es without output".to_owned()))?;
    let line = BufReader::new(output).lines().next_line().await.doing("waiting for stock cqrs-es")?;
    let address = line.as_deref().and_then(|line| line.parse().ok());
    let address = address.ok_or_else(|| BenchError::Unusable("stock cqrs-es did not start".to_owned()))?;
    Ok((server, address))
}
