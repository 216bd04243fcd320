//! What may be said of a key that somebody named.
//!
//! A client names members as it likes, and a secret may be pasted in the place of a name. So logs hold names of our own
//! tables only.

use super::catalogue::{FORBIDDEN, READ_ONLY, entry, is_section};
use super::state::field;

/// The name of the key that a pointer is at, or within; nothing, if it is none that is known here.
pub fn known_field(pointer: &str) -> Option<String> {
    if !pointer.is_empty() && is_section(pointer) {
        return Some(field(pointer));
    }
    let is_key = |at: &str| entry(at).is_some() || FORBIDDEN.contains(&at) || READ_ONLY.contains(&at);
    let mut at = pointer;
    while !is_key(at) {
        at = at.rsplit_once('/')?.0;
    }
    Some(field(at))
}

#[cfg(test)]
mod tests {
    use super::known_field;

    #[test]
    fn only_names_of_the_tables_are_said() {
        for (pointer, said) in [
            ("/stoploss", Some("stoploss")),
            ("/exchange", Some("exchange")),
            ("/exchange/key", Some("exchange.key")),
            ("/telegram/token", Some("telegram.token")),
            ("/pairlists/0/4839574812:AAFD", Some("pairlists")),
            ("/minimal_roi/4839574812:AAFD", Some("minimal_roi")),
            ("/webhook/4839574812:AAFD", Some("webhook")),
            ("/dry_run", Some("dry_run")),
            ("/exchange/4839574812:AAFD", None),
            ("/4839574812:AAFD", None),
            ("", None),
        ] {
            assert_eq!(known_field(pointer).as_deref(), said, "{pointer}");
        }
    }
}
