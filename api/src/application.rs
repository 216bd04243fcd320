//! The door as a whole: built from its parts, run until asked to stop.

use crate::app::{App, Inner};
use crate::auth::{Admission, ApiKeys, RevocationFeed, TokenKeys};
use crate::directory::Directory;
use crate::door::Door;
use crate::health::Health;
use crate::limits::RateLimit;
use crate::openapi::Document;
use crate::router;
use crate::server::Server;
use crate::settings::{Edge, Parts, Settings};
use crate::telemetry;
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;

/// Connections of the operations port: a few scrapers and a person.
const OPS_CONNECTIONS_MAX: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("a token key cannot be used: {0}")]
    TokenKeys(#[from] jsonwebtoken::errors::Error),
    #[error("the interface cannot be described: {0}")]
    Document(#[from] serde_json::Error),
    #[error("the listening address is not known: {0}")]
    Address(#[from] std::io::Error),
}

#[derive(Debug)]
pub struct Application {
    address: SocketAddr,
    ops_address: Option<SocketAddr>,
    app: App,
    main: Server,
    ops: Option<Server>,
    /// On every node: the keys of who is erased are forgotten by it, too.
    feed: RevocationFeed,
}

impl Application {
    pub fn build(settings: Settings, parts: Parts) -> Result<Self, BuildError> {
        let address = parts.listener.local_addr()?;
        let ops_address = parts.ops_listener.as_ref().map(tokio::net::TcpListener::local_addr).transpose()?;
        let connections_max = settings.connections_max;
        let keys = TokenKeys::new(parts.commands.vault().rings().clone(), settings.access_token_ttl)?;
        let api_keys = ApiKeys::new(parts.commands.clone());
        let admission = Admission::new(keys, settings.access_token_ttl, parts.journal.clone(), api_keys);
        let feed = admission.feed(parts.tail);
        let health = Health::new(
            parts.health,
            parts.journal.clone(),
            parts.commands.clone(),
            parts.read_models.clone(),
        );
        let app = App::new(Inner {
            settings,
            directory: Directory::new(parts.journal.clone()),
            document: Document::new(&router::openapi())?,
            commands: parts.commands,
            read_models: parts.read_models,
            markets: parts.markets,
            journal: parts.journal,
            metrics: parts.metrics,
            admission,
            health,
        });
        let edge = app.settings().edge.clone();
        let routes = router::main(app.clone(), address.ip().is_loopback());
        let door = Door::new(routes, router::patterns(), edge, Some(app.admission().locales().clone()));
        let ops = parts.ops_listener.map(|listener| {
            // Only who runs this can reach it.
            let edge = Edge { rate_limit: RateLimit::Off, ..Edge::default() };
            let door = Door::new(router::ops(app.clone()), router::patterns(), edge, None);
            Server::new(listener, door, OPS_CONNECTIONS_MAX)
        });
        Ok(Self {
            address,
            ops_address,
            app,
            main: Server::new(parts.listener, door, connections_max),
            ops,
            feed,
        })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub const fn ops_address(&self) -> Option<SocketAddr> {
        self.ops_address
    }

    /// Until asked to stop: then readiness turns red, nothing new is accepted, and what has begun is answered.
    pub async fn run_until_stopped(self, cancel: CancellationToken) {
        let metrics = self.app.metrics().clone();
        let draining = async {
            cancel.cancelled().await;
            self.app.health().drain();
        };
        let ops = async {
            if let Some(ops) = self.ops {
                ops.run(cancel.clone()).await;
            }
        };
        let feed = self.feed.run(cancel.clone());
        let (uses, read_models) = (self.app.admission().api_keys().uses(), self.app.read_models());
        tokio::join!(
            self.main.run(cancel.clone()),
            ops,
            draining,
            feed,
            uses.run(read_models, cancel.clone()),
            telemetry::keep_metrics(metrics, cancel.clone()),
        );
        // Nobody uses any more, so nothing is left out.
        uses.write(read_models).await;
    }
}
