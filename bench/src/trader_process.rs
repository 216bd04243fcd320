//! A process beside the server that runs trading sessions and nothing else, on the server's own database.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::child::{Guarded, last_words};
use crate::client::Client;
use crate::error::{BenchError, Doing, Result};
use crate::procfs;
use crate::server::{Installation, Server, free_address};

const START_PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Trader {
    process: Guarded,
    listen: SocketAddr,
}

impl Trader {
    /// Starts one with these settings; it is ready when this returns.
    pub(crate) async fn start(
        installation: &Installation,
        server: &Server,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let log = installation.log.with_file_name("trader.log");
        let listen = free_address()?;
        let mut command = installation.serve(&log, listen)?;
        command
            .env("COUNTERFOIL_ROLES", "trader")
            .env("DATABASE_URL", &server.runtime.database_url)
            .env("NATS_URL", &server.runtime.nats_url)
            .env("COUNTERFOIL_KEYS_FILE", installation.keys_file())
            .envs(settings.iter().copied());
        let mut trader = Self { process: Guarded::spawn("a trader", &mut command)?, listen };
        trader.wait_until_ready(&log).await?;
        Ok(trader)
    }

    async fn wait_until_ready(&mut self, log: &Path) -> Result<()> {
        let started = Instant::now();
        while !self.is_ready() {
            if let Some(status) = self.process.child.try_wait().doing("waiting for a trader")? {
                let program = "counterfoil serve (trader)".to_owned();
                return Err(BenchError::Ended {
                    program,
                    status: status.to_string(),
                    words: last_words(log),
                });
            }
            if started.elapsed() > START_PATIENCE {
                let (what, seconds) = ("starting a trader".to_owned(), START_PATIENCE.as_secs());
                return Err(BenchError::TooSlow { what, seconds });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let reply = Client::connect(self.listen).and_then(|mut client| client.get("/health/ready", None));
        reply.is_ok_and(|reply| reply.status == 200)
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> Option<u64> {
        procfs::resident_bytes(self.process.pid()?)
    }

    /// It stands still until it may go on, as on a machine that is swapped out.
    pub(crate) fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    pub(crate) async fn kill(self) -> Result<()> {
        self.process.kill().await
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.process.stop().await.map(|_| ())
    }
}
