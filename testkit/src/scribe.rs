//! Writes events straight into a journal, batch by batch, the way a sequencer would: decided by the domain, at dense
//! positions, with dense sequences.

use domain::trading::{SessionCommand, SessionRefusal, TradingSession};
use domain::user::{Role, User, UserCommand};
use domain::wallet::{Movement, Wallet, WalletCommand};
use domain::{
    Actor, AggregateRef, Currency, Decide, Event, Money, Sealed, Timestamp, TradingSessionId, UserId,
    WalletId,
};
use journal::{Batch, Journal, Lease, Metadata, Parsed, Recorded, Tail};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// 2025-11-21T11:00:00Z: a test's clock stands wherever it is put.
const BEGINNING: Timestamp = Timestamp::from_micros(1_763_722_800_000_000);

#[derive(Debug)]
pub struct Scribe {
    pub lease: Lease,
    tail: Option<Tail>,
    wallets: HashMap<WalletId, (Wallet, i64)>,
    users: HashMap<UserId, (User, i64)>,
    sessions: HashMap<TradingSessionId, (TradingSession, i64)>,
    open: Vec<Arc<Recorded>>,
    /// The time of what is written from now on.
    pub now: Timestamp,
}

impl Scribe {
    /// Takes the lead of a journal.
    pub async fn take(journal: &Journal) -> Self {
        let name = format!("scribe-{}", Uuid::new_v4());
        let lease = Lease::take(journal, &name).await.unwrap().expect("nobody else leads");
        Self {
            lease,
            tail: None,
            wallets: HashMap::new(),
            users: HashMap::new(),
            sessions: HashMap::new(),
            open: Vec::new(),
            now: BEGINNING,
        }
    }

    /// Also feeds the memory of its process, as a leader does.
    #[must_use]
    pub fn feeding(mut self, tail: &Tail) -> Self {
        self.tail = Some(tail.clone());
        self
    }

    pub fn position(&self) -> i64 {
        self.lease.head().position
    }

    pub fn wallet(&self, id: WalletId) -> &Wallet {
        &self.wallets[&id].0
    }

    /// Commits a user, and a wallet in US dollars.
    pub async fn register(&mut self) -> (UserId, WalletId) {
        let (user, wallet) = (UserId(Uuid::now_v7()), WalletId(Uuid::now_v7()));
        let sealed = |what: &str| Sealed::new(format!("{what} of {user}"));
        self.user(
            user,
            UserCommand::Register {
                user_id: user,
                username: sealed("username"),
                email: sealed("email"),
                name: None,
                roles: vec![Role::User],
                at: BEGINNING,
            },
        );
        self.command(
            wallet,
            user,
            WalletCommand::Open { wallet_id: wallet, user_id: user, currency: Currency::USD },
        );
        self.commit().await;
        (user, wallet)
    }

    /// Commits one more wallet of a user.
    pub async fn open_wallet(&mut self, user: UserId) -> WalletId {
        let wallet = WalletId(Uuid::now_v7());
        let open = WalletCommand::Open { wallet_id: wallet, user_id: user, currency: Currency::USD };
        self.command(wallet, user, open);
        self.commit().await;
        wallet
    }

    /// Commits one deposit and gives back its position.
    pub async fn deposit(&mut self, wallet: WalletId, cents: i64) -> i64 {
        self.deposits(wallet, cents, 1).await
    }

    /// Commits so many deposits as one batch and gives back the last one's position.
    pub async fn deposits(&mut self, wallet: WalletId, cents: i64, count: usize) -> i64 {
        for _ in 0..count {
            self.write(wallet, WalletCommand::Deposit(dollars(cents)));
        }
        self.commit().await;
        self.position()
    }

    pub async fn withdraw(&mut self, wallet: WalletId, cents: i64) -> i64 {
        self.write(wallet, WalletCommand::Withdraw(dollars(cents)));
        self.commit().await;
        self.position()
    }

