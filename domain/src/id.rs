//! Names of things. Every id is a UUID in a type of its own, so that a wallet cannot be asked for by a user's id.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

uuid_id! {
    /// A person or a service that has registered.
    UserId,
    /// One balance in one currency.
    WalletId,
    /// One signed-in device, from login to logout.
    LoginSessionId,
    /// A key that a program signs in with.
    ApiKeyId,
    /// One run of a trading strategy, from its start to its stop.
    TradingSessionId,
}

/// A transaction or a hold: the place of the event that began it in its wallet's history, `<wallet id>.<sequence>`. It is
/// an address, so nothing has to be looked up to find what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    pub wallet: WalletId,
    pub sequence: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not `<wallet id>.<sequence>`")]
pub struct NotAnEntryId;

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.wallet, self.sequence)
    }
}

impl FromStr for EntryId {
    type Err = NotAnEntryId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (wallet, digits) = text.split_once('.').ok_or(NotAnEntryId)?;
        let wallet = Uuid::try_parse(wallet).map_err(|_| NotAnEntryId)?;
        // One way to write a number: an id that is spelt differently is another's.
        let is_plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        let sequence = digits.parse().ok().filter(|_| is_plain).ok_or(NotAnEntryId)?;
        Ok(Self { wallet: WalletId(wallet), sequence })
    }
}

impl Serialize for EntryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_wallet_and_its_place() {
        let text = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.17";
        let id: EntryId = text.parse().unwrap();
        assert_eq!((id.sequence, id.to_string().as_str()), (17, text));
        for bad in ["", "17", "x.1", ".1"] {
            assert_eq!(bad.parse::<EntryId>(), Err(NotAnEntryId), "{bad}");
        }
        for end in ["", "0", "-1", "+1", "01", "1.2", "9223372036854775808", "１"] {
            let bad = format!("0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.{end}");
            assert_eq!(bad.parse::<EntryId>(), Err(NotAnEntryId), "{bad}");
        }
    }
}
