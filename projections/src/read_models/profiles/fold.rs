//! What a batch of events comes to for each user it touches.

use crate::projection::ApplyError;
use domain::user::{Role, UserEvent, UserStatus};
use domain::{Event, Sealed, Timestamp, UserId};
use journal::{Recorded, SealedField};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Default)]
pub(super) struct Folded {
    /// In the order of the index, so that neighbours are found where the last one was.
    pub(super) users: BTreeMap<Uuid, Change>,
    /// Values to be opened; what is found in [`Text::Sealed`] is a place in here.
    pub(super) sealed: Vec<SealedField>,
}

/// Nothing stands for what stays as it is.
#[derive(Default)]
pub(super) struct Change {
    /// When and at which position, if it was in this batch.
    pub(super) registered: Option<(Timestamp, i64)>,
    pub(super) username: Text,
    pub(super) email: Text,
    pub(super) name: Text,
    pub(super) status: Option<UserStatus>,
    pub(super) roles: Option<Vec<Role>>,
    pub(super) email_verified: Option<bool>,
    pub(super) login: Option<(Timestamp, i64)>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) version: i64,
    pub(super) position: i64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Text {
    #[default]
    Kept,
    Gone,
    Sealed(usize),
}

pub(super) fn fold(events: &[Arc<Recorded>]) -> Result<Folded, ApplyError> {
    let mut folded = Folded::default();
    for recorded in events {
        if let Event::User(event) = recorded.event()? {
            folded.add(recorded, event);
        }
    }
    Ok(folded)
}

impl Folded {
    fn add(&mut self, recorded: &Recorded, event: UserEvent) {
        let event_type = event.type_name();
        let user = UserId(recorded.aggregate.id);
        let mut seal = |field: &'static str, value: Sealed| {
            self.sealed.push(SealedField { user, event_type, field, value });
            Text::Sealed(self.sealed.len() - 1)
        };
        let change = self.users.entry(user.0).or_default();
        (change.version, change.position) = (recorded.sequence, recorded.position);
        match event {
            UserEvent::UserRegistered { username, email, name, roles, registered_at, .. } => {
                change.registered = Some((registered_at, recorded.position));
                change.username = seal("username", username);
                change.email = seal("email", email);
                change.name = name.map_or(Text::Gone, |name| seal("name", name));
                change.roles = Some(roles);
                change.updated_at = Some(registered_at);
            }
            UserEvent::ProfileChanged { username, email, name, name_removed, changed_at } => {
                if let Some(username) = username {
                    change.username = seal("username", username);
                }
                if let Some(email) = email {
                    change.email = seal("email", email);
                    change.email_verified = Some(false);
                }
                match name {
                    Some(name) => change.name = seal("name", name),
                    None if name_removed => change.name = Text::Gone,
                    None => {}
                }
                change.updated_at = Some(changed_at);
            }
            UserEvent::EmailVerified { verified_at } => {
                change.email_verified = Some(true);
                change.updated_at = Some(verified_at);
            }
            UserEvent::RolesChanged { roles, changed_at } => {
                change.roles = Some(roles);
                change.updated_at = Some(changed_at);
            }
            UserEvent::UserSuspended { suspended_at: at } => change.now_is(UserStatus::Suspended, at),
            UserEvent::UserReactivated { reactivated_at: at } => change.now_is(UserStatus::Active, at),
            UserEvent::UserErased { erased_at: at } => {
                change.now_is(UserStatus::Erased, at);
                (change.username, change.email, change.name) = (Text::Gone, Text::Gone, Text::Gone);
            }
            UserEvent::LoginSessionOpened { opened_at, login_count, .. } => {
                change.login = Some((opened_at, i64::try_from(login_count).unwrap_or(i64::MAX)));
            }
            // All others move the version and nothing else that is shown here.
            _ => {}
        }
    }
}

impl Change {
    fn now_is(&mut self, status: UserStatus, at: Timestamp) {
        self.status = Some(status);
        self.updated_at = Some(at);
    }
}
