//! Seeding: a journal that looks as if it had been used for a long time.
//!
//! The few users that will log in register over HTTP: their tokens need passwords, and a password is hashed by the
//! server alone. Then the server is started without a writer, and everything else goes in bulk through the journal's own
//! door: thousands of other users, wallets with their histories, millions of old idempotency keys. A last start brings
//! the stream and the read models up. The result is kept with a stamp that says what it is; every run works on a copy,
//! so each begins where the others began.

mod bulk;
mod fill;
mod others;
mod sessions;
mod size;
mod users;
mod wallets;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::process::Command;

use crate::child::Guarded;
use crate::error::{BenchError, Doing, Result};
use crate::server::{Installation, Server, program};
use crate::terminal::Progress;

pub(crate) use sessions::{DueSession, SessionCounts, append_sessions, due_sessions};
pub(crate) use size::Size;
pub(crate) use users::{User, for_each, log_in};
pub(crate) use wallets::{Seeded, hot, long, ordinary, short};

/// Lies in the kept data; counterfoil leaves names it does not know alone.
const STAMP: &str = "seed.json";
/// Relaying and projecting millions of events takes a minute or two.
const CATCH_UP_PATIENCE: Duration = Duration::from_mins(15);
const POLL: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(crate) struct SeedOptions {
    /// The smaller journal of a quick run
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where benchmark data and reports go
    #[arg(long, env = "BENCH_DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// The counterfoil to run; by default the one beside this program
    #[arg(long, env = "BENCH_COUNTERFOIL")]
    pub(crate) counterfoil: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: Size,
    version: String,
}

impl SeedOptions {
    pub(crate) fn size(&self) -> Size {
        if self.quick { Size::quick() } else { Size::full() }
    }

    fn home(&self) -> PathBuf {
        self.out.join(if self.quick { "quick" } else { "full" })
    }

    pub(crate) fn installation(&self) -> Result<Installation> {
        let home = self.home();
        std::fs::create_dir_all(&home).doing(format!("making {}", home.display()))?;
        let home = home.canonicalize().doing(format!("finding {}", home.display()))?;
        Ok(Installation {
            program: program(self.counterfoil.as_deref())?,
            data_dir: home.join("data"),
            log: home.join("counterfoil.log"),
        })
    }
}

/// `bench seed`: only makes the data.
pub(crate) async fn run(options: SeedOptions) -> Result<()> {
    prepare(&options, &Progress::new(1)).await?.stop().await
}

/// Sees to it that the seeded data is there, and starts the server on a fresh copy of it.
pub(crate) async fn prepare(options: &SeedOptions, progress: &Progress) -> Result<Server> {
    let (size, installation) = (options.size(), options.installation()?);
    let stamp = Stamp { size: size.clone(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let kept = installation.data_dir.with_file_name("seeded");
    if read_stamp(&kept).as_ref() == Some(&stamp) {
        progress.doing("copying the seeded data");
        copy(&kept, &installation.data_dir).await?;
        match installation.start(&[]).await {
            Ok(server) => return Ok(server),
            Err(error) => progress.tell(&format!("the seeded data is of no use any longer: {error}")),
        }
    }
    remove(&kept)?;
    remove(&installation.data_dir)?;
    seed(&installation, &size, progress).await?;
    progress.doing("keeping a copy");
    copy(&installation.data_dir, &kept).await?;
    let text = serde_json::to_string_pretty(&stamp).doing("writing the stamp")?;
    std::fs::write(kept.join(STAMP), text).doing("writing the stamp")?;
    installation.start(&[]).await
}

fn read_stamp(kept: &Path) -> Option<Stamp> {
    serde_json::from_slice(&std::fs::read(kept.join(STAMP)).ok()?).ok()
}

fn remove(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).doing(format!("removing {}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// Replaces `to` with an exact copy of `from`: owners and modes too, because Postgres looks at them.
async fn copy(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    let mut command = Command::new("cp");
    command.args(["-a", "--reflink=auto"]).arg(from).arg(to);
    let status = Guarded::spawn("cp", &mut command)?.child.wait().await.doing("copying the data")?;
    if status.success() {
        return Ok(());
    }
    Err(BenchError::Ended { program: "cp".to_owned(), status: status.to_string(), words: String::new() })
}

async fn seed(installation: &Installation, size: &Size, progress: &Progress) -> Result<()> {
    let started = Instant::now();
    progress.doing(&format!("registering {} users", size.users));
    let server = installation.start(&[]).await?;
    let owners = users::register(server.runtime.listen, size.users)?;
    server.stop().await?;

    let (users, events, keys) = (size.others, size.events(), size.old_keys);
    progress.doing(&format!("seeding {users} users, {events} events and {keys} idempotency keys"));
    let server = installation.start(&[("COUNTERFOIL_ROLES", "api")]).await?;
    let ring = installation.key_ring()?;
    fill::fill(&server.runtime.database_url, ring, size, &owners, progress).await?;
    server.stop().await?;

    progress.doing("bringing stream and read models up to the journal");
    let server = installation.start(&[]).await?;
    let user = users::log_in(server.runtime.listen, 1)?;
    wait_until_idle(&server, &user[0]).await?;
    server.stop().await?;
    progress.tell(&format!("seeded in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// The position of the newest event.
pub(crate) async fn head(server: &Server) -> Result<u64> {
    let mut connection = database(server).await?;
    let position: i64 = sqlx::query_scalar("select position from journal_head")
        .fetch_one(&mut connection)
        .await
        .doing("reading the journal's head")?;
    Ok(position.unsigned_abs())
}

pub(crate) async fn database(server: &Server) -> Result<sqlx::PgConnection> {
    sqlx::Connection::connect(&server.runtime.database_url).await.doing("connecting to the database")
}

/// Asks each of the read models for the newest position until it is there.
pub(crate) async fn wait_for_projections(server: &Server, user: &User) -> Result<()> {
    let head = head(server).await?;
    let started = Instant::now();
    let mut client = server.client()?;
    // Of `profiles`, `wallets` and `transactions`, in this order.
    for query in ["users/me", "users/me/balance", "users/me/balance/transactions"] {
        let path = format!("/api/v1/{query}?min_position={head}");
        loop {
            let reply = client.get(&path, Some(&user.token))?;
            match reply.status {
                200 => break,
                503 if started.elapsed() < CATCH_UP_PATIENCE => tokio::time::sleep(POLL).await,
                _ => return reply.good("reading the newest state").map(|_| ()),
            }
        }
    }
    Ok(())
}

/// Waits until nothing is left to do behind the answers: read models and stream are where the journal is.
pub(crate) async fn wait_until_idle(server: &Server, user: &User) -> Result<()> {
    wait_for_projections(server, user).await?;
    let (head, started) = (head(server).await?, Instant::now());
    let mut client = server.client()?;
    loop {
        let health = client.get("/health/detailed", None)?.body;
        let relayed = health.pointer("/components/relay/position").and_then(Value::as_u64);
        if relayed.is_some_and(|relayed| relayed >= head) {
            return Ok(());
        }
        if started.elapsed() > CATCH_UP_PATIENCE {
            let (what, seconds) = ("relaying everything".to_owned(), CATCH_UP_PATIENCE.as_secs());
            return Err(BenchError::TooSlow { what, seconds });
        }
        tokio::time::sleep(POLL).await;
    }
}
