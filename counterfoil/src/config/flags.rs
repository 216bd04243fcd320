//! The flags and their environment variables, as text; `config` reads them. What `--help` says is here.

use clap::Args;

#[derive(Args, Debug, Clone)]
pub struct PlaceFlags {
    /// Where counterfoil keeps its own PostgreSQL, nats-server and keys
    #[arg(long, env = "COUNTERFOIL_DATA_DIR", default_value = "./data", value_name = "DIR")]
    pub data_dir: String,

    /// A PostgreSQL (15 or newer) of yours, postgres://user:password@host:5432/database; set NATS_URL too
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// A NATS server (2.9 or newer, with JetStream) of yours, nats://user:password@host:4222; set DATABASE_URL too
    #[arg(long, env = "NATS_URL", hide_env_values = true, value_name = "URL")]
    pub nats_url: Option<String>,

    /// Currencies beside those of ISO 4217 and the common crypto assets, each with its decimals; one that has been used
    /// must stay, and so must its decimals
    #[arg(long, env = "COUNTERFOIL_CURRENCIES", value_name = "CODE:DECIMALS,…")]
    pub currencies: Option<String>,

    /// The key ring; required with DATABASE_URL, else <data-dir>/keys.json is made once and used
    #[arg(long, env = "COUNTERFOIL_KEYS_FILE", value_name = "FILE")]
    pub keys_file: Option<String>,
}

#[derive(Args, Clone)]
pub struct MailFlags {
    /// The server mails leave by, smtps://user:password@host:465 or smtp://user:password@host:587 (STARTTLS, or not with
    /// ?tls=none); without it they become files in <data-dir>/outbox
    #[arg(long, env = "COUNTERFOIL_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<String>,

    /// Who mails are from [default: Counterfoil <no-reply@localhost>]; set it with COUNTERFOIL_SMTP_URL
    #[arg(long, env = "COUNTERFOIL_MAIL_FROM", value_name = "SENDER")]
    pub mail_from: Option<String>,

    /// Where links in mails lead [default: http://<listen>]; set it with COUNTERFOIL_SMTP_URL
    #[arg(long, env = "COUNTERFOIL_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
}

/// The URL holds a password.
impl std::fmt::Debug for MailFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailFlags").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

#[derive(Args, Debug, Clone)]
pub struct TradingFlags {
    /// Where prices come from: walk[:<seed>] simulates a market, the same in every process; script:<file> reads them from a
    /// file whenever it changes; candles[:<file>] plays recorded ones [default: walk]
    #[arg(long, env = "COUNTERFOIL_MARKET_DATA", value_name = "SOURCE")]
    pub market_data: Option<String>,

    /// For tests: what is to go wrong with orders, for example drop_response=0.1,delay_ms=200,hang=BTC,seed=7
    #[arg(long, env = "COUNTERFOIL_EXCHANGE_FAULTS", value_name = "FAULTS")]
    pub exchange_faults: Option<String>,
}

#[derive(Args, Debug, Clone)]
pub struct ServeFlags {
    #[command(flatten)]
    pub place: PlaceFlags,

    #[command(flatten)]
    pub mail: MailFlags,

    #[command(flatten)]
    pub trading: TradingFlags,

    /// Where HTTP is served
    #[arg(long, env = "COUNTERFOIL_LISTEN", default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub listen: String,

    /// Where metrics and detailed health are served; on loopback they are on the main port too
    #[arg(long, env = "COUNTERFOIL_OPS_LISTEN", value_name = "HOST:PORT")]
    pub ops_listen: Option<String>,

