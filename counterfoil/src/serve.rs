//! `counterfoil serve`: servers up, application up, tell everybody, wait to be asked to stop, and all of it down again in
//! the reverse order. A second request to stop, at any moment, ends the process at once: that is safe, because
//! no acknowledged command needs a clean stop and no server outlives us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{App, AppError};
use crate::config::{Config, Role};
use crate::open_files;
use crate::runtime::{RuntimeError, Version};
use crate::servers::{Servers, ServersError};

/// Connections that wait to be accepted; more than this in one scheduling pause means overload.
const BACKLOG: u32 = 1024;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Servers(#[from] ServersError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(
        "cannot listen on {address}: {source}; stop what uses it, or set COUNTERFOIL_LISTEN to another address"
    )]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
}

/// What a person wants to know when everything runs.
#[derive(Debug)]
pub struct Ready {
    pub listen: SocketAddr,
    /// Where metrics are, if not on the main port.
    pub ops_listen: Option<SocketAddr>,
    /// Whether there are pages and an API, or health alone.
    pub serves_interface: bool,
    /// Why commands are declined, if a person has to mend something first.
    pub halted: Option<String>,
    /// With the embedded servers: where the data is, and which servers they are.
    pub embedded: Option<(PathBuf, Version, Version)>,
}

pub async fn serve(config: Config, on_ready: impl FnOnce(&Ready)) -> Result<(), ServeError> {
    let mut stop = StopRequests::listen().map_err(ServeError::Signals)?;
    open_files::allow_all();
    // Before anything is started: a port that is taken is found out at once.
    let (socket, listen) = reserve(config.listen)?;
    let servers = tokio::select! {
        started = Servers::start(&config.place) => started?,
        () = stop.next() => return Ok(()),
    };
    let result = run(&config, &servers, (socket, listen), &mut stop, on_ready).await;
    tracing::info!(event = "stopping");
    tokio::select! {
        () = servers.stop() => {}
        () = stop.next() => tracing::warn!(event = "stopped_at_once"),
    }
    result
}

async fn run(
    config: &Config,
    servers: &Servers,
    (socket, listen): (TcpSocket, SocketAddr),
    stop: &mut StopRequests,
    on_ready: impl FnOnce(&Ready),
) -> Result<(), ServeError> {
    let listener = socket.listen(BACKLOG).map_err(|source| ServeError::Listen { address: listen, source })?;
    let ops_listener = match config.ops_listen {
        Some(address) => {
            Some(TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?)
        }
        None => None,
    };
    let ops_listen = ops_listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let mut app = tokio::select! {
        started = App::start(config, servers, listener, ops_listener) => started?,
        () = stop.next() => return Ok(()),
    };
    let told = tokio::select! {
        () = app.settled() => tell(servers, listen),
        () = stop.next() => {
            app.stop().await;
            return Ok(());
        }
    };
    if told.is_ok() {
        // Whoever sees that it is ready finds the file that says where.
        app.open();
        on_ready(&ready(config, servers, &app, (listen, ops_listen)));
        stop.next().await;
    }
    tokio::select! {
        () = app.stop() => {}
        () = stop.next() => tracing::warn!(event = "stopped_at_once"),
    }
    told
}

fn tell(servers: &Servers, listen: SocketAddr) -> Result<(), ServeError> {
    servers.runtime().map_or(Ok(()), |own| own.announce(listen)).map_err(ServeError::from)
}

fn ready(
    config: &Config,
    servers: &Servers,
    app: &App,
    (listen, ops_listen): (SocketAddr, Option<SocketAddr>),
) -> Ready {
    let embedded = servers
        .runtime()
        .map(|own| (own.data_dir().to_path_buf(), own.postgres_version(), own.nats_version()));
    let serves_interface = config.roles.has(Role::Api);
    Ready { listen, ops_listen, serves_interface, halted: app.halted(), embedded }
}

/// What to type into a browser on this machine: "every address" is no address.
pub(crate) fn base_url(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

/// Takes the address without accepting yet: until all is ready a client is better refused than left waiting.
fn reserve(address: SocketAddr) -> Result<(TcpSocket, SocketAddr), ServeError> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let taken = socket.local_addr()?;
        Ok((socket, taken))
    };
    bound().map_err(|source| ServeError::Listen { address, source })
}

struct StopRequests([Signal; 3]);

impl StopRequests {
    fn listen() -> std::io::Result<StopRequests> {
        // A closed terminal asks for the same as Ctrl-C and as a service manager.
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(StopRequests([interrupt?, terminate?, hangup?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
