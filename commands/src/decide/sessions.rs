//! Deciding what trading sessions are asked for, and what that means for the wallet that keeps a reserve.

use super::{Draft, same_version};
use crate::envelope::{SessionStep, StartTrading};
use crate::sequencer::Entry;
use crate::{ClaimKind, Refusal};
use domain::trading::{SessionCommand, SessionEvent, SessionRefusal, StartSession, TradingSession};
use domain::user::{User, UserRefusal, UserStatus};
use domain::wallet::{WalletCommand, WalletRefusal};
use domain::{EntryId, Event, TradingSessionId, UserId};
use journal::ReleasedClaims;
use uuid::Uuid;

impl Draft<'_> {
    pub(super) fn start_session(&mut self, starting: &StartTrading) -> Result<(), Refusal> {
        let StartTrading { start, places, reserve, decline } = starting;
        let user = self.aggregates.users.peek(start.user_id.0).map(Entry::state);
        match user.and_then(User::person).map(|person| person.status) {
            None | Some(UserStatus::Erased) => return Err(UserRefusal::NotFound.into()),
            Some(UserStatus::Suspended) => return Err(UserRefusal::Suspended.into()),
            Some(UserStatus::Active) => {}
        }
        if let Some(refusal) = decline {
            return Err((**refusal).clone());
        }
        let session_id = start.session_id;
        let mut placed = Err(Refusal::TooManySessions);
        for place in places {
            placed = self.claim(*place, session_id.0);
            if placed.is_ok() {
                break;
            }
        }
        placed?;
        let hold_id = match reserve {
            Some(reserve) => {
                let account = self.cached_account(reserve.wallet_id);
                if account.is_none_or(|account| account.user_id != start.user_id) {
                    return Err(WalletRefusal::NotFound.into());
                }
                let (movement, at) = (reserve.movement.clone(), self.now);
                let command = WalletCommand::Reserve { movement, trading_session: session_id, at };
                self.wallet(reserve.wallet_id.0, command)?;
                self.last_hold()
            }
            None => None,
        };
        let start = StartSession { hold_id, ..start.clone() };
        self.session(session_id, SessionCommand::Start(Box::new(start)))
    }

    pub(super) fn session_step(&mut self, step: &SessionStep, expected: Option<i64>) -> Result<(), Refusal> {
        let SessionStep { session_id, authority, command } = step;
        let entry = self.aggregates.sessions.peek(session_id.0);
        let session = entry.and_then(|entry| entry.state().session());
        let Some(session) = session.filter(|session| authority.covers(session.user_id)) else {
            return Err(SessionRefusal::NotFound.into());
        };
        let hold_id = session.hold_id;
        same_version(expected, entry.map_or(0, Entry::sequence))?;
        self.session(*session_id, command.clone())?;
        let has_stopped =
            self.drafted.events.iter().any(|(_, event)| {
                matches!(event, Event::TradingSession(SessionEvent::TradingSessionStopped(_)))
            });
        if has_stopped { self.let_go(*session_id, hold_id) } else { Ok(()) }
    }

    fn session(&mut self, id: TradingSessionId, command: SessionCommand) -> Result<(), Refusal> {
        let now = self.now;
        self.ask::<TradingSession>(id.0, command.at(now))
    }

    /// What a session had to itself is free again, in the append that stops it.
    fn let_go(&mut self, id: TradingSessionId, hold_id: Option<EntryId>) -> Result<(), Refusal> {
        if let Some(hold) = hold_id {
            let command = WalletCommand::Unreserve { hold: hold.sequence, trading_session: id };
            self.wallet(hold.wallet.0, command)?;
        }
        for kind in [ClaimKind::PaperSession, ClaimKind::ExchangeAccount] {
            let released = ReleasedClaims { kind: kind.as_str(), owner: id.0, keep: Uuid::nil() };
            self.drafted.released.push(released);
        }
        Ok(())
    }

    fn last_hold(&self) -> Option<EntryId> {
        self.drafted.events.iter().rev().find_map(|(_, event)| match event {
            Event::Wallet(event) => event.hold().map(|step| step.hold.id),
            _ => None,
        })
    }

    /// Those that were started before their user was to be erased were looked for; these are the ones since, which are in
    /// memory yet.
    pub(super) fn no_session_goes_on(&self, user_id: UserId) -> Result<(), Refusal> {
        let is_active = |aggregate: &TradingSession| {
            let session = aggregate.session().filter(|session| session.user_id == user_id);
            session.is_some_and(|session| session.state.is_active())
        };
        let found = self.aggregates.sessions.ids_where(is_active);
        if found.is_empty() { Ok(()) } else { Err(Refusal::SessionActive) }
    }
}
