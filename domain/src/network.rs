//! A network: the addresses that share their first bits, as `10.0.0.0/8` or `2001:db8::/32`.
//!
//! An address alone is a network of one. IPv4 that comes wrapped in IPv6 is IPv4 here.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The longest text of one: an IPv6 address written out, and its length.
const TEXT_MAX: usize = 43;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    #[error("is not a network: write it as 10.0.0.0/8 or 2001:db8::/32")]
    NotANetwork,
    #[error("names an address within the network: its first is {first}")]
    NotItsFirstAddress { first: IpAddr },
}

impl Network {
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        if text.len() > TEXT_MAX {
            return Err(NetworkError::NotANetwork);
        }
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::NotANetwork)?;
        let width = width(address);
        let prefix = prefix.map_or(Some(width), |prefix| length(prefix).filter(|prefix| *prefix <= width));
        let prefix = prefix.ok_or(NetworkError::NotANetwork)?;
        let first = first(address, prefix);
        if first != address {
            return Err(NetworkError::NotItsFirstAddress { first });
        }
        Ok(Self { address, prefix })
    }

    pub fn contains(self, address: IpAddr) -> bool {
        let address = match self.address {
            IpAddr::V4(_) => address.to_canonical(),
            IpAddr::V6(_) => address,
        };
        width(address) == width(self.address) && first(address, self.prefix) == self.address
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Digits only: `parse` alone would take "+8" too.
fn length(text: &str) -> Option<u8> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The address with every bit after the prefix cleared.
fn first(address: IpAddr, prefix: u8) -> IpAddr {
    let cleared = u32::from(width(address) - prefix);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(cleared).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(cleared).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Self::parse(text)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_holds_what_shares_its_first_bits() {
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("192.0.2.128/25", "192.0.2.128") && !holds("192.0.2.128/25", "192.0.2.127"));
        assert!(holds("2001:db8::/33", "2001:db8:7fff::1") && !holds("2001:db8::/33", "2001:db8:8000::1"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && holds("::/0", "2001:db8::1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.6"));
    }

    #[test]
    fn one_family_is_not_the_other_but_wrapped_ipv4_is_ipv4() {
        assert!(!holds("0.0.0.0/0", "2001:db8::1") && !holds("::/0", "192.0.2.1"));
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.9") && !holds("192.0.2.0/24", "::ffff:192.0.3.9"));
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in
            ["", "/", "10/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "::/129", "a.b", "10.0.0.0/8/8"]
        {
            assert_eq!(Network::parse(text), Err(NetworkError::NotANetwork), "{text:?}");
        }
        let first = "10.0.0.0".parse().unwrap();
        assert_eq!(Network::parse("10.1.2.3/8"), Err(NetworkError::NotItsFirstAddress { first }));
    }

    #[test]
    fn a_network_reads_back_as_it_is_written() {
        for text in ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32", "::1/128"] {
            assert_eq!(Network::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Network::parse("::1").unwrap().to_string(), "::1/128");
    }
}
