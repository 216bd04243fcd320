//! Mails by SMTP. Names and passwords travel under TLS, unless the URL says that they need not or the server is on this
//! very machine.

use super::post::{Parcel, Post, PostError};
use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::fmt;
use std::time::Duration;

/// For each step of a conversation: a server that greets slowly on purpose is still waited for.
const STEP_WITHIN: Duration = Duration::from_secs(20);
/// For all of it.
const SEND_WITHIN: Duration = Duration::from_mins(1);

pub struct SmtpPost {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use smtp://user:password@host:587 or smtps://user:password@host:465")]
pub struct BadSmtpUrl;

impl SmtpPost {
    /// `smtps` is TLS from the start. `smtp` is STARTTLS, and nothing is said before it; on this machine it may be left
    /// out, and with `?tls=none` everywhere.
    pub fn new(url: &str) -> Result<Self, BadSmtpUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(BadSmtpUrl)?;
        let host = host_of(rest).ok_or(BadSmtpUrl)?;
        let (bare, tls) = match rest.split_once("?tls=") {
            Some((bare, tls)) => (bare, tls),
            None if is_this_machine(host) => (rest, "opportunistic"),
            None => (rest, "required"),
        };
        let url = match (scheme, tls) {
            ("smtp", "none") | ("smtps", _) => format!("{scheme}://{bare}"),
            ("smtp", "required" | "opportunistic") => format!("{scheme}://{bare}?tls={tls}"),
            _ => return Err(BadSmtpUrl),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).map_err(|_| BadSmtpUrl)?;
        Ok(Self { transport: builder.timeout(Some(STEP_WITHIN)).build() })
    }
}

fn host_of(rest: &str) -> Option<&str> {
    let authority = rest.split(['/', '?']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => place.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[async_trait]
impl Post for SmtpPost {
    async fn send(&self, parcel: &Parcel) -> Result<(), PostError> {
        // A connection a mail: there are few, and one that stays open dies unnoticed.
        let sent = tokio::time::timeout(SEND_WITHIN, self.transport.send(parcel.message.clone())).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(PostError(in_short(&error))),
            Err(_) => Err(PostError("smtp: too slow".to_owned())),
        }
    }
}

/// The server's own words may name the address.
fn in_short(error: &Error) -> String {
    if let Some(code) = error.status() {
        return format!("smtp: {code}");
    }
    let what = if error.is_tls() {
        "TLS failed"
    } else if error.is_timeout() {
        "timed out"
    } else if error.is_response() {
        "an answer that makes no sense"
    } else if error.is_client() {
        "the server cannot do what it takes"
    } else {
        "no connection"
    };
    format!("smtp: {what}")
}

/// It holds a password.
impl fmt::Debug for SmtpPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpPost").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_says_where_and_how() {
        for good in [
            "smtps://user:p%40ss@mail.example:465",
            "smtp://user:pass@mail.example",
            "smtp://localhost:1025",
            "smtp://[::1]:1025",
            "smtp://mailpit:1025?tls=none",
            "smtp://user:pass@mail.example:587?tls=opportunistic",
        ] {
            assert!(SmtpPost::new(good).is_ok(), "{good}");
        }
        for bad in
            ["", "mail.example", "http://mail.example", "smtp://", "smtp://h?tls=maybe", "smtp://u:p@:25"]
        {
            assert!(SmtpPost::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        assert!(host_of("u:p@localhost:25/x").is_some_and(is_this_machine));
        assert!(host_of("127.0.0.1").is_some_and(is_this_machine));
        assert!(host_of("[::1]:25").is_some_and(is_this_machine));
        assert!(host_of("localhost@mail.example").is_some_and(|host| !is_this_machine(host)));
    }
}
