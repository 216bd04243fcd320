//! How many requests a client, or whatever else is counted, has left: the generic cell rate algorithm.
//!
//! For each of them one moment is kept: when all it has used will have come back. A request moves it on by the time that
//! one request takes to come back, and is refused if that led further than a window ahead. So a window's worth may come
//! at once, then as much as comes back, and there is no edge at which twice as much fits.
//!
//! Memory is bounded: moments stand in a young and an old map, and what is in the old one when the young is full is dropped.
//! Only who sends as that many of them within one window gets anything back too early.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Clients in each half: some 10 MB for a limit that is under attack.
const HALF_MAX: usize = 65_536;
/// What one subscriber gets of IPv6, at least: who has one address of these has all.
const V6_BITS: u32 = 64;

/// So many in a window, each of those who are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    pub name: &'static str,
    pub count: u32,
    pub window: Duration,
}

/// Where one of them stands afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub is_allowed: bool,
    pub remaining: u32,
    /// Until there is one more.
    pub more_in: Duration,
}

#[derive(Debug)]
pub(super) struct Limiter<K> {
    pub quota: Quota,
    began: Instant,
    moments: Mutex<Halves<K>>,
}

/// Nanoseconds since the limiter began.
#[derive(Debug)]
struct Halves<K> {
    young: HashMap<K, u64>,
    old: HashMap<K, u64>,
}

impl<K: Copy + Eq + Hash> Limiter<K> {
    pub(super) fn new(quota: Quota) -> Self {
        let moments = Halves { young: HashMap::new(), old: HashMap::new() };
        Self { quota, began: Instant::now(), moments: Mutex::new(moments) }
    }

    pub(super) fn take(&self, key: K, now: Instant) -> Standing {
        let now = nanos(now.saturating_duration_since(self.began));
        let window = nanos(self.quota.window);
        let each = window / u64::from(self.quota.count.max(1));
        // Nothing in here panics half-way, so what a poisoned lock guards is still whole.
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let used = moments.get(&key).saturating_sub(now);
        let is_allowed = used + each <= window;
        let used = if is_allowed { used + each } else { used };
        if is_allowed {
            moments.put(key, now + used);
        }
        drop(moments);
        let left = window.saturating_sub(used);
        let remaining = left / each.max(1);
        Standing {
            is_allowed,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            more_in: Duration::from_nanos((remaining + 1) * each - left),
        }
    }
}

impl<K: Eq + Hash> Halves<K> {
    fn get(&self, key: &K) -> u64 {
        self.young.get(key).or_else(|| self.old.get(key)).copied().unwrap_or_default()
    }

    fn put(&mut self, key: K, moment: u64) {
        if self.young.len() >= HALF_MAX && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, moment);
    }
}

/// Whom an address stands for.
pub(super) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> V6_BITS << V6_BITS).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Five hundred years of them fit.
fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ten_a_minute() -> Limiter<IpAddr> {
        Limiter::new(Quota { name: "login", count: 10, window: Duration::from_mins(1) })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_windows_worth_may_come_at_once_and_then_as_much_as_comes_back() {
        let (limiter, now, ada) = (ten_a_minute(), Instant::now(), address("192.0.2.1"));
        let left: Vec<u32> = (0..10).map(|_| limiter.take(ada, now).remaining).collect();
        assert_eq!(left, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        let refused = limiter.take(ada, now + SECOND);
        assert!(!refused.is_allowed);
        assert!(refused.more_in <= 5 * SECOND && refused.more_in > 4 * SECOND, "{:?}", refused.more_in);
        assert!(limiter.take(ada, now + 6 * SECOND).is_allowed);
        assert!(!limiter.take(ada, now + 7 * SECOND).is_allowed);
        let later = now + 120 * SECOND;
        assert_eq!((0..20).filter(|_| limiter.take(ada, later).is_allowed).count(), 10);
    }

    #[test]
    fn being_refused_does_not_make_it_longer() {
        let (limiter, now, ada) = (ten_a_minute(), Instant::now(), address("192.0.2.1"));
        for _ in 0..1_000 {
            limiter.take(ada, now);
        }
        assert!(limiter.take(ada, now + 6 * SECOND).is_allowed);
    }

    #[test]
    fn who_waits_as_told_is_let_in() {
        let (limiter, mut now, ada) = (ten_a_minute(), Instant::now(), address("192.0.2.1"));
        for _ in 0..100 {
            let standing = limiter.take(ada, now);
            if !standing.is_allowed {
                now += standing.more_in;
                assert!(limiter.take(ada, now).is_allowed);
            }
        }
    }

    #[test]
    fn neighbours_do_not_share_and_a_subscriber_is_one_client() {
        let (limiter, now) = (ten_a_minute(), Instant::now());
        for n in 0..10 {
            let of_hers = address(&format!("2001:db8:0:7::{n:x}"));
            assert!(limiter.take(household(of_hers), now).is_allowed);
        }
        assert!(!limiter.take(household(address("2001:db8:0:7:ffff::1")), now).is_allowed);
        assert!(limiter.take(household(address("2001:db8:0:8::1")), now).is_allowed);
        assert!(limiter.take(household(address("192.0.2.1")), now).is_allowed);
        assert_eq!(limiter.take(household(address("::ffff:192.0.2.1")), now).remaining, 8, "the same client");
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_than_its_memory() {
        let (limiter, now) = (ten_a_minute(), Instant::now());
        for n in 0..300_000_u32 {
            limiter.take(IpAddr::V4(n.into()), now);
        }
        let moments = limiter.moments.lock().unwrap();
        assert!(moments.young.len() <= HALF_MAX && moments.old.len() <= HALF_MAX);
    }
}
