//! `pgbench`: one prepared one-row INSERT a transaction, 64 clients, into a table like ours.
//!
//! The row is one of our own events: same columns, same texts. There is no index beside the primary key, no
//! idempotency row, no decision and no HTTP, so this is what Postgres gives to somebody who only inserts.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use sqlx::{Connection, PgConnection, Row};
use tokio::process::Command;

use crate::child::Guarded;
use crate::error::{BenchError, Doing, Result};

pub(crate) const CLIENTS: u32 = 64;
const THREADS: u32 = 2;

const TABLE: &str = "
    create table rows (
        position       bigint generated always as identity primary key,
        aggregate_type text collate \"C\" not null,
        aggregate_id   text collate \"C\" not null,
        sequence       bigint not null,
        event_type     text collate \"C\" not null,
        event_version  text collate \"C\" not null,
        payload        json not null,
        metadata       json not null,
        event_id       uuid not null,
        owner          uuid not null,
        recorded_at    timestamptz not null default now()
    )";
const SCRIPT: &str = "\\set n random(1, 1000000)
insert into rows (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, event_id, owner) \
values (:kind, :id, :n, :type, :version, :payload, :metadata, :event, :owner);
";
/// The newest deposit stands for all: they differ in a few digits.
const SAMPLE: &str = "
    select aggregate_type as kind, aggregate_id as id, event_type as type, event_version as version,
           payload::text as payload, metadata::text as metadata, event_id::text as event, owner::text as owner
      from events where event_type = 'WalletDeposited' order by position desc limit 1";
const COLUMNS: [&str; 8] = ["kind", "id", "type", "version", "payload", "metadata", "event", "owner"];

#[derive(Debug)]
pub(crate) struct PgBench {
    program: PathBuf,
    url: String,
    script: PathBuf,
    sample: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Inserts {
    pub(crate) per_second: f64,
    pub(crate) mean_ms: f64,
}

impl PgBench {
    /// Makes the table in `peers` and takes a row of `ours` as the sample.
    pub(crate) async fn prepare(ours: &str, peers: &str, directory: &Path) -> Result<Self> {
        let mut connection = PgConnection::connect(ours).await.doing("connecting to the database")?;
        let row = sqlx::query(SAMPLE).fetch_one(&mut connection).await.doing("reading a deposit")?;
        let text = |name: &'static str| row.try_get(name).map(|text| (name, text)).doing("reading a deposit");
        let sample = COLUMNS.into_iter().map(text).collect::<Result<_>>()?;
        let program = find_program(&mut connection).await?;
        let mut connection = PgConnection::connect(peers).await.doing("connecting to the peers' database")?;
        sqlx::raw_sql(TABLE).execute(&mut connection).await.doing("making pgbench's table")?;
        let script = directory.join("insert.sql");
        std::fs::write(&script, SCRIPT).doing(format!("writing {}", script.display()))?;
        Ok(Self { program, url: peers.to_owned(), script, sample })
    }

    /// Starts it; `finish` tells what it measured.
    pub(crate) fn start(&self, seconds: u32) -> Result<Guarded> {
        let mut command = Command::new(&self.program);
        command.args(["-n", "-M", "prepared", "-c", &CLIENTS.to_string(), "-j", &THREADS.to_string()]);
        command.args(["-T", &seconds.to_string()]).arg("-f").arg(&self.script);
        for (name, value) in &self.sample {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        command.arg(&self.url).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Guarded::spawn("pgbench", &mut command)
    }

    pub(crate) async fn finish(started: Guarded) -> Result<Inserts> {
        let output = started.output().await?;
        let text = String::from_utf8_lossy(&output.stdout);
        parse(&text).ok_or_else(|| BenchError::Ended {
            program: "pgbench".to_owned(),
            status: output.status.to_string(),
            words: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

/// The one that came with the running server; Debian keeps it out of PATH.
async fn find_program(connection: &mut PgConnection) -> Result<PathBuf> {
    let directory: String = sqlx::query_scalar("select setting from pg_config() where name = 'BINDIR'")
        .fetch_one(connection)
        .await
        .doing("asking Postgres where its programs are")?;
    let beside = Path::new(&directory).join("pgbench");
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = std::iter::once(beside.clone())
        .chain(std::env::split_paths(&in_path).map(|directory| directory.join("pgbench")));
    let found = candidates.into_iter().find(|path| path.is_file());
    found.ok_or(BenchError::Missing { program: "pgbench", path: beside })
}

fn parse(output: &str) -> Option<Inserts> {
    let value = |start: &str| -> Option<f64> {
        let rest = output.lines().find_map(|line| line.strip_prefix(start))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    Some(Inserts { per_second: value("tps = ")?, mean_ms: value("latency average = ")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_report_is_understood() {
        let report = "transaction type: insert.sql\nnumber of failed transactions: 0 (0.000%)\n\
            latency average = 2.815 ms\ninitial connection time = 62.1 ms\n\
            tps = 22736.510343 (without initial connection time)\n";
        assert_eq!(parse(report), Some(Inserts { per_second: 22_736.510_343, mean_ms: 2.815 }));
        assert_eq!(parse("pgbench: error: connection failed"), None);
    }

    #[tokio::test]
    async fn it_inserts_rows_like_ours() {
        let postgres = testkit::Postgres::start().await;
        let (ours, peers) = (postgres.database().await, postgres.database().await);
        let payload = r#"{"WalletDeposited":{"amount":"1.00","note":null,"posted_after":"it's 2.00"}}"#;
        let mut connection = PgConnection::connect(&ours).await.unwrap();
        sqlx::query(
            "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
             metadata, position, event_id, owner, recorded_at) values ('wallet', 'w', 1, 'WalletDeposited', \
             '1.0', $1::json, '{}', 1, gen_random_uuid(), gen_random_uuid(), now())",
        )
        .bind(payload)
        .execute(&mut connection)
        .await
        .unwrap();
        let room = std::env::temp_dir().join(format!("bench-pgbench-{}", std::process::id()));
        std::fs::create_dir_all(&room).unwrap();
        let pgbench = PgBench::prepare(&ours, &peers, &room).await.unwrap();
        let inserts = PgBench::finish(pgbench.start(1).unwrap()).await.unwrap();
        std::fs::remove_dir_all(&room).unwrap();
        assert!(inserts.per_second > 0.0);
        let mut connection = PgConnection::connect(&peers).await.unwrap();
        let same: (i64, i64) =
            sqlx::query_as("select count(*), count(*) filter (where payload::text = $1) from rows")
                .bind(payload)
                .fetch_one(&mut connection)
                .await
                .unwrap();
        assert!(same.0 > 0 && same.0 == same.1, "{same:?}");
    }
}
