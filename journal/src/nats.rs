//! The door to NATS. It opens whether or not a server is there: connecting goes on in the background, for ever, and
//! whoever needs the server asks [`Nats::ready`] first, so that nothing waits for one that is down.
//!
//! Only features that every server from 2.9 on has are used; a consumer never has more than one filter subject, because
//! 2.9 silently ignores a list of them and would deliver everything.

use async_nats::connection::State;
use async_nats::jetstream::{Context, context::ContextBuilder};
use async_nats::{Client, ConnectOptions};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// The oldest server with the consumer API that the client speaks.
const VERSION_MIN: (i64, i64) = (2, 9);
/// Messages on their way to the server; when it stalls, senders wait.
const SENDING_MAX: usize = 4_096;
/// Messages delivered and not yet read, per subscription. What comes on top is dropped, and noticed as a hole.
const RECEIVED_MAX: usize = 16_384;
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For one answer of JetStream. A sync to a slow disk may come in between.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Two unanswered pings mean a dead peer.
const PING_INTERVAL: Duration = Duration::from_secs(3);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);
/// Ours alone, so that permissions can keep subscribers from listening to our answers.
const INBOX_PREFIX: &str = "_INBOX_COUNTERFOIL";

#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// One address or several, separated by commas; a user and password may stand in it.
    pub url: String,
    /// User and password, if they do not stand in the address.
    pub credentials: Option<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Nats {
    client: Client,
    jetstream: Context,
    login: Option<Login>,
}

#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    #[error("the NATS address is not usable: {0}")]
    BadAddress(String),
    #[error("NATS is not reachable")]
    Unreachable,
    #[error("nats-server {found} is too old: 2.9 or newer is needed")]
    TooOld { found: String },
    #[error("NATS: {0}")]
    Failed(String),
}

impl NatsError {
    pub(crate) fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

fn credentials(address: &async_nats::ServerAddr) -> Option<(String, String)> {
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((plain(address.username()?), plain(address.password().unwrap_or_default())))
}

impl Nats {
    /// Begins to connect. The address is checked here; whether a server is there shows in [`Self::ready`].
    pub async fn connect(options: &NatsOptions) -> Result<Self, NatsError> {
        let bad = |error: std::io::Error| NatsError::BadAddress(error.to_string());
        let addresses: Vec<async_nats::ServerAddr> = options
            .url
            .split(',')
            .map(|address| address.trim().parse().map_err(bad))
            .collect::<Result<_, _>>()?;
        let mut connect = ConnectOptions::new()
            .name("counterfoil")
            .retry_on_initial_connect()
            .connection_timeout(CONNECT_TIMEOUT)
            .request_timeout(Some(ANSWER_TIMEOUT))
            .ping_interval(PING_INTERVAL)
            .client_capacity(SENDING_MAX)
            .subscription_capacity(RECEIVED_MAX)
            .custom_inbox_prefix(INBOX_PREFIX)
            .reconnect_delay_callback(|attempts| {
                let tenths = u32::try_from(attempts).unwrap_or(u32::MAX);
                Duration::from_millis(100).saturating_mul(tenths).min(RECONNECT_DELAY_MAX)
            });
        // The client does not take them from the address by itself.
        let in_address = addresses.iter().find_map(credentials);
        let login = options.credentials.clone().or(in_address);
        let login = login.map(|(user, password)| Login { user, password: password.into() });
        if let Some(Login { user, password }) = &login {
            connect = connect.user_and_password(user.clone(), password.expose_secret().to_owned());
        }
        let client = connect.connect(addresses).await.map_err(NatsError::failed)?;
        let jetstream =
            ContextBuilder::new().timeout(ANSWER_TIMEOUT).ack_timeout(ANSWER_TIMEOUT).build(client.clone());
        Ok(Self { client, jetstream, login })
    }

    /// Whether there is a server to talk to now, and one that is new enough.
    pub fn ready(&self) -> Result<(), NatsError> {
        if self.client.connection_state() != State::Connected {
            return Err(NatsError::Unreachable);
        }
        let info = self.client.try_server_info().ok_or(NatsError::Unreachable)?;
        if self.client.is_server_compatible(VERSION_MIN.0, VERSION_MIN.1, 0) {
            Ok(())
        } else {
            Err(NatsError::TooOld { found: info.version })
        }
    }

    /// Waits until [`Self::ready`], at most so long.
    pub async fn wait_until_ready(&self, patience: Duration) -> Result<(), NatsError> {
        const INTERVAL: Duration = Duration::from_millis(5);
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            match self.ready() {
                Err(NatsError::Unreachable) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(INTERVAL).await;
                }
                known => return known,
            }
        }
    }

    pub const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) const fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    pub const fn jetstream(&self) -> &Context {
        &self.jetstream
    }
}