    /// Adds what a command leads to; a refusal panics.
    pub fn write(&mut self, wallet: WalletId, command: WalletCommand) {
        let owner = self.wallets[&wallet].0.owner().expect("the wallet is open");
        self.command(wallet, owner, command);
    }

    fn command(&mut self, id: WalletId, owner: UserId, command: WalletCommand) {
        let (state, sequence) = self.wallets.entry(id).or_default();
        let (first, events) = decide(state, sequence, command.at(self.now));
        self.record::<Wallet>(id.0, owner, first, events);
    }

    pub fn user(&mut self, id: UserId, command: UserCommand) {
        let (state, sequence) = self.users.entry(id).or_default();
        let (first, events) = decide(state, sequence, command);
        self.record::<User>(id.0, id, first, events);
    }

    /// Adds what a command to a trading session leads to, if it leads to anything.
    pub fn session(
        &mut self,
        id: TradingSessionId,
        owner: UserId,
        command: SessionCommand,
    ) -> Result<(), SessionRefusal> {
        let (state, sequence) = self.sessions.entry(id).or_default();
        let (first, events) = try_decide(state, sequence, command.at(self.now))?;
        self.record::<TradingSession>(id.0, owner, first, events);
        Ok(())
    }

    /// A session as it has become, and the sequence of its last event.
    pub fn trading(&self, id: TradingSessionId) -> (&TradingSession, i64) {
        let (state, sequence) = &self.sessions[&id];
        (state, *sequence)
    }

    fn record<A: Decide>(&mut self, id: Uuid, owner: UserId, first: i64, events: Vec<Event>) {
        let command_id = Uuid::now_v7();
        for (sequence, event) in (first..).zip(events) {
            let position = self.position() + 1 + i64::try_from(self.open.len()).unwrap();
            self.open.push(Arc::new(Recorded {
                position,
                aggregate: AggregateRef { kind: A::KIND, id },
                sequence,
                event_type: event.type_name().into(),
                version: event.version().into(),
                payload: event.to_stored().unwrap(),
                metadata: Metadata {
                    actor: Actor::user(owner.0),
                    command_id,
                    correlation_id: command_id,
                    causation_id: None,
                },
                event_id: Uuid::now_v7(),
                owner,
                recorded_at: self.now,
                parsed: Parsed::default(),
            }));
        }
    }

    /// Commits what was added since the last commit.
    pub async fn commit(&mut self) -> Vec<Arc<Recorded>> {
        let batch = self.batch();
        self.lease.append(&batch).await.unwrap();
        if let Some(tail) = &self.tail {
            tail.publish(batch.events.clone());
        }
        batch.events
    }

    /// What the next commit would append.
    pub fn batch(&mut self) -> Batch {
        Batch {
            recorded_at: self.now,
            first_position: self.position() + 1,
            events: std::mem::take(&mut self.open),
            ..Batch::default()
        }
    }
}

fn decide<A: Decide>(state: &mut A, sequence: &mut i64, command: A::Command) -> (i64, Vec<Event>)
where
    Event: From<A::Event>,
    A::Refusal: std::fmt::Debug,
{
    try_decide(state, sequence, command).unwrap_or_else(|refusal| panic!("{refusal:?}"))
}

fn try_decide<A: Decide>(
    state: &mut A,
    sequence: &mut i64,
    command: A::Command,
) -> Result<(i64, Vec<Event>), A::Refusal>
where
    Event: From<A::Event>,
{
    let events = state.decide(command)?;
    let first = *sequence + 1;
    for event in &events {
        state.evolve(event);
        *sequence += 1;
    }
    Ok((first, events.into_iter().map(Event::from).collect()))
}

pub fn dollars(cents: i64) -> Movement {
    Movement {
        amount: Money::from_minor(i128::from(cents), Currency::USD).unwrap(),
        currency: Currency::USD,
        reference: None,
    }
}
