//! From text to value, one function for each kind of setting.

use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use super::BadConfig;
use domain::Currency;

/// Empty means unset: that is how compose files and shells say it.
pub(super) fn optional(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

pub(super) fn address(setting: &str, text: &str) -> Result<SocketAddr, BadConfig> {
    let mend = "use host:port, for example 127.0.0.1:8080";
    text.trim()
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| bad(setting, text, "no address", mend))
}

pub(super) fn seconds(setting: &str, text: &str, least: u64, most: u64) -> Result<Duration, BadConfig> {
    number(setting, text, least, most).map(Duration::from_secs)
}

pub(super) fn number<N>(setting: &str, text: &str, least: N, most: N) -> Result<N, BadConfig>
where
    N: FromStr + PartialOrd + std::fmt::Display + Copy,
{
    let mend = || format!("use a whole number from {least} to {most}");
    match text.trim().parse::<N>() {
        Ok(number) if least <= number && number <= most => Ok(number),
        Ok(_) => Err(bad(setting, text, "out of bounds", &mend())),
        Err(_) => Err(bad(setting, text, "no whole number", &mend())),
    }
}

pub(crate) fn switch(setting: &str, text: &str) -> Result<bool, BadConfig> {
    match text.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(bad(setting, text, "neither on nor off", "use on or off")),
    }
}

pub(crate) fn currency(setting: &str, text: &str) -> Result<Currency, BadConfig> {
    Currency::parse(text.trim())
        .map_err(|_| bad(setting, text, "no known currency", "use a code such as USD, EUR or BTC"))
}

/// Codes with their decimals, for example `XYZ:6,ABC:2`.
pub(super) fn add_currencies(setting: &str, text: &str) -> Result<(), BadConfig> {
    let mend = "use code:decimals with commas between, for example XYZ:6,ABC:2";
    let definition = |one: &str| {
        let (code, scale) = one.split_once(':')?;
        Some((code.trim().to_ascii_uppercase(), scale.trim().parse::<u8>().ok()?))
    };
    let definitions: Option<Vec<_>> = text.split(',').map(definition).collect();
    let definitions = definitions.ok_or_else(|| bad(setting, text, "no list of currencies", mend))?;
    Currency::extend(&definitions).map_err(|error| BadConfig(format!("{setting}: {error}")))
}

/// The URL holds a password, so the complaint does not repeat it.
pub(super) fn check_database_url(url: &str) -> Result<(), BadConfig> {
    let right_scheme = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    match sqlx::postgres::PgConnectOptions::from_str(url) {
        Ok(_) if right_scheme => Ok(()),
        _ => Err(BadConfig(
            "DATABASE_URL cannot be read: use postgres://user:password@host:5432/database".to_owned(),
        )),
    }
}

pub(super) fn check_nats_url(url: &str) -> Result<(), BadConfig> {
    let right_scheme = ["nats://", "tls://"].iter().any(|scheme| url.starts_with(scheme));
    match url.parse::<async_nats::ServerAddr>() {
        Ok(_) if right_scheme => Ok(()),
        _ => Err(BadConfig("NATS_URL cannot be read: use nats://user:password@host:4222".to_owned())),
    }
}

pub(super) fn bad(setting: &str, text: &str, what: &str, mend: &str) -> BadConfig {
    // Debug form: control characters must not break the one line.
    BadConfig(format!("{setting} is {:?}, which is {what}: {mend}", text.trim()))
}
