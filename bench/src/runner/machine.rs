//! What the figures were measured on. Without these, nobody can compare them with their own.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::error::{Doing, Result};
use crate::report::Report;
use crate::server::Server;

/// Long enough for a hundred syncs of a slow disk.
const SYNC_TIME: Duration = Duration::from_secs(1);
/// What Postgres writes at least when it commits.
const SYNC_BYTES: usize = 8 << 10;

const SETTINGS: [&str; 10] = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "wal_compression",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
];

pub(crate) async fn describe(server: &Server, directory: &Path, report: &mut Report) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    report.set("machine_cores", json!(cores));
    report.set("machine_cpu", first_value("/proc/cpuinfo", "model name"));
    report.set("machine_memory", first_value("/proc/meminfo", "MemTotal"));
    report.set("machine_kernel", json!(read("/proc/sys/kernel/osrelease")));
    let syncs = syncs_per_second(directory)?;
    report.figure("machine_fdatasync_per_s", syncs);
    report.figure("machine_fdatasync_us", 1e6 / syncs.max(1.0));
    let mut connection = crate::seed::database(server).await?;
    for name in SETTINGS {
        report.set(&format!("postgres_{name}"), setting(&mut connection, name).await?);
    }
    report.set("nats_version", nats_version(&server.runtime.nats_url));
    Ok(())
}

async fn setting(connection: &mut PgConnection, name: &str) -> Result<Value> {
    let value: String = sqlx::query_scalar("select current_setting($1)")
        .bind(name)
        .fetch_one(connection)
        .await
        .doing("asking for a setting")?;
    Ok(json!(value))
}

/// How often this disk makes a page durable when asked again and again.
fn syncs_per_second(directory: &Path) -> Result<f64> {
    let path = directory.join("fdatasync.tmp");
    let doing = "measuring fdatasync";
    let mut file = fs::File::create(&path).doing(doing)?;
    let page = [0x5a; SYNC_BYTES];
    let started = Instant::now();
    let mut count = 0.0;
    while started.elapsed() < SYNC_TIME {
        file.write_all(&page).doing(doing)?;
        file.sync_data().doing(doing)?;
        count += 1.0;
    }
    let took = started.elapsed().as_secs_f64();
    fs::remove_file(&path).doing(doing)?;
    Ok(count / took)
}

/// A nats-server says who it is as soon as somebody connects.
fn nats_version(url: &str) -> Value {
    let told = || -> Option<Value> {
        let authority = url.split("://").nth(1)?.split('/').next()?;
        let address = authority.rsplit('@').next()?;
        let stream = std::net::TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut line).ok()?;
        let info: Value = serde_json::from_str(line.strip_prefix("INFO ")?).ok()?;
        info.get("version").cloned()
    };
    told().unwrap_or(Value::Null)
}

fn first_value(path: &str, name: &str) -> Value {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    json!(line.split_once(':').map_or("", |(_, value)| value).trim())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}
