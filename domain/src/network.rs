//! Networks: an address with the number of its leading bits that count, such as `10.0.0.0/8`.
//!
//! An IPv4 address that arrives in its IPv6 form (`::ffff:10.0.0.1`) is the IPv4 address, everywhere: else a list of
//! networks could be walked around by connecting another way.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// Its first address: what does not count is zero.
    first: IpAddr,
    bits: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a network: use an address, or one with its bits, for example 10.0.0.0/8 or 2001:db8::/32")]
pub struct NotANetwork;

impl Network {
    /// The network of so many bits that the address is in; an address alone, if those are more than it has.
    #[must_use]
    pub fn around(address: IpAddr, bits: u8) -> Self {
        let address = address.to_canonical();
        let bits = bits.min(width(address));
        let first = match address {
            IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & mask_v4(bits)).into()),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & mask_v6(bits)).into()),
        };
        Self { first, bits }
    }

    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.first) && Self::around(address, self.bits).first == self.first
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn mask_v4(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

fn mask_v6(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NotANetwork;

    /// Bits of the address that do not count may be set: `10.1.2.3/8` is `10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let bits = match bits {
            None => width(address),
            // `parse` alone would take a sign.
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => {
                bits.parse().map_err(|_| NotANetwork)?
            }
            Some(_) => return Err(NotANetwork),
        };
        if bits > width(address) {
            return Err(NotANetwork);
        }
        // In its IPv6 form the first 96 bits of an IPv4 address say only that it is one.
        let is_mapped = address.is_ipv6() && address.to_canonical().is_ipv4();
        match (is_mapped, bits.checked_sub(96)) {
            (false, _) => Ok(Self::around(address, bits)),
            (true, Some(bits)) => Ok(Self::around(address, bits)),
            (true, None) => Err(NotANetwork),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
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
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        for (inside, outside, of) in [
            ("10.255.0.1", "11.0.0.1", "10.0.0.0/8"),
            ("192.168.1.7", "192.168.1.8", "192.168.1.7"),
            ("203.0.113.130", "203.0.113.127", "203.0.113.128/25"),
            ("2001:db8:1::5", "2001:db9::5", "2001:db8::/32"),
            ("::1", "::2", "::1"),
        ] {
            assert!(network(of).contains(address(inside)), "{inside} in {of}");
            assert!(!network(of).contains(address(outside)), "{outside} in {of}");
        }
        assert!(network("0.0.0.0/0").contains(address("8.8.8.8")));
        assert!(!network("0.0.0.0/0").contains(address("2001:db8::1")), "another family is another world");
        assert!(network("::/0").contains(address("2001:db8::1")));
    }

    #[test]
    fn the_longer_form_of_a_short_address_is_the_short_one() {
        assert!(network("10.0.0.0/8").contains(address("::ffff:10.1.2.3")));
        assert!(network("::ffff:10.0.0.0/104").contains(address("10.1.2.3")));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1/32"));
        assert!(!network("::/0").contains(address("::ffff:10.1.2.3")));
    }

    #[test]
    fn bits_that_do_not_count_are_left_out() {
        assert_eq!(network("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert_eq!(network("2001:db8:0:1:2::/64").to_string(), "2001:db8:0:1::/64");
        assert_eq!(network("127.0.0.1").to_string(), "127.0.0.1/32");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "a/8",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
        assert_eq!("::ffff:10.0.0.0/95".parse::<Network>(), Err(NotANetwork));
    }
}
