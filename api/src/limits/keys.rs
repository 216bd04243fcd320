//! What comes with API keys: how often each key is used, and how often one client shows keys that do not exist.
//!
//! A key is counted after it was found to be good and a failure after it was found to be one, so a client that has failed
//! too often is refused what fails, and its good keys work on. A request counts once, however often it is asked who sent it.

use super::{Client, Limits, Notice, household};
use domain::ApiKeyId;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Goes with one request.
#[derive(Clone, Debug)]
pub(crate) struct KeyMeter {
    limits: Arc<Limits>,
    client: Client,
    notice: Arc<OnceLock<Option<Notice>>>,
}

impl KeyMeter {
    pub(crate) fn new(limits: &Arc<Limits>, client: Client) -> Self {
        Self { limits: Arc::clone(limits), client, notice: Arc::default() }
    }

    pub(crate) const fn client(&self) -> IpAddr {
        self.client.address
    }

    /// A good key was shown. When to come again, if that was too often.
    pub(crate) fn used(&self, key_id: ApiKeyId) -> Option<Duration> {
        self.count(|limits| limits.key.as_ref().map(|limiter| Notice::of(limiter, key_id)))
    }

    /// A key was shown that does not exist.
    pub(crate) fn failed(&self) -> Option<Duration> {
        let client = household(self.client.address);
        self.count(|limits| Some(Notice::of(&limits.key_failures, client)))
    }

    /// What the client is told of it.
    pub(crate) fn notice(&self) -> Option<Notice> {
        self.notice.get().copied().flatten()
    }

    fn count(&self, take: impl FnOnce(&Limits) -> Option<Notice>) -> Option<Duration> {
        if self.limits.exempts(self.client) {
            return None;
        }
        self.notice.get_or_init(|| take(&self.limits)).and_then(|notice| notice.refused_for())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{RATELIMIT, RATELIMIT_POLICY, RateLimit};
    use axum::http::{HeaderMap, Method};
    use uuid::Uuid;

    const EVERYBODY: RateLimit = RateLimit::Everybody { a_second: 100 };

    fn client() -> Client {
        Client { address: "192.0.2.1".parse().unwrap(), is_local: false }
    }

    fn key(n: u128) -> ApiKeyId {
        ApiKeyId(Uuid::from_u128(n))
    }

    #[test]
    fn each_key_has_a_limit_of_its_own_wherever_it_is_used() {
        let limits = Arc::new(Limits::new(EVERYBODY, Some(2)));
        let used = |n| KeyMeter::new(&limits, client()).used(key(n));
        assert_eq!((used(1), used(1)), (None, None));
        assert!(used(1).is_some());
        assert_eq!(used(2), None);
    }

    #[test]
    fn who_shows_too_many_keys_that_do_not_exist_is_refused_those_only() {
        let limits = Arc::new(Limits::new(EVERYBODY, Some(600)));
        let meter = || KeyMeter::new(&limits, client());
        assert!((0..20).all(|_| meter().failed().is_none()));
        assert!(meter().failed().is_some());
        assert_eq!(meter().used(key(1)), None);
        let elsewhere = Client { address: "192.0.2.2".parse().unwrap(), is_local: false };
        assert_eq!(KeyMeter::new(&limits, elsewhere).failed(), None);
    }

    #[test]
    fn a_request_counts_once_and_is_told_of_both_limits() {
        let limits = Arc::new(Limits::new(EVERYBODY, Some(600)));
        let general = limits.count(&Method::GET, "/users/me", client()).unwrap();
        let meter = KeyMeter::new(&limits, client());
        for _ in 0..3 {
            assert_eq!(meter.used(key(1)), None);
        }
        let mut headers = HeaderMap::new();
        general.write(&mut headers);
        meter.notice().unwrap().write(&mut headers);
        assert_eq!(headers[&RATELIMIT_POLICY], "\"general\";q=100;w=1, \"api_key\";q=600;w=60");
        assert_eq!(headers[&RATELIMIT], "\"general\";r=99;t=1, \"api_key\";r=599;t=1");
    }

    #[test]
    fn who_is_exempt_is_not_counted() {
        for limits in [Limits::new(RateLimit::Off, Some(1)), Limits::new(EVERYBODY, None)] {
            let limits = Arc::new(limits);
            for _ in 0..10 {
                assert_eq!(KeyMeter::new(&limits, client()).used(key(1)), None);
            }
        }
        let limits = Arc::new(Limits::new(RateLimit::default(), Some(1)));
        let local = Client { is_local: true, ..client() };
        for _ in 0..100 {
            assert_eq!(KeyMeter::new(&limits, local).failed(), None);
        }
    }
}
