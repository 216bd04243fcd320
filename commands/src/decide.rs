//! Deciding one command: on the newest state, in memory, over as many aggregates as it takes.
//!
//! A [`Draft`] collects what the command would do. It touches nothing: a refusal half-way leaves no trace, and an
//! acceptance is taken over by the batch as a whole.

use crate::envelope::Register;
use crate::sequencer::{Aggregates, Cached};
use crate::users::{EMAIL_CLAIM, PASSWORD_SECRET, USERNAME_CLAIM};
use crate::vault::DATA_KEY_SECRET;
use crate::{Authority, Command, Envelope, Refusal};
use domain::user::{Role, User, UserCommand};
use domain::wallet::{Wallet, WalletCommand, WalletRefusal};
use domain::{AggregateKind, AggregateRef, Event, Timestamp, WalletId};
use journal::{ClaimRow, SecretRow};
use uuid::Uuid;

/// A claim by kind and digest.
pub(crate) type Claim = (&'static str, Uuid);

pub(crate) struct Draft<'a> {
    aggregates: &'a Aggregates,
    now: Timestamp,
    is_claimed: &'a dyn Fn(Claim) -> bool,
    pub(crate) events: Vec<(AggregateRef, Event)>,
    pub(crate) claims: Vec<ClaimRow>,
    pub(crate) secrets: Vec<SecretRow>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        aggregates: &'a Aggregates,
        now: Timestamp,
        is_claimed: &'a dyn Fn(Claim) -> bool,
    ) -> Self {
        Self { aggregates, now, is_claimed, events: Vec::new(), claims: Vec::new(), secrets: Vec::new() }
    }

    /// Guard, preconditions, events.
    pub(crate) fn decide(&mut self, envelope: &Envelope) -> Result<(), Refusal> {
        let now = self.now;
        match &envelope.command {
            Command::Register(register) => self.register(register),
            Command::OpenSession(open) => {
                let open = open.as_ref().clone();
                self.user(
                    open.user_id.0,
                    UserCommand::OpenSession {
                        session_id: open.session_id,
                        password_version: open.password_version,
                        ip: open.ip,
                        user_agent: open.user_agent,
                        policy: open.policy,
                        at: now,
                    },
                )
            }
            Command::RefreshSession { user_id, session_id, generation, policy } => {
                let (session_id, generation, policy) = (*session_id, *generation, *policy);
                self.user(user_id.0, UserCommand::RefreshSession { session_id, generation, policy, at: now })
            }
            Command::EndSession { user_id, session_id, reason } => self.user(
                user_id.0,
                UserCommand::EndSession { session_id: *session_id, reason: *reason, at: now },
            ),
            Command::Deposit { wallet_id, movement, authority } => {
                self.guard_wallet(*wallet_id, *authority, envelope.expected_version)?;
                self.wallet(wallet_id.0, WalletCommand::Deposit(movement.clone()))
            }
            Command::Withdraw { wallet_id, movement, authority } => {
                self.guard_wallet(*wallet_id, *authority, envelope.expected_version)?;
                self.wallet(wallet_id.0, WalletCommand::Withdraw(movement.clone()))
            }
        }
    }

    fn register(&mut self, register: &Register) -> Result<(), Refusal> {
        let user_id = register.user_id;
        if register.email_taken {
            return Err(Refusal::EmailTaken);
        }
        if register.username_taken {
            return Err(Refusal::UsernameTaken);
        }
        self.claim(EMAIL_CLAIM, register.email_claim, user_id.0, Refusal::EmailTaken)?;
        self.claim(USERNAME_CLAIM, register.username_claim, user_id.0, Refusal::UsernameTaken)?;
        self.user(
            user_id.0,
            UserCommand::Register {
                user_id,
                username: register.username.clone(),
                email: register.email.clone(),
                name: register.name.clone(),
                roles: vec![Role::User],
                at: self.now,
            },
        )?;
        let (wallet_id, currency) = (register.wallet_id, register.currency);
        self.wallet(wallet_id.0, WalletCommand::Open { wallet_id, user_id, currency })?;
        self.secret(user_id.0, PASSWORD_SECRET, register.password_hash.clone());
        self.secret(user_id.0, DATA_KEY_SECRET, register.wrapped_data_key.clone());
        Ok(())
    }

    /// Another's wallet is not found, and neither is its version.
    fn guard_wallet(&self, id: WalletId, authority: Authority, expected: Option<i64>) -> Result<(), Refusal> {
        let entry = self.aggregates.wallets.peek(id.0);
        let found =
            entry.filter(|entry| entry.state().account().is_some_and(|a| authority.covers(a.user_id)));
        let entry = found.ok_or(WalletRefusal::NotFound)?;
        match expected {
            Some(expected) if expected != entry.sequence() => {
                Err(Refusal::StaleVersion { expected, actual: entry.sequence() })
            }
            _ => Ok(()),
        }
    }

    fn claim(
        &mut self,
        kind: &'static str,
        digest: Uuid,
        owner: Uuid,
        taken: Refusal,
    ) -> Result<(), Refusal> {
        if (self.is_claimed)((kind, digest)) {
            return Err(taken);
        }
        self.claims.push(ClaimRow { kind, digest, owner });
        Ok(())
    }

    fn secret(&mut self, owner: Uuid, kind: &'static str, value: Vec<u8>) {
        self.secrets.push(SecretRow { owner, kind, name: String::new(), version: 1, value });
    }

    fn user(&mut self, id: Uuid, command: UserCommand) -> Result<(), Refusal> {
        self.ask::<User>(id, command)
    }

    fn wallet(&mut self, id: Uuid, command: WalletCommand) -> Result<(), Refusal> {
        self.ask::<Wallet>(id, command)
    }

    /// Asks one aggregate. If this command has changed it already, it is asked as it then was.
    fn ask<A: Cached>(&mut self, id: Uuid, command: A::Command) -> Result<(), Refusal>
    where
        Refusal: From<A::Refusal>,
    {
        let aggregate = AggregateRef { kind: A::KIND, id };
        let empty = A::default();
        let cached = A::cache(self.aggregates).peek(id).map_or(&empty, |entry| entry.state());
        let decided = if self.events.iter().any(|(of, _)| *of == aggregate) {
            let mut changed = cached.clone();
            for (_, event) in self.events.iter().filter(|(of, _)| *of == aggregate) {
                if let Some(event) = A::own(event) {
                    changed.evolve(event);
                }
            }
            changed.decide(command)?
        } else {
            cached.decide(command)?
        };
        self.events.extend(decided.into_iter().map(|event| (aggregate, event.into())));
        Ok(())
    }
}

/// Whether a command is about a user, so that its answer carries one.
pub(crate) fn user_of(envelope: &Envelope) -> Option<Uuid> {
    envelope.command.aggregates().into_iter().find(|of| of.kind == AggregateKind::User).map(|of| of.id)
}
