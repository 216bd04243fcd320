//! Tokens that stand in mails: whose, what for, and 32 random bytes.
//!
//! Correct because only the digest of the whole is kept: who reads the database learns no token, and one made for a
//! purpose, or for somebody, is not good for another. The user stands in it, so that one row is looked at and compared in
//! constant time, instead of a digest being searched for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::UserId;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Makes a leaked token recognisable to whoever scans for such things.
const PREFIX: &str = "cfm_";
const SECRET_LEN: usize = 32;
/// User, purpose, secret.
const TOKEN_LEN: usize = 16 + 1 + SECRET_LEN;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Verify,
    Reset,
}

/// Only ever in memory, on its way into a mail or out of a request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MailToken(Zeroizing<[u8; TOKEN_LEN]>);

/// What is kept of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct TokenDigest([u8; 32]);

impl Purpose {
    const fn tag(self) -> u8 {
        match self {
            Self::Verify => 1,
            Self::Reset => 2,
        }
    }

    const fn of_tag(tag: u8) -> Option<Self> {
        match tag {
            1 => Some(Self::Verify),
            2 => Some(Self::Reset),
            _ => None,
        }
    }
}

impl MailToken {
    pub(crate) fn generate(user_id: UserId, purpose: Purpose) -> Result<Self, getrandom::Error> {
        let mut token = Zeroizing::new([0; TOKEN_LEN]);
        let (user, rest) = token.split_at_mut(16);
        user.copy_from_slice(user_id.0.as_bytes());
        if let Some((tag, secret)) = rest.split_first_mut() {
            *tag = purpose.tag();
            getrandom::fill(secret)?;
        }
        Ok(Self(token))
    }

    /// Whatever has the form of one. Says nothing about whether it was ever given out.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut token = Zeroizing::new([0; TOKEN_LEN]);
        let written = URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(PREFIX)?, token.as_mut()).ok()?;
        let token = Self(token);
        (written == TOKEN_LEN && token.read().is_some()).then_some(token)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = String::from(PREFIX);
        URL_SAFE_NO_PAD.encode_string(self.0.as_ref(), &mut text);
        text
    }

    /// Whose it is, if it is for this.
    pub(crate) fn user_for(&self, purpose: Purpose) -> Option<UserId> {
        self.read().filter(|(_, made_for)| *made_for == purpose).map(|(user_id, _)| user_id)
    }

    fn read(&self) -> Option<(UserId, Purpose)> {
        let (user, rest) = self.0.split_first_chunk::<16>()?;
        Some((UserId(Uuid::from_bytes(*user)), Purpose::of_tag(*rest.first()?)?))
    }

    pub(crate) fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0.as_ref()).into())
    }
}

impl fmt::Debug for MailToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailToken(…)")
    }
}

impl TokenDigest {
    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn is_of(&self, token: &MailToken) -> bool {
        self.0.ct_eq(&token.digest().0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));

    fn token() -> MailToken {
        MailToken::generate(ADA, Purpose::Reset).unwrap()
    }

    #[test]
    fn a_token_says_whose_it_is_and_what_for() {
        let token = token();
        assert_eq!(token.user_for(Purpose::Reset), Some(ADA));
        assert_eq!(token.user_for(Purpose::Verify), None);
        assert_eq!(MailToken::parse(&token.to_text()), Some(token));
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        let (one, other) = (token(), token());
        assert_ne!(one, other);
        assert!(one.digest().is_of(&one));
        assert!(!one.digest().is_of(&other));
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = token();
        assert!(!format!("{token:?}").contains(&token.to_text()[4..]));
    }

    #[test]
    fn a_token_with_anything_around_it_is_refused() {
        let text = token().to_text();
        let cut = text[..text.len() - 1].to_owned();
        for wrong in [format!("{text}A"), format!("{text}="), format!(" {text}"), cut, String::new()] {
            assert_eq!(MailToken::parse(&wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(user: u128, verify: bool) {
            let purpose = if verify { Purpose::Verify } else { Purpose::Reset };
            let token = MailToken::generate(UserId(Uuid::from_u128(user)), purpose).unwrap();
            let read = MailToken::parse(&token.to_text()).unwrap();
            prop_assert_eq!(read.user_for(purpose), Some(UserId(Uuid::from_u128(user))));
            prop_assert!(token.digest().is_of(&read));
        }

        #[test]
        fn one_changed_bit_makes_another_token(bit in 0..TOKEN_LEN * 8) {
            let token = token();
            let mut bytes = *token.0;
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            let is_of = MailToken::parse(&changed).is_some_and(|changed| token.digest().is_of(&changed));
            prop_assert!(!is_of);
        }

        #[test]
        fn garbage_never_panics_and_reads_as_itself_or_not_at_all(text in "(cfm_)?[A-Za-z0-9_-]{0,80}|\\PC{0,120}") {
            if let Some(token) = MailToken::parse(&text) {
                prop_assert_eq!(token.to_text(), text);
            }
        }
    }
}
