//! Tokens whose signature has been checked already.
//!
//! Looked up by the signature, which is short, and accepted only if the whole text is the same. Expiry and revocation
//! are checked again on every use, so forgetting an entry early or late changes nothing but the work.

use super::tokens::Access;
use crate::remembered::Remembered;
use std::sync::Arc;

/// Signed-in devices that are remembered: about 60 MB when full.
const TOKENS_MAX: usize = 65_536;

#[derive(Clone, Debug)]
pub(super) struct VerifiedTokens {
    by_signature: Arc<Remembered<Box<str>, Arc<Verified>>>,
}

struct Verified {
    token: Box<str>,
    access: Access,
}

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self { by_signature: Arc::new(Remembered::new(TOKENS_MAX)) }
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
        let tokens = VerifiedTokens::new();
        let (user_id, session_id) = (UserId(Uuid::nil()), LoginSessionId(Uuid::nil()));
        let access = Access { user_id, session_id, expires_at: 1, is_admin: false, auth_time: 1 };
        tokens.insert("header.claims.signature", access);
        assert_eq!(tokens.get("header.claims.signature"), Some(access));
        assert_eq!(tokens.get("header.others.signature"), None);
        assert_eq!(tokens.get("signature"), None);
    }
}
