//! The command line: what can be asked, how an answer or a complaint is printed, and the exit codes. 0: done; 1: it
//! broke; 2: it was asked wrongly. Only this file and those below it write to standard output.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod admin;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use admin::AdminCommand;

use crate::config::{BadConfig, Config, Place, PlaceFlags, RotateFlags, ServeFlags, unknown_settings};
use crate::rotate::{self, Wrapping};
use crate::serve::{Ready, base_url, serve};
use crate::{config, keys, maintenance, migrate, telemetry};

/// Users, wallets and trading sessions as a journal of events: every change a record that nobody can argue with.
#[derive(Parser, Debug)]
#[command(
    name = "counterfoil",
    version,
    arg_required_else_help = true,
    after_help = "Every flag can be given as the environment variable beside it; the flag wins. Nothing needs to be \
                  set: `counterfoil serve` runs its own PostgreSQL and nats-server in ./data."
)]
struct Line {
    #[command(subcommand)]
    command: Command,

    /// What is logged, for example `info,journal=debug` [default: info; RUST_LOG is read too]
    #[arg(long, global = true, env = "COUNTERFOIL_LOG", value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve HTTP and do everything behind it, until asked to stop
    Serve(Box<ServeFlags>),
    /// Bring the database's tables up to this version (`serve` does it too)
    Migrate(PlaceFlags),
    /// Fold a read model again from the first event on, beside the live one, and switch to it
    Rebuild(RebuildFlags),
    /// Look after the mirror of the journal in NATS
    #[command(subcommand)]
    Relay(RelayCommand),
    /// Print the OpenAPI document
    Openapi,
    /// Make users whom nobody else could: the first admin, and services
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Make a key ring, or put other keys into it
    #[command(subcommand)]
    Keys(Keys),
}

#[derive(Args, Debug)]
struct RebuildFlags {
    /// profiles, accounts, api_keys, exchange_credentials, settings, wallets, transactions, trading, or all
    projection: String,

    /// Compare old and new row by row, and do not switch if they differ
    #[arg(long, env = "COUNTERFOIL_REBUILD_VERIFY")]
    verify: bool,

    #[command(flatten)]
    place: PlaceFlags,
}

#[derive(Subcommand, Debug)]
enum RelayCommand {
    /// Declare the journal to be right: delete the stream, fill it again, and let writers lead
    Reset {
        /// Copies of the event stream, where NATS is a cluster
        #[arg(long, env = "COUNTERFOIL_STREAM_REPLICAS", default_value = "1", value_name = "NUMBER")]
        stream_replicas: usize,

        #[command(flatten)]
        place: PlaceFlags,
    },
}

#[derive(Subcommand, Debug)]
enum Keys {
    /// Write a new key ring to FILE, for servers of yours (the embedded ones bring their own), readable by you alone; one
    /// that is already there stays as it is
    New { file: PathBuf },
    /// Add another key to the key ring, and wrap every user's data key with it; whoever serves meanwhile follows
    Rotate(Box<RotateFlags>),
}

enum Failure {
    Asked(BadConfig),
    Broke(Box<dyn std::error::Error + Send + Sync>),
}

/// How long verifiers may keep the published keys, and how far their clocks may differ.
const JWKS_KEPT: Duration = Duration::from_secs(305);
const BROKE: u8 = 1;
const ASKED_WRONGLY: u8 = 2;
/// Whatever still runs then (a password hash, a file being read) is of no use to anybody.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

pub fn run() -> ExitCode {
    match Line::try_parse() {
        Ok(line) => match start(line) {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failure::Asked(error)) => complain(&error.to_string(), ASKED_WRONGLY),
            Err(Failure::Broke(error)) => complain(&error.to_string(), BROKE),
        },
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                print!("{}", error.render().ansi());
                ExitCode::SUCCESS
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                eprint!("{}", error.render().ansi());
                ExitCode::from(ASKED_WRONGLY)
            }
            _ => complain(&one_line(&error), ASKED_WRONGLY),
        },
    }
}

fn start(line: Line) -> Result<(), Failure> {
    let filter =
        line.log.or_else(|| std::env::var("RUST_LOG").ok()).filter(|filter| !filter.trim().is_empty());
    telemetry::start(filter.as_deref()).map_err(|error| {
        BadConfig(format!(
            "COUNTERFOIL_LOG cannot be read ({error}): use a level, or a list such as info,journal=debug"
        ))
    })?;
    for name in unknown_settings(&known_settings()) {
        tracing::warn!(event = "unknown_setting", name, "no setting of this version has this name");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(broke)?;
    let result = runtime.block_on(dispatch(line.command));
    runtime.shutdown_timeout(LAST_PATIENCE);
    result
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(flags) => serve(Config::read(&flags)?, announce).await.map_err(broke),
        Command::Migrate(flags) => {
            migrate::migrate(&Place::read(&flags)?).await.map_err(broke)?;
            println!("The tables are up to date.");
            Ok(())
        }
        Command::Rebuild(flags) => rebuild(&flags).await,
        Command::Relay(RelayCommand::Reset { stream_replicas, place }) => {
            let place = Place::read(&place)?;
            place.require_nats()?;
            let published = maintenance::reset_relay(&place, stream_replicas).await.map_err(broke)?;
            println!("The stream is the journal again: {published} events were published from here.");
            Ok(())
        }
        Command::Openapi => {
            println!("{}", api::openapi().to_pretty_json().map_err(broke)?);
            Ok(())
        }
        Command::Keys(Keys::New { file }) => {
            if keys::create(&file).map_err(broke)? {
                println!(
                    "Made {}. Keep a copy: what is sealed with it cannot be read without.",
                    file.display()
                );
            } else {
                println!("{} is already there and stays as it is.", file.display());
            }
            Ok(())
        }
        Command::Admin(command) => admin::run(command).await,
        Command::Keys(Keys::Rotate(flags)) => rotate_keys(&flags).await,
    }
}

