//! What the door is told by whoever starts it.

use crate::health::HealthSources;
use crate::limits::RateLimit;
use crate::markets::Markets;
use commands::Commands;
use domain::Network;
use journal::{Journal, Tail};
use metrics_exporter_prometheus::PrometheusHandle;
use projections::ReadModels;
use std::time::Duration;
use tokio::net::TcpListener;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Else only health and operations are served: for a process with other roles.
    pub serves_interface: bool,
    pub access_token_ttl: Duration,
    /// How long after signing in somebody may do what else takes their password.
    pub recent_login: Duration,
    /// Whether owners may deposit into their own wallets.
    pub self_deposit: bool,
    pub password_blocklist: bool,
    /// Clients connected at once. What comes on top waits to be accepted.
    pub connections_max: usize,
    pub edge: Edge,
}

/// What stands between here and the clients, and how much of them is taken.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Whose word on where a request comes from is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whose pages may call from a browser, as `https://app.example.com`.
    pub cors_origins: Vec<String>,
    pub rate_limit: RateLimit,
    /// How often each API key may be used by whom `rate_limit` is about; nothing, where that alone is the limit.
    pub keys_a_minute: Option<u32>,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            rate_limit: RateLimit::default(),
            keys_a_minute: Some(RateLimit::KEY_A_MINUTE),
        }
    }
}

/// What the door stands on.
#[derive(Debug)]
pub struct Parts {
    /// Bound already: a port that is taken is found out before anything else is started.
    pub listener: TcpListener,
    /// Metrics and detailed health for whoever runs this; also on the main port where that is on loopback.
    pub ops_listener: Option<TcpListener>,
    pub commands: Commands,
    pub read_models: ReadModels,
    pub journal: Journal,
    pub tail: Tail,
    pub health: HealthSources,
    pub markets: Markets,
    pub metrics: PrometheusHandle,
}
