//! Deciding one command: on the newest state, in memory, over as many aggregates as it takes.
//!
//! A [`Draft`] collects what the command would do. It touches nothing: a refusal half-way leaves no trace, and an
//! acceptance is taken over by the batch as a whole.

mod sessions;
mod wallets;

use crate::envelope::{Beside, NewClaim, NewSecret, Register, SecretKind, UserChange};
use crate::sequencer::{Aggregates, Cached, Changed, Entry};
use crate::{Command, Envelope, Refusal};
use domain::settings_defaults::{DEFAULTS_ID, SettingsDefaults};
use domain::user::{User, UserCommand};
use domain::wallet::{Wallet, WalletCommand};
use domain::{AggregateKind, AggregateRef, Event, Timestamp};
use journal::{ClaimRow, DroppedSecret, ReleasedClaims, SecretRow};
use uuid::Uuid;

/// A claim by kind and digest.
pub(crate) type Claim = (&'static str, Uuid);

pub(crate) struct Draft<'a> {
    aggregates: &'a Aggregates,
    now: Timestamp,
    is_claimed: &'a dyn Fn(Claim, Uuid) -> bool,
    drafted: Drafted,
    changed: Changed,
}

/// What a command would do.
#[derive(Default)]
pub(crate) struct Drafted {
    pub(crate) events: Vec<(AggregateRef, Event)>,
    pub(crate) claims: Vec<ClaimRow>,
    pub(crate) released: Vec<ReleasedClaims>,
    pub(crate) secrets: Vec<SecretRow>,
    pub(crate) dropped: Vec<DroppedSecret>,
    pub(crate) erased: Vec<Uuid>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        aggregates: &'a Aggregates,
        now: Timestamp,
        is_claimed: &'a dyn Fn(Claim, Uuid) -> bool,
    ) -> Self {
        Self { aggregates, now, is_claimed, drafted: Drafted::default(), changed: Changed::default() }
    }

    pub(crate) fn into_drafted(self) -> Drafted {
        self.drafted
    }

    /// Guard, preconditions, events.
    pub(crate) fn decide(&mut self, envelope: &Envelope) -> Result<(), Refusal> {
        match &envelope.command {
            Command::Register(register) => self.register(register),
            Command::User(change) => self.change_user(change, envelope.expected_version),
            Command::OpenWallet(open) => self.open_wallet(open),
            Command::Wallet(step) => self.step(step),
            Command::Batch(steps) => self.steps(steps),
            Command::StartSession(starting) => self.start_session(starting),
            Command::Session(step) => self.session_step(step, envelope.expected_version),
            Command::SettingsDefaults(command) => {
                self.ask::<SettingsDefaults>(DEFAULTS_ID, (**command).clone().at(self.now))
            }
        }
    }

    fn register(&mut self, register: &Register) -> Result<(), Refusal> {
        let user_id = register.user_id;
        for claim in register.claims() {
            self.claim(claim, user_id.0)?;
        }
        self.user(
            user_id.0,
            UserCommand::Register {
                user_id,
                username: register.username.clone(),
                email: register.email.clone(),
                name: register.name.clone(),
                roles: register.roles.clone(),
                at: self.now,
            },
        )?;
        let (wallet_id, currency) = (register.wallet_id, register.currency);
        self.claim(register.wallet_claim, wallet_id.0)?;
        self.wallet(wallet_id.0, WalletCommand::Open { wallet_id, user_id, currency })?;
        let first = |kind: SecretKind, value: &[u8]| NewSecret {
            kind,
            name: String::new(),
            version: 1,
            value: value.to_vec(),
        };
        self.secret(user_id.0, &first(SecretKind::Password, &register.password_hash));
        self.secret(user_id.0, &first(SecretKind::DataKey, &register.wrapped_data_key));
        Ok(())
    }

    fn change_user(&mut self, change: &UserChange, expected: Option<i64>) -> Result<(), Refusal> {
        let id = change.user_id.0;
        let entry = self.aggregates.users.peek(id);
        same_version(expected, entry.map_or(0, Entry::sequence))?;
        if let Some(refusal) = &change.beside.decline {
            return Err((**refusal).clone());
        }
        self.user(id, change.command.clone().at(self.now))?;
        for claim in &change.beside.free {
            self.must_be_free(*claim, id).map_err(|refusal| match refusal {
                // Nobody is erased while a session of theirs goes on.
                Refusal::TooManySessions | Refusal::SessionConflict => Refusal::SessionActive,
                other => other,
            })?;
        }
        // An accepted repeat leaves nothing behind, here as in the journal.
        if self.drafted.events.is_empty() {
            return Ok(());
        }
        if change.beside.erase {
            self.no_session_goes_on(change.user_id)?;
            self.close_all_of(change)?;
        }
        let Beside { claims, secrets, dropped, erase, .. } = &change.beside;
        for claim in claims {
            self.claim(*claim, id)?;
            self.drafted.released.push(ReleasedClaims {
                kind: claim.kind.as_str(),
                owner: id,
                keep: claim.digest,
            });
        }
        for secret in secrets {
            self.secret(id, secret);
        }
        let drop = |(kind, name): &(SecretKind, String)| DroppedSecret {
            owner: id,
            kind: kind.as_str(),
            name: name.clone(),
        };
        self.drafted.dropped.extend(dropped.iter().map(drop));
        self.drafted.erased.extend(erase.then_some(id));
        Ok(())
    }

    fn claim(&mut self, claim: NewClaim, owner: Uuid) -> Result<(), Refusal> {
        self.must_be_free(claim, owner)?;
        self.drafted.claims.push(ClaimRow { kind: claim.kind.as_str(), digest: claim.digest, owner });
        Ok(())
    }

    fn must_be_free(&self, claim: NewClaim, owner: Uuid) -> Result<(), Refusal> {
        let named = (claim.kind.as_str(), claim.digest);
        // By an earlier step of this very command, too.
        let is_drafted =
            self.drafted.claims.iter().any(|held| (held.kind, held.digest) == named && held.owner != owner);
        let is_held = claim.is_taken || is_drafted || (self.is_claimed)(named, owner);
        if is_held { Err(claim.kind.refusal()) } else { Ok(()) }
    }

    fn secret(&mut self, owner: Uuid, secret: &NewSecret) {
        let NewSecret { kind, name, version, value } = secret.clone();
        self.drafted.secrets.push(SecretRow { owner, kind: kind.as_str(), name, version, value });
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
        let decided = match self.newest::<A>(id) {
            Some(newest) => newest.decide(command)?,
            None => A::default().decide(command)?,
        };
        self.drafted.events.extend(decided.into_iter().map(|event| (aggregate, event.into())));
        Ok(())
    }

    /// An aggregate as this command has left it so far. One that it has not touched is not copied, and no event is folded
    /// twice, however many steps a batch has.
    fn newest<A: Cached>(&mut self, id: Uuid) -> Option<&A> {
        let aggregate = AggregateRef { kind: A::KIND, id };
        let cached = A::cache(self.aggregates).peek(id).map(Entry::state);
        if !self.drafted.events.iter().any(|(of, _)| *of == aggregate) {
            return cached;
        }
        let changed = A::changed(&mut self.changed);
        let (state, seen) = changed.entry(id).or_insert_with(|| (cached.cloned().unwrap_or_default(), 0));
        for (of, event) in self.drafted.events.iter().skip(*seen) {
            if let Some(event) = A::own(event).filter(|_| *of == aggregate) {
                state.evolve(event);
            }
        }
        *seen = self.drafted.events.len();
        Some(state)
    }
}

fn same_version(expected: Option<i64>, actual: i64) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != actual => Err(Refusal::StaleVersion { expected, actual }),
        _ => Ok(()),
    }
}

/// The user or the session that a command is about, so that its answer carries one.
pub(crate) fn subject_of(envelope: &Envelope) -> Option<AggregateRef> {
    envelope.command.aggregates().into_iter().find(|of| of.kind != AggregateKind::Wallet)
}
