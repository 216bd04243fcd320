//! Refresh tokens that nobody stores.
//!
//! A token says which session it belongs to and which of that session's tokens it is, under a MAC. Correct because only
//! the holder of the key can write one, garbage is told apart without asking anybody, and the session's own event
//! history decides whether this generation is the newest. The previous token's answer can be given again, byte for
//! byte, because the same session and generation always make the same token.

use crate::vault::{KeyRing, keyed};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{LoginSessionId, UserId};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;

/// Makes a leaked token recognisable to whoever scans for such things.
const PREFIX: &str = "cfr_";
const VERSION: u8 = 1;
/// Version, user, session, generation.
const BODY_LEN: usize = 1 + 16 + 16 + 4;
/// Half of an HMAC-SHA256: 128 bits cannot be guessed online.
const MAC_LEN: usize = 16;
const TOKEN_LEN: usize = BODY_LEN + MAC_LEN;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    pub user_id: UserId,
    pub session_id: LoginSessionId,
    pub generation: u32,
}

/// Issues and verifies refresh tokens.
#[derive(Clone)]
pub struct RefreshTokens {
    keyed: Hmac<Sha256>,
}

impl RefreshTokens {
    pub fn new(ring: &KeyRing) -> Self {
        Self { keyed: keyed(ring.refresh_key().bytes()) }
    }

    pub fn issue(&self, user_id: UserId, session_id: LoginSessionId, generation: u32) -> String {
        let mut token = Vec::with_capacity(TOKEN_LEN);
        token.push(VERSION);
        token.extend_from_slice(user_id.0.as_bytes());
        token.extend_from_slice(session_id.0.as_bytes());
        token.extend_from_slice(&generation.to_be_bytes());
        let mac = self.keyed.clone().chain_update(&token).finalize();
        token.extend(mac.as_bytes().iter().take(MAC_LEN));
        let mut text = String::from(PREFIX);
        URL_SAFE_NO_PAD.encode_string(token, &mut text);
        text
    }

    /// What the token says, if it is one of ours. Says nothing about the session: that is for the user to decide.
    pub fn verify(&self, text: &str) -> Option<RefreshToken> {
        let mut token = [0; TOKEN_LEN];
        let written = URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(PREFIX)?, &mut token).ok()?;
        if written != TOKEN_LEN {
            return None;
        }
        let (body, mac) = token.split_first_chunk::<BODY_LEN>()?;
        // Compares in constant time.
        let keyed = self.keyed.clone().chain_update(body);
        keyed.verify_truncated_left(mac).ok()?;
        let (&[VERSION], rest) = body.split_first_chunk::<1>()? else {
            return None;
        };
        let (user_id, rest) = rest.split_first_chunk::<16>()?;
        let (session_id, rest) = rest.split_first_chunk::<16>()?;
        Some(RefreshToken {
            user_id: UserId(Uuid::from_bytes(*user_id)),
            session_id: LoginSessionId(Uuid::from_bytes(*session_id)),
            generation: u32::from_be_bytes(*rest.first_chunk::<4>()?),
        })
    }
}

impl fmt::Debug for RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshTokens(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens() -> RefreshTokens {
        RefreshTokens::new(&KeyRing::generate().unwrap())
    }

    #[test]
    fn the_same_session_and_generation_make_the_same_token() {
        let tokens = tokens();
        let issue = |generation| tokens.issue(UserId(Uuid::nil()), LoginSessionId(Uuid::nil()), generation);
        assert_eq!(issue(1), issue(1));
        assert_ne!(issue(1), issue(2));
        assert!(issue(1).starts_with("cfr_"));
    }

    #[test]
    fn another_rings_token_is_refused() {
        let token = tokens().issue(UserId(Uuid::nil()), LoginSessionId(Uuid::nil()), 1);
        assert_eq!(tokens().verify(&token), None);
    }

    #[test]
    fn a_token_with_anything_around_it_is_refused() {
        let tokens = tokens();
        let token = tokens.issue(UserId(Uuid::nil()), LoginSessionId(Uuid::nil()), 1);
        for wrong in [
            format!("{token}A"),
            format!("{token}="),
            format!(" {token}"),
            token.replace("cfr_", "cfa_"),
            token[..token.len() - 1].to_owned(),
            String::new(),
        ] {
            assert_eq!(tokens.verify(&wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_token_says_what_it_was_issued_for(user: u128, session: u128, generation: u32) {
            let tokens = tokens();
            let (user_id, session_id) = (UserId(Uuid::from_u128(user)), LoginSessionId(Uuid::from_u128(session)));
            let token = tokens.issue(user_id, session_id, generation);
            prop_assert_eq!(tokens.verify(&token), Some(RefreshToken { user_id, session_id, generation }));
        }

        #[test]
        fn one_changed_bit_is_refused(user: u128, generation: u32, bit in 0..TOKEN_LEN * 8) {
            let tokens = tokens();
            let token = tokens.issue(UserId(Uuid::from_u128(user)), LoginSessionId(Uuid::nil()), generation);
            let mut bytes = URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert_eq!(tokens.verify(&changed), None);
        }

        #[test]
        fn garbage_is_refused_and_never_panics(text in "(cfr_)?\\PC{0,120}") {
            prop_assert_eq!(tokens().verify(&text), None);
        }
    }
}
