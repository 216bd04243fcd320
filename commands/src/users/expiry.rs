//! Login sessions that are over are ended, so that whoever counts them counts those that are open. A session that is over
//! admits nobody, swept or not; how it is done is said in [`crate::sweep`].

use crate::sweep::{self, Ended, Passing, Sweep};
use crate::{Commands, Context, Failure, Principal, Refusal};
use domain::user::{UserCommand, UserRefusal};
use domain::{Timestamp, UserId};
use std::time::Instant;
use uuid::Uuid;

pub type SessionExpiry = Sweep<LoginSessions>;
/// Finds users with sessions that are over.
pub type FindOver = sweep::FindOver<UserId>;

/// Those of all users.
#[derive(Debug)]
pub struct LoginSessions;

impl Passing for LoginSessions {
    type Id = UserId;
    const AT_ONCE: usize = 16;
    const NOT_ENDED: &'static str = "sessions_not_expired";

    async fn end(commands: &Commands, user_id: UserId) -> Result<Ended, Failure> {
        let context = Context {
            principal: Principal::System,
            key: None,
            correlation_id: Uuid::now_v7(),
            expected_version: None,
            received: Instant::now(),
        };
        let command = UserCommand::ExpireSessions { at: Timestamp::default() };
        match commands.ask_user(&context, None, user_id, command).await {
            Ok(done) => Ok(Ended { count: done.events.len(), position: done.position, is_full: false }),
            // Erased since.
            Err(Failure::Refused { refusal: Refusal::User(UserRefusal::NotFound), .. }) => {
                Ok(Ended::default())
            }
            Err(failure) => Err(failure),
        }
    }

    fn tell(ended: usize) {
        tracing::info!(event = "login_sessions_expired", sessions = ended);
    }
}
