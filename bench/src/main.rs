//! The benchmark of Counterfoil: it seeds a journal, drives load, runs the peers beside it, and reports.

mod child;
mod client;
mod error;
mod load;
mod market;
mod peers;
mod procfs;
mod report;
mod runner;
mod seed;
mod server;
mod terminal;
mod trader_process;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::{Doing, Result};

/// Seeds a journal, drives load, runs the peers beside it, and reports
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the benchmark with its peers and write report.json and report.svg
    Run(runner::RunOptions),
    /// Make the data a run works on, if it is not there yet
    Seed(seed::SeedOptions),
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
        Command::Run(options) => on_one_thread(runner::run(options)),
        Command::Seed(options) => on_one_thread(runner::until_signal(seed::run(options))),
        Command::Load(options) => load::run(options),
        Command::Stock(options) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.doing("starting a runtime")?.block_on(peers::stock::serve(options))
        }
    }
}

/// The runner itself mostly waits: it must not take part in what it measures.
fn on_one_thread(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.doing("starting a runtime")?.block_on(work)
}
