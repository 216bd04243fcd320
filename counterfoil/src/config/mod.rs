//! The settings, checked. A setting arrives as text (a flag or an environment variable, see `flags`) and leaves here as
//! a value nobody has to check again, or as one line that says what is wrong with it and how to mend it.

mod edge;
mod flags;
mod mail;
mod read;
mod roles;
mod trading;

use domain::Currency;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use flags::{MailFlags, PlaceFlags, RotateFlags, ServeFlags, TradingFlags};
pub use mail::{Leaves, MailConfig};
pub(crate) use read::{currency, switch};
pub use roles::{Role, Roles};
pub use trading::TradingConfig;

/// One line for a person; the program ends with code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadConfig(pub(crate) String);

#[derive(Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// Metrics and detailed health, where they are not on the main port.
    pub ops_listen: Option<SocketAddr>,
    pub roles: Roles,
    pub place: Place,
    pub access_token_ttl: Duration,
    pub recent_login: Duration,
    pub refresh_token_ttl: Duration,
    pub session_absolute: Duration,
    pub session_check_interval: Duration,
    pub max_concurrent_sessions: u32,
    pub default_currency: Currency,
    /// How many aggregates of each kind stay in memory; the writer's own default if nothing is said.
    pub aggregate_cache: Option<usize>,
    /// Copies of the stream in a NATS cluster.
    pub stream_replicas: usize,
    pub self_deposit: bool,
    pub password_blocklist: bool,
    pub edge: api::Edge,
    pub mail: MailConfig,
    pub trading: TradingConfig,
}

/// Where the servers and the keys are.
#[derive(Debug)]
pub struct Place {
    pub servers: Which,
    /// Given keys win over those of the data directory.
    pub keys_file: Option<PathBuf>,
}

pub enum Which {
    /// Ours, run by us in this directory.
    Embedded { data_dir: PathBuf },
    /// Somebody else's; nothing is started. The URLs hold passwords: this is never printed.
    Given { database_url: String, nats_url: Option<String> },
}

impl Config {
    pub fn read(flags: &ServeFlags) -> Result<Config, BadConfig> {
        refuse_foreign_token_settings(|name| std::env::var_os(name).is_some())?;
        let place = Place::read(&flags.place)?;
        place.require_nats()?;
        place.require_keys()?;
        let embedded = matches!(place.servers, Which::Embedded { .. });
        Ok(Config {
            listen: read::address("COUNTERFOIL_LISTEN", &flags.listen)?,
            ops_listen: read::optional(flags.ops_listen.as_deref())
                .map(|text| read::address("COUNTERFOIL_OPS_LISTEN", text))
                .transpose()?,
            roles: Roles::read(&flags.roles)?,
            mail: MailConfig::read(&flags.mail, &flags.place.data_dir, &place.servers)?,
            place,
            // A token lives at least long enough to be used once, and not so long that ending a session means little.
            access_token_ttl: read::seconds(
                "COUNTERFOIL_ACCESS_TOKEN_TTL_S",
                &flags.access_token_ttl_s,
                1,
                86_400,
            )?,
            // Nothing at all asks for the password every time.
            recent_login: read::seconds("COUNTERFOIL_RECENT_LOGIN_S", &flags.recent_login_s, 0, 86_400)?,
            refresh_token_ttl: read::seconds(
                "COUNTERFOIL_REFRESH_TOKEN_TTL_S",
                &flags.refresh_token_ttl_s,
                1,
                YEAR_S,
            )?,
            session_absolute: read::seconds(
                "COUNTERFOIL_SESSION_ABSOLUTE_S",
                &flags.session_absolute_s,
                1,
                YEAR_S,
            )?,
            // They admit nobody meanwhile, so a day late is late enough.
            session_check_interval: read::seconds(
                "COUNTERFOIL_SESSION_CHECK_INTERVAL_S",
                &flags.session_check_interval_s,
                1,
                86_400,
            )?,
            // The live sessions of a user are part of its state, in memory and in every snapshot.
            max_concurrent_sessions: read::number(
                "COUNTERFOIL_MAX_CONCURRENT_SESSIONS",
                &flags.max_concurrent_sessions,
                1,
                100,
            )?,
            default_currency: read::currency("COUNTERFOIL_DEFAULT_CURRENCY", &flags.default_currency)?,
            aggregate_cache: read::optional(flags.aggregate_cache.as_deref())
                .map(|text| read::number("COUNTERFOIL_AGGREGATE_CACHE", text, 1_usize, 100_000_000))
                .transpose()?,
            stream_replicas: read::number("COUNTERFOIL_STREAM_REPLICAS", &flags.stream_replicas, 1_usize, 5)?,
            self_deposit: match read::optional(flags.self_deposit.as_deref()) {
                Some(text) => read::switch("COUNTERFOIL_SELF_DEPOSIT", text)?,
                None => embedded,
            },
            password_blocklist: read::switch("COUNTERFOIL_PASSWORD_BLOCKLIST", &flags.password_blocklist)?,
            edge: edge::edge(flags)?,
            trading: TradingConfig::read(&flags.trading)?,
        })
    }
}

