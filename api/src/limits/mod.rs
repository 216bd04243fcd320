//! How often one client may ask. What costs a password's hash, a mail or an account has a limit of its own; for all the rest
//! there is one.
//!
//! A client is an address (of IPv6 the network of a subscriber), decided before anything is read or looked up, so
//! being refused is cheap. Who is exempt is told the same headers: they always have everything left. What comes with an API
//! key is counted once it is known whether the key is good (`keys.rs`).

mod gcra;
mod keys;

pub(crate) use keys::KeyMeter;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use domain::ApiKeyId;
use gcra::{Limiter, Quota, Standing, household};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

pub(crate) const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

const MINUTE: Duration = Duration::from_mins(1);

const fn a_minute(name: &'static str, count: u32) -> Quota {
    Quota { name, count, window: MINUTE }
}

/// Each is a password's hash: ten are a person who mistypes, or several behind one address.
const LOGIN: Quota = a_minute("login", 10);
/// So is each of these, where a key is known: of their own, so that a reset that is tried again leaves the sign-in be.
const RESET: Quota = a_minute("reset", 10);
/// Each is an account.
const REGISTER: Quota = a_minute("register", 5);
/// Each is a mail to somebody who may not have asked for it.
const MAIL: Quota = a_minute("mail", 5);
/// A client does this four times an hour: the rest is for many behind one address.
const REFRESH: Quota = a_minute("refresh", 30);
const GENERAL: &str = "general";
/// Keys that do not exist: nobody guesses one, but a program whose key was revoked should hear that it is one too many, and
/// each costs a look into the database. Several programs behind one address have room.
const KEY_FAILURES: Quota = a_minute("api_key_failures", 20);
const KEY: &str = "api_key";

/// Who is limited, and how many requests of the general kind a second make the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    Off,
    /// All but whoever asks from this machine for themselves.
    Others {
        a_second: u32,
    },
    Everybody {
        a_second: u32,
    },
}

impl RateLimit {
    /// More than a page asks for when it opens, less than a program that means harm.
    pub const A_SECOND: u32 = 100;
    /// Of each API key: ten a second for as long as it likes, and a minute's worth at once.
    pub const KEY_A_MINUTE: u32 = 600;
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::Others { a_second: Self::A_SECOND }
    }
}

/// Of whom a request is, as far as limits go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub address: IpAddr,
    /// From this machine, and not on behalf of somebody elsewhere.
    pub is_local: bool,
}

#[derive(Debug)]
pub(crate) struct Limits {
    whom: RateLimit,
    login: Limiter<IpAddr>,
    reset: Limiter<IpAddr>,
    register: Limiter<IpAddr>,
    mail: Limiter<IpAddr>,
    refresh: Limiter<IpAddr>,
    general: Limiter<IpAddr>,
    key_failures: Limiter<IpAddr>,
    /// Of each key; nothing, where keys have no limit.
    key: Option<Limiter<ApiKeyId>>,
}

/// What a client is told about one limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice {
    quota: Quota,
    /// Nothing for who is exempt.
    standing: Option<Standing>,
}

impl Limits {
    pub(crate) fn new(whom: RateLimit, keys_a_minute: Option<u32>) -> Self {
        let a_second = match whom {
            RateLimit::Off => RateLimit::A_SECOND,
            RateLimit::Others { a_second } | RateLimit::Everybody { a_second } => a_second,
        };
        let general = Quota { name: GENERAL, count: a_second, window: Duration::from_secs(1) };
        Self {
            whom,
            login: Limiter::new(LOGIN),
            reset: Limiter::new(RESET),
            register: Limiter::new(REGISTER),
            mail: Limiter::new(MAIL),
            refresh: Limiter::new(REFRESH),
            general: Limiter::new(general),
            key_failures: Limiter::new(KEY_FAILURES),
            key: keys_a_minute.map(|count| Limiter::new(a_minute(KEY, count))),
        }
    }

    const fn exempts(&self, client: Client) -> bool {
        match self.whom {
            RateLimit::Off => true,
            RateLimit::Others { .. } => client.is_local,
            RateLimit::Everybody { .. } => false,
        }
    }

    /// Counts a request. Nothing is said where there is no limit; the path is without the prefix.
    pub(crate) fn count(&self, method: &Method, path: &str, client: Client) -> Option<Notice> {
        let limiter = self.limiter(method, path)?;
        let quota = limiter.quota;
        if self.exempts(client) {
            // Most requests of a benchmark, or of a machine of one's own, are of the general kind: they say nothing.
            return (quota.name != GENERAL).then_some(Notice { quota, standing: None });
        }
        Some(Notice::of(limiter, household(client.address)))
    }

