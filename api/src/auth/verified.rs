//! Tokens whose signature has been checked already.
//!
//! Looked up by the signature, which is short, and accepted only if the whole text is the same. Expiry and revocation
//! are checked again on every use, so forgetting an entry early or late changes nothing but the work.

use super::tokens::Access;
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;

/// Signed-in devices that are remembered: about 60 MB when full.
const TOKENS_MAX: u64 = 65_536;

#[derive(Clone)]
pub(super) struct VerifiedTokens {
    by_signature: Cache<Box<str>, Arc<Verified>>,
}

struct Verified {
    token: Box<str>,
    access: Access,
}

/// A token is a secret for as long as it lives.
impl std::fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedTokens")
            .field("count", &self.by_signature.entry_count())
            .finish_non_exhaustive()
    }
}

impl VerifiedTokens {
    pub(super) fn new(ttl: Duration) -> Self {
        Self { by_signature: Cache::builder().max_capacity(TOKENS_MAX).time_to_live(ttl).build() }
    }

    pub(super) fn get(&self, token: &str) -> Option<Access> {
        let verified = self.by_signature.get(signature(token))?;
        (*verified.token == *token).then_some(verified.access)
    }

    pub(super) fn insert(&self, token: &str, access: Access) {
        let verified = Verified { token: token.into(), access };
        self.by_signature.insert(signature(token).into(), Arc::new(verified));
    }
}

fn signature(token: &str) -> &str {
    token.rsplit_once('.').map_or("", |(_, signature)| signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{LoginSessionId, UserId};
    use uuid::Uuid;

    #[test]
    fn only_the_very_same_text_is_remembered() {
        let tokens = VerifiedTokens::new(Duration::from_mins(1));
        let access =
            Access { user_id: UserId(Uuid::nil()), session_id: LoginSessionId(Uuid::nil()), expires_at: 1 };
        tokens.insert("header.claims.signature", access);
        assert_eq!(tokens.get("header.claims.signature"), Some(access));
        assert_eq!(tokens.get("header.others.signature"), None);
        assert_eq!(tokens.get("signature"), None);
    }
}