async fn rotate_keys(flags: &RotateFlags) -> Result<(), Failure> {
    let place = Place::read(&flags.place)?;
    place.require_keys()?;
    if flags.signing {
        return rotate_signing(flags, &place);
    }
    let what = match (flags.prepare, flags.finish, flags.drop_unused) {
        (true, ..) => Wrapping::Prepare,
        (_, true, _) => Wrapping::Finish,
        (.., true) => Wrapping::DropUnused,
        _ => Wrapping::Rotate,
    };
    let report = rotate::rotate_wrapping(&place, what).await.map_err(broke)?;
    for key in &report.keys {
        let wraps = match (key.is_active, key.is_next) {
            (true, _) => " and wraps new ones",
            (_, true) => "; the next rotation makes it active",
            _ => "",
        };
        println!("{} wraps {} data keys{wraps}", key.id, key.wrapped);
    }
    for id in &report.dropped {
        println!("{id} wrapped nothing and is gone");
    }
    Ok(())
}

fn rotate_signing(flags: &RotateFlags, place: &Place) -> Result<(), Failure> {
    let lead = config::signing_lead(&flags.signing_lead_s)?;
    let report = rotate::rotate_signing(&place.keys_path(), lead, flags.drop_unused).map_err(broke)?;
    if let Some((kid, signs_from)) = &report.added {
        println!("{kid} is published from now on and signs from {signs_from} on");
        if lead < JWKS_KEPT {
            println!("Verifiers keep the keys they know for five minutes, so some will not know it in time.");
        }
    }
    for kid in &report.dropped {
        println!("{kid} signed nothing that could still be good, and is gone");
    }
    Ok(())
}

async fn rebuild(flags: &RebuildFlags) -> Result<(), Failure> {
    let place = Place::read(&flags.place)?;
    place.require_keys()?;
    for done in maintenance::rebuild(&place, &flags.projection, flags.verify).await.map_err(broke)? {
        let verified = if done.verified { ", equal to the one before, row by row" } else { "" };
        println!(
            "{}: generation {} at position {}, in {:.1} s{verified}",
            done.name,
            done.generation,
            done.position,
            done.took.as_secs_f64()
        );
    }
    Ok(())
}

/// For people at a terminal; everybody else reads it in the log.
fn announce(ready: &Ready) {
    let base = base_url(ready.listen);
    let ops = ready.ops_listen.or(ready.listen.ip().is_loopback().then_some(ready.listen)).map(base_url);
    let metrics = ops.map(|ops| format!("{ops}/metrics"));
    let (page, docs) = (format!("{base}/"), format!("{base}/docs"));
    let pages = ready.serves_interface.then_some((page, docs));
    tracing::info!(
        event = if ready.halted.is_some() { "halted" } else { "ready" },
        listen = %ready.listen,
        page = pages.as_ref().map(|(page, _)| page),
        docs = pages.as_ref().map(|(_, docs)| docs),
        metrics,
        data_dir = ready.embedded.as_ref().map(|(data_dir, ..)| data_dir.display().to_string()),
        error_message = ready.halted,
    );
    if !std::io::stdout().is_terminal() {
        return;
    }
    match &ready.halted {
        None => println!("\nCounterfoil is ready.\n"),
        Some(reason) => println!("\nCounterfoil runs, and takes no commands: {reason}\n"),
    }
    if let Some((page, docs)) = pages {
        println!("  page      {page}\n  API docs  {docs}");
    }
    if let Some(metrics) = metrics {
        println!("  metrics   {metrics}");
    }
    if let Some((data_dir, postgres, nats)) = &ready.embedded {
        println!("  data      {} (PostgreSQL {postgres}, nats-server {nats})", data_dir.display());
    }
    println!("\nCtrl-C stops it.\n");
}

fn complain(line: &str, code: u8) -> ExitCode {
    eprintln!("counterfoil: {line}");
    ExitCode::from(code)
}

/// The first paragraph of what clap says; the rest repeats `--help`.
fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let first = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    format!("{}; see `counterfoil --help`", words.join(" "))
}

/// The environment variables that some flag of some command reads.
fn known_settings() -> Vec<String> {
    fn of(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(clap::Arg::get_env);
        let own = own.map(|name| name.to_string_lossy().into_owned());
        own.chain(command.get_subcommands().flat_map(of)).collect()
    }
    of(&Line::command())
}

fn broke(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Broke(Box::new(error))
}

impl From<BadConfig> for Failure {
    fn from(error: BadConfig) -> Self {
        Failure::Asked(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let named = argument.get_id().as_str();
                let exempt = argument.is_positional() || ["help", "version"].contains(&named);
                assert!(exempt || argument.get_env().is_some(), "--{named} has none");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Line::command());
    }

    #[test]
    fn an_address_for_everybody_is_shown_as_one_that_works_here() {
        let shown = |listen: &str| base_url(listen.parse().unwrap());
        assert_eq!(shown("0.0.0.0:8080"), "http://127.0.0.1:8080");
        assert_eq!(shown("[::]:8080"), "http://[::1]:8080");
        assert_eq!(shown("10.1.2.3:80"), "http://10.1.2.3:80");
    }

    #[test]
    fn a_mistyped_flag_is_answered_in_one_line() {
        let error = Line::try_parse_from(["counterfoil", "serve", "--listn", "x"]).unwrap_err();
        let line = one_line(&error);
        assert!(line.starts_with("unexpected argument '--listn' found") && !line.contains('\n'), "{line}");
    }
}