/// How long a signing key is published before it signs.
pub(crate) fn signing_lead(text: &str) -> Result<Duration, BadConfig> {
    read::seconds("COUNTERFOIL_SIGNING_LEAD_S", text, 0, YEAR_S)
}

const YEAR_S: u64 = 365 * 24 * 60 * 60;

impl Place {
    /// Whoever reads the journal has to know its currencies, so they become known here, before anything else is read.
    pub fn read(flags: &PlaceFlags) -> Result<Place, BadConfig> {
        if let Some(text) = read::optional(flags.currencies.as_deref()) {
            read::add_currencies("COUNTERFOIL_CURRENCIES", text)?;
        }
        let database_url = read::optional(flags.database_url.as_deref());
        let nats_url = read::optional(flags.nats_url.as_deref());
        let servers = match (database_url, nats_url) {
            (None, None) if flags.data_dir.is_empty() => {
                return Err(BadConfig(
                    "COUNTERFOIL_DATA_DIR is empty: name a directory, or leave it unset".into(),
                ));
            }
            (None, None) => Which::Embedded { data_dir: PathBuf::from(&flags.data_dir) },
            (None, Some(_)) => {
                return Err(BadConfig(
                    "NATS_URL is set but DATABASE_URL is not: set both to use your own servers, or neither to let \
                     counterfoil run its own"
                        .into(),
                ));
            }
            (Some(database_url), nats_url) => {
                read::check_database_url(database_url)?;
                nats_url.map(read::check_nats_url).transpose()?;
                Which::Given { database_url: database_url.to_owned(), nats_url: nats_url.map(str::to_owned) }
            }
        };
        let keys_file = read::optional(flags.keys_file.as_deref()).map(PathBuf::from);
        Ok(Place { servers, keys_file })
    }

    /// Where the key ring is, for what needs nothing else. To be asked after [`Self::require_keys`].
    pub fn keys_path(&self) -> PathBuf {
        match (&self.keys_file, &self.servers) {
            (Some(file), _) => file.clone(),
            (None, Which::Embedded { data_dir }) => data_dir.join("keys.json"),
            (None, Which::Given { .. }) => PathBuf::new(),
        }
    }

    /// For what speaks to NATS.
    pub fn require_nats(&self) -> Result<(), BadConfig> {
        match self.servers {
            Which::Given { nats_url: None, .. } => Err(BadConfig(
                "DATABASE_URL is set but NATS_URL is not: set both to use your own servers, or neither to let \
                 counterfoil run its own"
                    .into(),
            )),
            _ => Ok(()),
        }
    }

    /// For what reads or writes sealed data. With servers of somebody else's, keys we invented would be lost with us.
    pub fn require_keys(&self) -> Result<(), BadConfig> {
        match (&self.servers, &self.keys_file) {
            (Which::Given { .. }, None) => Err(BadConfig(
                "COUNTERFOIL_KEYS_FILE is not set: with DATABASE_URL the key ring must be given, and is never \
                 invented; make one with `counterfoil keys new FILE` and keep it safe"
                    .into(),
            )),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Which::Embedded { data_dir } => f.debug_struct("Embedded").field("data_dir", data_dir).finish(),
            Which::Given { .. } => f.debug_struct("Given").finish_non_exhaustive(),
        }
    }
}

/// Settings of other services that look as if they worked here. A shared secret would let every service that checks a
/// token also make one.
fn refuse_foreign_token_settings(is_set: impl Fn(&str) -> bool) -> Result<(), BadConfig> {
    match ["JWT_SECRET_KEY", "JWT_ALGORITHM"].into_iter().find(|name| is_set(name)) {
        Some(name) => Err(BadConfig(format!(
            "{name} is set, but tokens here are signed with EdDSA keys from the key ring and never with a shared \
             secret: unset {name}, and let other services check tokens with /.well-known/jwks.json"
        ))),
        None => Ok(()),
    }
}

/// Variables with our prefix that no flag reads: most likely misspelt.
pub fn unknown_settings(known: &[String]) -> Vec<String> {
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("COUNTERFOIL_") && !known.contains(name))
        .collect()
}

#[cfg(test)]
mod tests;
