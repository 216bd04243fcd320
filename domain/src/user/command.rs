//! What a user can be asked to do. Personal data arrives sealed, times and ids arrive decided.

use super::event::{EndReason, Role};
use crate::{LoginSessionId, Sealed, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserCommand {
    Register {
        user_id: UserId,
        username: Sealed,
        email: Sealed,
        name: Option<Sealed>,
        roles: Vec<Role>,
        at: Timestamp,
    },
    OpenSession {
        session_id: LoginSessionId,
        /// The password's version that the login was verified against.
        password_version: u64,
        ip: Option<Sealed>,
        user_agent: Option<Sealed>,
        policy: SessionPolicy,
        at: Timestamp,
    },
    RefreshSession {
        session_id: LoginSessionId,
        /// Which of the session's refresh tokens was shown.
        generation: u32,
        policy: SessionPolicy,
        at: Timestamp,
    },
    EndSession {
        session_id: LoginSessionId,
        reason: EndReason,
        at: Timestamp,
    },
}

/// How long a login session lives and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPolicy {
    /// Unused for so long, it ends.
    pub idle: Duration,
    /// However used, it ends.
    pub absolute: Duration,
    /// How long the token before the newest is still answered: its answer may have been lost on the way.
    pub grace: Duration,
    /// One more, and the oldest goes.
    pub sessions_max: usize,
}
