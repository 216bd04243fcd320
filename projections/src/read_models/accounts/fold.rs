//! What a batch leaves of each session, each user's preferences, and the record of what happened.

use crate::projection::ApplyError;
use crate::read_models::value::word;
use domain::user::{Preferences, UserEvent};
use domain::{Actor, Event, LoginSessionId, Sealed, Timestamp, UserId};
use journal::{Recorded, SealedField};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

const OPENED: &str = "LoginSessionOpened";
const FIELDS: [&str; 2] = ["ip", "user_agent"];

#[derive(Default)]
pub(super) struct Folded {
    pub(super) sessions: BTreeMap<Uuid, SessionChange>,
    pub(super) users: BTreeMap<Uuid, UserChange>,
    pub(super) happened: Vec<Happened>,
    pub(super) erased: Vec<Uuid>,
}

#[derive(Default)]
pub(super) struct SessionChange {
    pub(super) opened: Option<Opened>,
    /// When it was seen last, and until when it is good since.
    pub(super) refreshed: Option<(Timestamp, Timestamp)>,
    pub(super) has_ended: bool,
}

pub(super) struct Opened {
    pub(super) user_id: UserId,
    pub(super) at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) position: i64,
    sealed: [Option<Sealed>; 2],
    pub(super) ip: Option<String>,
    pub(super) user_agent: Option<String>,
}

#[derive(Default)]
pub(super) struct UserChange {
    pub(super) is_new: bool,
    pub(super) preferences: Option<Preferences>,
    /// How often they changed.
    pub(super) changes: i64,
    /// Of the last of these, or of the registration.
    pub(super) position: i64,
}

/// A line of the record.
pub(super) struct Happened {
    pub(super) user_id: Uuid,
    pub(super) position: i64,
    pub(super) event_type: Cow<'static, str>,
    pub(super) actor: Actor,
    pub(super) session: Option<LoginSessionId>,
    pub(super) reason: Option<String>,
    pub(super) at: Timestamp,
}

impl Folded {
    pub(super) fn of(events: &[Arc<Recorded>]) -> Result<Self, ApplyError> {
        let mut folded = Self::default();
        for recorded in events {
            if let Event::User(event) = recorded.event()? {
                folded.take(recorded, event)?;
            }
        }
        Ok(folded)
    }

    fn take(&mut self, recorded: &Recorded, event: UserEvent) -> Result<(), ApplyError> {
        let (mut session, mut reason) = (None, None);
        match event {
            UserEvent::UserRegistered { .. } => self.user(recorded).is_new = true,
            UserEvent::PreferencesChanged { preferences, .. } => {
                let user = self.user(recorded);
                user.preferences = Some(preferences);
                user.changes += 1;
            }
            UserEvent::LoginSessionOpened {
                session_id,
                ip,
                user_agent,
                opened_at: at,
                expires_at,
                ends_at,
                ..
            } => {
                session = Some(session_id);
                self.session(session_id).opened = Some(Opened {
                    user_id: UserId(recorded.aggregate.id),
                    at,
                    expires_at,
                    ends_at,
                    position: recorded.position,
                    sealed: [ip, user_agent],
                    ip: None,
                    user_agent: None,
                });
            }
            UserEvent::LoginSessionRefreshed { session_id, refreshed_at, expires_at, .. } => {
                self.session(session_id).refreshed = Some((refreshed_at, expires_at));
                // Every few minutes, by every device: nobody looks for that.
                return Ok(());
            }
            UserEvent::RefreshTokenReused { session_id, .. } => session = Some(session_id),
            UserEvent::LoginSessionEnded { session_id, reason: why, .. } => {
                self.session(session_id).has_ended = true;
                (session, reason) = (Some(session_id), Some(word(&why)?));
            }
            UserEvent::PasswordChanged { reason: why, .. } => reason = Some(word(&why)?),
            UserEvent::UserErased { .. } => self.erased.push(recorded.aggregate.id),
            _ => {}
        }
        self.happened.push(Happened {
            user_id: recorded.aggregate.id,
            position: recorded.position,
            event_type: recorded.event_type.clone(),
            actor: recorded.metadata.actor,
            session,
            reason,
            at: recorded.recorded_at,
        });
        Ok(())
    }

    fn user(&mut self, recorded: &Recorded) -> &mut UserChange {
        let user = self.users.entry(recorded.aggregate.id).or_default();
        user.position = recorded.position;
        user
    }

    fn session(&mut self, id: LoginSessionId) -> &mut SessionChange {
        self.sessions.entry(id.0).or_default()
    }

    /// Of every session that opened, whether or not it has ended since: the record says from where.
    pub(super) fn sealed_fields(&self) -> Vec<SealedField> {
        let opened = self.sessions.values().filter_map(|session| session.opened.as_ref());
        let fields = opened.flat_map(|opened| {
            FIELDS.into_iter().zip(&opened.sealed).filter_map(|(field, value)| {
                let value = value.clone()?;
                Some(SealedField { user: opened.user_id, event_type: OPENED, field, value })
            })
        });
        fields.collect()
    }

    /// Takes what [`Self::sealed_fields`] opened to, in that order.
    pub(super) fn opened(&mut self, plain: Vec<Option<String>>) {
        let mut plain = plain.into_iter();
        for opened in self.sessions.values_mut().filter_map(|session| session.opened.as_mut()) {
            let mut next = |sealed: bool| if sealed { plain.next().flatten() } else { None };
            let [ip, user_agent] = &opened.sealed;
            (opened.ip, opened.user_agent) = (next(ip.is_some()), next(user_agent.is_some()));
        }
    }
}
