//! Who a request is from: the address that counts for limits, keys and logs.
//!
//! It is the address the connection comes from, unless that is a proxy we were told to trust; then it is the last one in
//! `X-Forwarded-For` that is not. What stands before that one anybody can have written, so it is never looked at.

use crate::limits::Client;
use axum::http::{HeaderMap, HeaderName};
use domain::Network;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What proxies say they are by. One of them is enough: that the way is known does not matter here.
const FORWARDED: [HeaderName; 5] = [
    X_FORWARDED_FOR,
    X_FORWARDED_PROTO,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("via"),
];

#[derive(Debug, Default)]
pub(super) struct Proxies(Vec<Network>);

impl Proxies {
    pub(super) const fn new(trusted: Vec<Network>) -> Self {
        Self(trusted)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        let address = if self.trusts(peer) { self.behind(peer, headers) } else { peer };
        // Whoever forwards does not ask for themselves, even if we were not told to believe for whom.
        let is_forwarded = FORWARDED.iter().any(|name| headers.contains_key(name));
        Client { address, is_local: address.is_loopback() && !is_forwarded }
    }

    /// From the nearest hop to the farthest; what cannot be read ends the way.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines: Vec<&str> =
            headers.get_all(&X_FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or_default()).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        let mut nearest = peer;
        for hop in hops {
            let Some(address) = address(hop.trim()) else { return nearest };
            nearest = address;
            if !self.trusts(address) {
                break;
            }
        }
        nearest
    }

    /// Whether the client speaks TLS, as far as somebody we trust says so.
    pub(super) fn is_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let said = headers.get_all(&X_FORWARDED_PROTO).iter().next_back();
        let said = said.and_then(|line| line.to_str().ok()?.rsplit(',').next());
        said.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
            && self.trusts(peer.to_canonical())
    }
}

/// Some proxies write the port too.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client(trusted: &[&str], peer: &str, forwarded: &[&'static str]) -> String {
        let proxies = Proxies::new(trusted.iter().map(|network| network.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
        }
        proxies.client(ip(peer), &headers).address.to_string()
    }

    #[test]
    fn nobody_is_believed_unless_trusted() {
        assert_eq!(client(&[], "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn what_a_client_wrote_in_front_is_not_looked_at() {
        let trusted = ["10.0.0.0/8", "192.0.2.7/32"];
        assert_eq!(client(&trusted, "10.0.0.1", &["1.1.1.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(&trusted, "10.0.0.1", &["1.1.1.1,203.0.113.9, 192.0.2.7"]), "203.0.113.9");
        assert_eq!(client(&trusted, "10.0.0.1", &["1.1.1.1", "203.0.113.9, 10.9.9.9"]), "203.0.113.9");
    }

    #[test]
    fn where_all_are_trusted_it_is_the_farthest_and_without_a_word_the_peer() {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_cannot_be_read_ends_the_way() {
        for odd in ["unknown", "", "203.0.113.9, _hidden", "203.0.113.9, ,", "203.0.113.9, 1.2.3"] {
            let headers: &'static str = odd;
            assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[headers]), "10.0.0.1", "{odd}");
        }
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["[2001:db8::7]"]), "2001:db8::7");
    }

    #[test]
    fn local_is_who_asks_from_here_for_themselves() {
        let proxies = Proxies::default();
        let mut headers = HeaderMap::new();
        assert!(proxies.client(ip("127.0.0.1"), &headers).is_local);
        assert!(proxies.client(ip("::1"), &headers).is_local);
        assert!(!proxies.client(ip("192.0.2.1"), &headers).is_local);
        headers.append(X_FORWARDED_FOR, HeaderValue::from_static("127.0.0.1"));
        assert!(!proxies.client(ip("127.0.0.1"), &headers).is_local);
    }

    #[test]
    fn tls_is_what_a_trusted_proxy_says() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        assert!(!proxies.is_https(ip("10.0.0.1"), &headers));
        headers.append(X_FORWARDED_PROTO, HeaderValue::from_static("http, HTTPS"));
        assert!(proxies.is_https(ip("10.0.0.1"), &headers));
        assert!(!proxies.is_https(ip("192.0.2.1"), &headers));
        headers.append(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
        assert!(!proxies.is_https(ip("10.0.0.1"), &headers));
    }
}
