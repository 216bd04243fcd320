//! The benchmark of Counterfoil: it seeds a journal, drives load, runs the peers beside it, and reports.

mod child;
mod client;
mod error;
mod load;
mod peers;
mod procfs;
mod seed;
mod server;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::{Doing, Result};

#[derive(Debug, Parser)]
#[command(name = "bench", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Deposit into wallets of a running server and tell how fast it answers
    Load(load::LoadOptions),
    /// Serve deposits with stock cqrs-es and postgres-es, the peer
    Stock(peers::stock::StockOptions),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Load(options) => load::run(options),
        Command::Stock(options) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.doing("starting a runtime")?.block_on(peers::stock::serve(options))
        }
    }
}
