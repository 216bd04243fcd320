//! Somebody with a wallet: registers, logs in, reads, logs out.

use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::Client;
use super::http::Ask;
use super::record::{Intent, Read, Said};

const PASSWORD: &str = "correct-horse-battery";
const PAUSE: Duration = Duration::from_millis(40);

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: Uuid,
    pub(crate) wallet: Uuid,
    pub(crate) username: String,
    pub(crate) token: Option<String>,
    session: Uuid,
}

impl Person {
    fn stranger(username: &str) -> Self {
        let nobody = Uuid::nil();
        Self { user: nobody, wallet: nobody, username: username.to_owned(), token: None, session: nobody }
    }

    pub(crate) fn registration(username: &str) -> Ask {
        let email = format!("{username}@example.com");
        Ask::post("/auth/register", json!({ "username": username, "email": email, "password": PASSWORD }))
    }

    /// Registers. Nobody, if the name is taken or the command was left at no effect.
    pub(crate) async fn register(client: &mut Client, username: &str) -> Option<Self> {
        let mut person = Self::stranger(username);
        let key = client.key();
        let intent = Intent::Register { username: username.to_owned() };
        let command = client.record.begin(&key, Uuid::nil(), intent.clone());
        let said = client.settle(command, &person, &intent, &key).await?;
        if !matches!(said, Said::Accepted { .. }) {
            return None;
        }
        let body = client.record.accepted_body(command);
        let id = |pointer: &str| body.pointer(pointer)?.as_str()?.parse::<Uuid>().ok();
        person.user = id("/user/id").unwrap();
        person.wallet = id("/wallet/id").unwrap();
        Some(person)
    }

    /// A login takes no key: it is tried until one is answered.
    pub(crate) async fn log_in(&mut self, client: &mut Client) {
        let ask = Ask::post("/auth/login", json!({ "username": self.username, "password": PASSWORD }));
        loop {
            match client.plain(&ask).await {
                Ok(reply) if reply.status == 200 => {
                    let token = reply.text("/access_token").to_owned();
                    self.session = session_in(&token);
                    self.token = Some(token);
                    return client.record.logged_in(self.session, self.user);
                }
                Ok(reply) if reply.status != 503 => {
                    return client.record.odd(format!("login: {} {}", reply.status, reply.body));
                }
                Ok(_) | Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Logs out and makes sure of it: from then on the token is worth nothing.
    pub(crate) async fn log_out(&mut self, client: &mut Client) {
        let Some(token) = self.token.take() else { return };
        let ask = Ask::post("/auth/logout", Value::Null).with_token(&token);
        let mut was_cut_off = false;
        loop {
            match client.plain(&ask).await {
                Ok(reply) if reply.status == 200 => break,
                // The answer was lost, the logout was not.
                Ok(reply) if reply.code() == "session_ended" && was_cut_off => break,
                Ok(reply) if reply.status == 503 => was_cut_off |= reply.code() != "unavailable",
                Ok(reply) => {
                    return client.record.odd(format!("logout: {} {}", reply.status, reply.body));
                }
                Err(_) => was_cut_off = true,
            }
            sleep(PAUSE).await;
        }
        client.record.logged_out(self.session);
        let me = Ask::get("/auth/me").with_token(&token);
        if let Ok(reply) = client.plain(&me).await
            && reply.status != 503
            && reply.code() != "session_ended"
        {
            client.record.odd(format!("after logout: {} {}", reply.status, reply.body));
        }
    }

    /// Reads the wallet as of a position. True, if it was answered.
    pub(crate) async fn read(&self, client: &mut Client, min_position: i64) -> bool {
        let path = format!("/wallets/{}?min_position={min_position}", self.wallet);
        let Ok(reply) = client.plain(&Ask::get(&path).with_token(self.token.as_deref().unwrap())).await
        else {
            return false;
        };
        match (reply.status, reply.position) {
            (200, Some(position)) => client.record.read(Read {
                wallet: self.wallet,
                min_position,
                position,
                posted: reply.text("/posted").to_owned(),
                available: reply.text("/available").to_owned(),
                version: reply.body["version"].as_i64().unwrap_or_default(),
            }),
            (503, _) => return false,
            _ => client.record.odd(format!("{path}: {} {}", reply.status, reply.body)),
        }
        true
    }
}

/// The `sid` of an access token, which is not ours to verify.
fn session_in(token: &str) -> Uuid {
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["sid"].as_str().unwrap().parse().unwrap()
}
