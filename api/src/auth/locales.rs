//! Which language each user reads, for a problem that goes to somebody who did not say so with the request.
//!
//! Whoever asks is noted in a variable of the task that answers, so a request that succeeds pays for nothing else. Only when
//! a problem is about to be written their preferences are asked for: in memory, else once in the journal. A change comes
//! into the memory with its event, from the feed that follows the journal and at once on the node that made it, and what was
//! read meanwhile gives way to it.

use crate::problem::Language;
use crate::remembered::Remembered;
use domain::user::{User, UserEvent};
use domain::{Event, UserId};
use futures::FutureExt;
use journal::{Journal, Recorded};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// Users remembered: about 4 MB when full.
const USERS_MAX: usize = 65_536;
/// A problem in the wrong language now is better than one in the right language late.
const LOOK_WITHIN: Duration = Duration::from_millis(500);

tokio::task_local! {
    static ASKER: Cell<Option<UserId>>;
}

/// Answers, and says who asked, if that was found out. Not an `async fn`: that would keep a second copy of the answer in
/// the making, for every request.
pub(crate) fn noting_who_asks<T>(
    answer: impl Future<Output = T>,
) -> impl Future<Output = (T, Option<UserId>)> {
    ASKER.scope(Cell::new(None), answer.map(|answered| (answered, ASKER.with(Cell::get))))
}

/// Nothing outside of a request.
pub(super) fn note_asker(user_id: UserId) {
    let _ = ASKER.try_with(|asker| asker.set(Some(user_id)));
}

#[derive(Clone, Debug)]
pub(crate) struct Locales {
    journal: Journal,
    known: Arc<Remembered<UserId, Language>>,
}

impl Locales {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, known: Arc::new(Remembered::new(USERS_MAX)) }
    }

    pub(crate) fn remembered(&self, user_id: UserId) -> Option<Language> {
        self.known.get(&user_id)
    }

    pub(crate) async fn of(&self, user_id: UserId) -> Option<Language> {
        if let Some(language) = self.remembered(user_id) {
            return Some(language);
        }
        let ids = [user_id.0];
        let users = tokio::time::timeout(LOOK_WITHIN, self.journal.load::<User>(&ids)).await.ok()?.ok()?;
        let person = users.get(&user_id.0)?.state.person()?;
        Some(self.known.insert_new(user_id, person.preferences.locale.into()))
    }

    pub(super) fn forget_all(&self) {
        self.known.clear();
    }

    /// Learns what an event says of it.
    pub(super) fn follow(&self, recorded: &Recorded) {
        if recorded.event_type != "PreferencesChanged" {
            return;
        }
        // What cannot be read here is reported where it matters.
        if let Ok(Event::User(UserEvent::PreferencesChanged { preferences, .. })) = recorded.event() {
            self.known.insert(recorded.owner, preferences.locale.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[tokio::test]
    async fn who_asks_is_known_beside_the_answer() {
        let ada = UserId(Uuid::from_u128(1));
        let signed_in = async {
            note_asker(ada);
            7
        };
        assert_eq!(noting_who_asks(signed_in).await, (7, Some(ada)));
        assert_eq!(noting_who_asks(async { 8 }).await, (8, None));
        note_asker(ada);
    }
}