    /// What this process does
    #[arg(
        long,
        env = "COUNTERFOIL_ROLES",
        default_value = "api,writer,relay,projector,trader",
        value_name = "ROLES"
    )]
    pub roles: String,

    /// How long an access token is good for, in seconds
    #[arg(long, env = "COUNTERFOIL_ACCESS_TOKEN_TTL_S", default_value = "900", value_name = "SECONDS")]
    pub access_token_ttl_s: String,

    /// How long after signing in somebody may make keys, change their address or administer without their password, in
    /// seconds; 0 asks for it every time
    #[arg(long, env = "COUNTERFOIL_RECENT_LOGIN_S", default_value = "300", value_name = "SECONDS")]
    pub recent_login_s: String,

    /// How long a login session lives without being refreshed, in seconds
    #[arg(long, env = "COUNTERFOIL_REFRESH_TOKEN_TTL_S", default_value = "604800", value_name = "SECONDS")]
    pub refresh_token_ttl_s: String,

    /// How long a login session lives at most, however often it is refreshed, in seconds
    #[arg(long, env = "COUNTERFOIL_SESSION_ABSOLUTE_S", default_value = "2592000", value_name = "SECONDS")]
    pub session_absolute_s: String,

    /// How often login sessions that are over are looked for and ended, in seconds
    #[arg(long, env = "COUNTERFOIL_SESSION_CHECK_INTERVAL_S", default_value = "300", value_name = "SECONDS")]
    pub session_check_interval_s: String,

    /// How many login sessions a user may have; one more ends the oldest
    #[arg(long, env = "COUNTERFOIL_MAX_CONCURRENT_SESSIONS", default_value = "5", value_name = "NUMBER")]
    pub max_concurrent_sessions: String,

    /// The currency of a wallet that is opened without one
    #[arg(long, env = "COUNTERFOIL_DEFAULT_CURRENCY", default_value = "USD", value_name = "CODE")]
    pub default_currency: String,

    /// How many users and wallets each stay in memory while nothing happens to them [default: 200000]
    #[arg(long, env = "COUNTERFOIL_AGGREGATE_CACHE", value_name = "NUMBER")]
    pub aggregate_cache: Option<String>,

    /// Copies of the event stream, where NATS is a cluster
    #[arg(long, env = "COUNTERFOIL_STREAM_REPLICAS", default_value = "1", value_name = "NUMBER")]
    pub stream_replicas: String,

    /// Whether users may deposit into their own wallets [default: on with the embedded servers, else off]
    #[arg(long, env = "COUNTERFOIL_SELF_DEPOSIT", value_name = "on|off")]
    pub self_deposit: Option<String>,

    /// Whether common passwords are refused
    #[arg(long, env = "COUNTERFOIL_PASSWORD_BLOCKLIST", default_value = "on", value_name = "on|off")]
    pub password_blocklist: String,

    /// Origins whose pages may call from a browser, for example https://app.example.com
    #[arg(long, env = "COUNTERFOIL_CORS_ORIGINS", value_name = "ORIGINS")]
    pub cors_origins: Option<String>,

    /// Proxies in front of this whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses and networks
    #[arg(long, env = "COUNTERFOIL_TRUSTED_PROXIES", value_name = "NETWORKS")]
    pub trusted_proxies: Option<String>,

    /// How many requests a second a client may send; signing in, registering and asking for mail have limits of their own
    /// besides. Unset: 100, and nothing is limited for who asks from this machine; a number or on: for everybody; off:
    /// for nobody
    #[arg(long, env = "COUNTERFOIL_RATE_LIMIT", value_name = "NUMBER|on|off")]
    pub rate_limit: Option<String>,

    /// How many requests a minute each API key is good for, wherever --rate-limit limits its holder; off: as many as that
    /// allows
    #[arg(long, env = "COUNTERFOIL_API_KEY_RATE_LIMIT", default_value = "600", value_name = "NUMBER|off")]
    pub api_key_rate_limit: String,
}

#[derive(Args, Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RotateFlags {
    /// The keys that sign access tokens: publish another one, which signs in a while
    #[arg(long, env = "COUNTERFOIL_ROTATE_SIGNING")]
    pub signing: bool,

    /// How long another signing key is published before it signs, in seconds; verifiers ask for new keys every 300
    #[arg(long, env = "COUNTERFOIL_SIGNING_LEAD_S", default_value = "600", value_name = "SECONDS")]
    pub signing_lead_s: String,

    /// Only add the key: the next rotation makes it active. For a key ring that is copied to several machines
    #[arg(long, env = "COUNTERFOIL_ROTATE_PREPARE", conflicts_with_all = ["signing", "finish", "drop_unused"])]
    pub prepare: bool,

    /// Add no key: wrap anew what an earlier rotation left under older ones
    #[arg(long, env = "COUNTERFOIL_ROTATE_FINISH", conflicts_with_all = ["signing", "drop_unused"])]
    pub finish: bool,

    /// Add no key: wrap what is left anew, and remove the keys that nothing needs any more. Older backups of the database
    /// need them: keep a copy
    #[arg(long, env = "COUNTERFOIL_ROTATE_DROP_UNUSED")]
    pub drop_unused: bool,

    #[command(flatten)]
    pub place: PlaceFlags,
}