    fn limiter(&self, method: &Method, path: &str) -> Option<&Limiter<IpAddr>> {
        if method == Method::POST {
            match path {
                "/auth/login" => return Some(&self.login),
                "/auth/password/reset" => return Some(&self.reset),
                "/auth/register" => return Some(&self.register),
                "/auth/password/forgot" | "/auth/email/resend" => return Some(&self.mail),
                "/auth/refresh" => return Some(&self.refresh),
                _ => {}
            }
        }
        // A probe that is refused would take a healthy node out of service.
        let is_probe = path.starts_with("/health") || path == "/metrics";
        (!is_probe).then_some(&self.general)
    }
}

impl Notice {
    /// Counts one more.
    fn of<K: Copy + Eq + Hash>(limiter: &Limiter<K>, key: K) -> Self {
        let (quota, standing) = (limiter.quota, limiter.take(key, Instant::now()));
        if !standing.is_allowed {
            metrics::counter!("counterfoil_requests_limited_total", "limit" => quota.name).increment(1);
        }
        Self { quota, standing: Some(standing) }
    }

    /// When to come again, for who has asked too often.
    pub(crate) fn refused_for(&self) -> Option<Duration> {
        self.standing.filter(|standing| !standing.is_allowed).map(|standing| standing.more_in)
    }

    /// Behind what stands there of another limit.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Quota { name, count, window } = self.quota;
        let policy = format!("\"{name}\";q={count};w={}", window.as_secs());
        let standing = match self.standing {
            None => format!("\"{name}\";r={count}"),
            Some(Standing { remaining, more_in, .. }) => {
                format!("\"{name}\";r={remaining};t={}", rounded_up(more_in))
            }
        };
        for (header, text) in [(RATELIMIT_POLICY, policy), (RATELIMIT, standing)] {
            let before = headers.get(&header).and_then(|value| value.to_str().ok());
            let text = before.map(|before| format!("{before}, {text}")).unwrap_or(text);
            // A name, digits and punctuation: always a legal header.
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header, value);
            }
        }
    }
}

fn rounded_up(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(is_local: bool) -> Client {
        Client { address: "192.0.2.1".parse().unwrap(), is_local }
    }

    fn said(notice: Option<Notice>) -> (String, String) {
        let mut headers = HeaderMap::new();
        notice.unwrap().write(&mut headers);
        let text = |name: &HeaderName| headers[name].to_str().unwrap().to_owned();
        (text(&RATELIMIT_POLICY), text(&RATELIMIT))
    }

    #[test]
    fn the_eleventh_login_of_a_minute_is_one_too_many() {
        let limits = Limits::new(RateLimit::default(), None);
        for left in (0..10).rev() {
            let notice = limits.count(&Method::POST, "/auth/login", client(false));
            assert!(notice.unwrap().refused_for().is_none());
            assert_eq!(said(notice).0, "\"login\";q=10;w=60");
            assert_eq!(said(notice).1, format!("\"login\";r={left};t=6"));
        }
        let notice = limits.count(&Method::POST, "/auth/login", client(false));
        assert!(notice.unwrap().refused_for().is_some());
        assert_eq!(said(notice).1, "\"login\";r=0;t=6");
        // Another limit is another limit.
        let other = limits.count(&Method::POST, "/auth/refresh", client(false));
        assert!(other.unwrap().refused_for().is_none());
    }

    #[test]
    fn who_is_exempt_has_everything_left() {
        for (whom, is_local) in [(RateLimit::default(), true), (RateLimit::Off, false)] {
            let limits = Limits::new(whom, None);
            for _ in 0..1_000 {
                let notice = limits.count(&Method::POST, "/auth/login", client(is_local));
                assert!(notice.unwrap().refused_for().is_none());
                assert_eq!(said(notice).1, "\"login\";r=10");
            }
            assert!(limits.count(&Method::GET, "/auth/me", client(is_local)).is_none());
        }
    }

    #[test]
    fn everybody_is_everybody() {
        let limits = Limits::new(RateLimit::Everybody { a_second: 2 }, None);
        let ask = || limits.count(&Method::GET, "/auth/me", client(true)).unwrap();
        assert_eq!(said(Some(ask())).0, "\"general\";q=2;w=1");
        assert!(ask().refused_for().is_none());
        assert!(ask().refused_for().is_some());
    }

    #[test]
    fn probes_are_not_counted() {
        let limits = Limits::new(RateLimit::Everybody { a_second: 1 }, None);
        for path in ["/health", "/health/live", "/metrics"] {
            assert!(limits.count(&Method::GET, path, client(false)).is_none(), "{path}");
        }
    }
}
