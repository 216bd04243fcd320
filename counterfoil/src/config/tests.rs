use clap::builder::Resettable;
use clap::{CommandFactory, FromArgMatches, Parser};

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: ServeFlags,
}

/// As if these flags had been typed, whatever the environment of whoever runs the tests says.
fn read(flags: &[&str]) -> Result<Config, BadConfig> {
    let typed = std::iter::once("counterfoil").chain(flags.iter().copied());
    let command = Line::command().mut_args(|argument| argument.env(Resettable::Reset));
    let line = Line::from_arg_matches(&command.try_get_matches_from(typed).unwrap()).unwrap();
    Config::read(&line.flags)
}

fn complaint(flags: &[&str]) -> String {
    let text = read(flags).unwrap_err().to_string();
    assert!(!text.contains('\n'), "more than one line: {text}");
    text
}

const GIVEN: [&str; 4] =
    ["--database-url", "postgres://me:hidden@db:5432/books", "--nats-url", "nats://me:hidden@nats:4222"];

fn given_and(more: &[&'static str]) -> Vec<&'static str> {
    GIVEN.iter().copied().chain(more.iter().copied()).collect()
}

#[test]
fn nothing_configured_means_the_embedded_servers_on_loopback() {
    let config = read(&[]).unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert!(config.listen.ip().is_loopback());
    assert!(matches!(config.place.servers, Which::Embedded { ref data_dir } if data_dir == "./data"));
    assert!(config.self_deposit);
    assert!(config.password_blocklist);
    assert_eq!(config.access_token_ttl, Duration::from_mins(15));
    assert_eq!(config.recent_login, Duration::from_mins(5));
    assert_eq!(config.session_check_interval, Duration::from_mins(5));
    assert_eq!(config.max_concurrent_sessions, 5);
    assert_eq!(config.default_currency, Currency::USD);
    assert_eq!(config.roles.to_string(), "api,writer,relay,projector,trader");
}

#[test]
fn given_servers_need_given_keys_and_switch_self_deposit_off() {
    assert!(complaint(&GIVEN).starts_with("COUNTERFOIL_KEYS_FILE is not set"));
    let config = read(&given_and(&["--keys-file", "/run/secrets/keys"])).unwrap();
    assert!(!config.self_deposit);
    let config = read(&given_and(&["--keys-file", "/run/secrets/keys", "--self-deposit", "on"])).unwrap();
    assert!(config.self_deposit);
}

#[test]
fn half_of_the_servers_is_refused() {
    assert!(complaint(&GIVEN[..2]).starts_with("DATABASE_URL is set but NATS_URL is not"));
    assert!(complaint(&GIVEN[2..]).starts_with("NATS_URL is set but DATABASE_URL is not"));
}

#[test]
fn an_empty_setting_counts_as_unset() {
    let config =
        read(&["--database-url", "", "--nats-url", " ", "--ops-listen", "", "--self-deposit", ""]).unwrap();
    assert!(matches!(config.place.servers, Which::Embedded { .. }));
    assert_eq!(config.ops_listen, None);
    assert!(config.self_deposit);
}

#[test]
fn a_bad_setting_is_named_with_the_way_to_mend_it() {
    assert_eq!(
        complaint(&["--listen", "8080"]),
        "COUNTERFOIL_LISTEN is \"8080\", which is no address: use host:port, for example 127.0.0.1:8080"
    );
    assert_eq!(
        complaint(&["--access-token-ttl-s", "0"]),
        "COUNTERFOIL_ACCESS_TOKEN_TTL_S is \"0\", which is out of bounds: use a whole number from 1 to 86400"
    );
    assert!(complaint(&["--max-concurrent-sessions", "many"]).contains("no whole number"));
    assert!(complaint(&["--password-blocklist", "maybe"]).ends_with("use on or off"));
    assert!(complaint(&["--default-currency", "U$D\n"]).contains("no known currency"));
    assert!(complaint(&["--data-dir", ""]).starts_with("COUNTERFOIL_DATA_DIR is empty"));
}

#[test]
fn roles_are_a_list_without_order() {
    let roles = read(&["--roles", " relay, API"]).unwrap().roles;
    assert!(roles.has(Role::Api) && roles.has(Role::Relay) && !roles.has(Role::Writer));
    assert_eq!(roles.to_string(), "api,relay");
    assert!(complaint(&["--roles", "api,wrter"]).contains("\"wrter\", which is no role"));
    assert!(complaint(&["--roles", ","]).contains("no role"));
}

#[test]
fn a_complaint_about_a_url_does_not_repeat_its_password() {
    let broken =
        complaint(&["--database-url", "mysql://me:hidden@db/books", "--nats-url", "nats://nats:4222"]);
    assert!(broken.starts_with("DATABASE_URL cannot be read") && !broken.contains("hidden"));
    let broken = complaint(&["--database-url", GIVEN[1], "--nats-url", "http://me:hidden@nats"]);
    assert!(broken.starts_with("NATS_URL cannot be read") && !broken.contains("hidden"));
    let config = read(&given_and(&["--keys-file", "/run/secrets/keys"])).unwrap();
    assert!(!format!("{config:?}").contains("hidden"));
}

#[test]
fn a_shared_token_secret_is_refused_with_the_reason() {
    let complaint = refuse_foreign_token_settings(|name| name == "JWT_ALGORITHM").unwrap_err().to_string();
    assert!(complaint.starts_with("JWT_ALGORITHM is set, but tokens here are signed with EdDSA keys"));
    assert!(refuse_foreign_token_settings(|_| false).is_ok());
}

#[test]
fn currencies_of_ones_own_can_be_added_and_be_the_default() {
    let config = read(&["--currencies", "xyz:6, POINTS:0", "--default-currency", "XYZ"]).unwrap();
    assert_eq!((config.default_currency.code(), config.default_currency.scale()), ("XYZ", 6));
    assert_eq!(Currency::parse("points").map(Currency::scale), Ok(0));
    for (bad, why) in [
        ("XYZ", "no list of currencies"),
        ("XYZ:six", "no list of currencies"),
        ("XYZ:6,", "no list of currencies"),
        ("USD:3", "neither may change what exists"),
        ("ABC:2,ABC:4", "neither may change what exists"),
        ("ABC:30", "a scale at most 18"),
    ] {
        let text = complaint(&["--currencies", bad]);
        assert!(text.starts_with("COUNTERFOIL_CURRENCIES") && text.contains(why), "{bad}: {text}");
    }
}

#[test]
fn the_edge_trusts_nobody_and_lets_nobody_call_unless_told() {
    let edge = read(&[]).unwrap().edge;
    assert!(edge.trusted_proxies.is_empty() && edge.cors_origins.is_empty());
    assert_eq!(edge.rate_limit, api::RateLimit::default());
    assert_eq!(edge.keys_a_minute, Some(600));
    let edge = read(&[
        "--trusted-proxies",
        "10.0.0.0/8, ::1",
        "--cors-origins",
        "https://app.example.com, http://localhost:3000/",
        "--rate-limit",
        "20",
    ])
    .unwrap()
    .edge;
    let proxies: Vec<String> = edge.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(edge.cors_origins, ["https://app.example.com", "http://localhost:3000"]);
    assert_eq!(edge.rate_limit, api::RateLimit::Everybody { a_second: 20 });
    assert!(
        complaint(&["--trusted-proxies", "10.0.0.0/33"]).contains("\"10.0.0.0/33\", which is no network")
    );
    assert!(complaint(&["--cors-origins", "*"]).starts_with("COUNTERFOIL_CORS_ORIGINS is \"*\""));
    assert!(complaint(&["--rate-limit", "some"]).starts_with("COUNTERFOIL_RATE_LIMIT"));
}
