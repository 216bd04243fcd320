//! Live aggregates in memory: the newest state of each, and what it takes to go back.
//!
//! Beside the newest state stand at most two older ones: as it was before the batch that is being decided, and before
//! the batch that is being committed. A commit drops the second; a roll-back returns to the oldest, which is the
//! committed one. An entry with either is pinned: it is never evicted.

use domain::settings_defaults::SettingsDefaults;
use domain::trading::TradingSession;
use domain::user::User;
use domain::wallet::Wallet;
use domain::{AggregateKind, AggregateRef, Decide, Event};
use journal::{JournalError, Loaded, Snapshot};
use lru::LruCache;
use std::collections::HashMap;
use uuid::Uuid;

/// A trading session takes some kilobytes, ten times what the others do, and most of them sleep.
const SESSIONS_PART: usize = 10;

/// A state at a sequence.
type At<A> = (A, i64);

#[derive(Debug)]
pub(crate) struct Entry<A> {
    newest: At<A>,
    before_open: Option<At<A>>,
    before_flying: Option<At<A>>,
    /// The sequence of the newest snapshot.
    snapshot: i64,
}

impl<A> Entry<A> {
    pub(crate) const fn state(&self) -> &A {
        &self.newest.0
    }

    pub(crate) const fn sequence(&self) -> i64 {
        self.newest.1
    }

    const fn is_pinned(&self) -> bool {
        self.before_open.is_some() || self.before_flying.is_some()
    }
}

#[derive(Debug)]
pub(crate) struct Cache<A> {
    entries: LruCache<Uuid, Entry<A>>,
    capacity: usize,
}

impl<A: Decide> Cache<A> {
    fn new(capacity: usize) -> Self {
        Self { entries: LruCache::unbounded(), capacity }
    }

    pub(crate) fn peek(&self, id: Uuid) -> Option<&Entry<A>> {
        self.entries.peek(&id)
    }

    /// All that are here, which takes a look at each.
    pub(crate) fn ids_where(&self, mut is_one: impl FnMut(&A) -> bool) -> Vec<Uuid> {
        self.entries.iter().filter(|(_, entry)| is_one(entry.state())).map(|(id, _)| *id).collect()
    }

    /// Moves it to the end of the queue for eviction; false if it is not here.
    fn use_now(&mut self, id: Uuid) -> bool {
        self.entries.get(&id).is_some()
    }

    fn insert(&mut self, id: Uuid, loaded: Loaded<A>) {
        let entry = Entry {
            newest: (loaded.state, loaded.sequence),
            before_open: None,
            before_flying: None,
            snapshot: loaded.snapshot_sequence,
        };
        self.entries.put(id, entry);
    }

    /// Folds an event in; true if it is the open batch's first for this aggregate.
    fn evolve(&mut self, id: Uuid, event: &A::Event) -> bool {
        let entry = self.entries.get_or_insert_mut(id, || Entry {
            newest: (A::default(), 0),
            before_open: None,
            before_flying: None,
            snapshot: 0,
        });
        let first = entry.before_open.is_none();
        if first {
            entry.before_open = Some(entry.newest.clone());
        }
        entry.newest.0.evolve(event);
        entry.newest.1 += 1;
        first
    }

    fn take_off(&mut self, id: Uuid) {
        if let Some(entry) = self.entries.peek_mut(&id) {
            entry.before_flying = entry.before_open.take();
        }
    }

    /// The flying batch is committed. Returns a snapshot if one is due.
    fn land(&mut self, id: Uuid, snapshot_every: i64) -> Option<Result<Snapshot, JournalError>> {
        let entry = self.entries.peek_mut(&id)?;
        entry.before_flying = None;
        let (state, sequence) = entry.before_open.as_ref().unwrap_or(&entry.newest);
        if sequence - entry.snapshot < snapshot_every {
            return None;
        }
        entry.snapshot = *sequence;
        Some(Snapshot::of(id, *sequence, state))
    }

    fn roll_back(&mut self, id: Uuid) {
        if let Some(entry) = self.entries.peek_mut(&id) {
            let open = entry.before_open.take();
            if let Some(committed) = entry.before_flying.take().or(open) {
                entry.newest = committed;
            }
        }
    }

    /// Lets go of the least used beyond capacity. Returns snapshots of those whose load would mean folding again.
    fn evict(&mut self, worth_a_snapshot: i64) -> Vec<Result<Snapshot, JournalError>> {
        let mut snapshots = Vec::new();
        // Pinned ones go back to the end of the queue, so each entry is looked at once at most.
        let mut looks = self.entries.len();
        while self.entries.len() > self.capacity && looks > 0 {
            looks -= 1;
            let Some((id, entry)) = self.entries.pop_lru() else { break };
            if entry.is_pinned() {
                self.entries.put(id, entry);
                continue;
            }
            if entry.sequence() - entry.snapshot >= worth_a_snapshot {
                snapshots.push(Snapshot::of(id, entry.sequence(), entry.state()));
            }
        }
        snapshots
    }
}

/// An aggregate that is kept here.
pub(crate) trait Cached: Decide<Event: Into<Event>> {
    fn cache(aggregates: &Aggregates) -> &Cache<Self>;
    fn own(event: &Event) -> Option<&Self::Event>;
    fn changed(changed: &mut Changed) -> &mut HashMap<Uuid, (Self, usize)>;
}

/// Aggregates as one command has left them so far, each with how many of its events were looked at.
#[derive(Default)]
pub(crate) struct Changed {
    users: HashMap<Uuid, (User, usize)>,
    wallets: HashMap<Uuid, (Wallet, usize)>,
    sessions: HashMap<Uuid, (TradingSession, usize)>,
    defaults: HashMap<Uuid, (SettingsDefaults, usize)>,
}

/// Which cache, which events and which changes are whose.
macro_rules! cached {
    ($($aggregate:ty, $variant:ident, $field:ident);+ $(;)?) => {$(
        impl Cached for $aggregate {
            fn cache(aggregates: &Aggregates) -> &Cache<Self> {
                &aggregates.$field
            }

            fn own(event: &Event) -> Option<&Self::Event> {
                if let Event::$variant(event) = event { Some(event) } else { None }
            }

            fn changed(changed: &mut Changed) -> &mut HashMap<Uuid, (Self, usize)> {
                &mut changed.$field
            }
        }
    )+};
}

cached! {
    User, User, users;
    Wallet, Wallet, wallets;
    TradingSession, TradingSession, sessions;
    SettingsDefaults, SettingsDefaults, defaults;
}

/// One cache for each kind of aggregate.
#[derive(Debug)]
pub(crate) struct Aggregates {
    pub(crate) users: Cache<User>,
    pub(crate) wallets: Cache<Wallet>,
    pub(crate) sessions: Cache<TradingSession>,
    pub(crate) defaults: Cache<SettingsDefaults>,
}

/// The same call on the cache an aggregate belongs to.
macro_rules! of_kind {
    ($aggregates:expr, $aggregate:expr, |$cache:ident| $call:expr) => {
        match $aggregate.kind {
            AggregateKind::User => {
                let $cache = &mut $aggregates.users;
                $call
            }
            AggregateKind::Wallet => {
                let $cache = &mut $aggregates.wallets;
                $call
            }
            AggregateKind::TradingSession => {
                let $cache = &mut $aggregates.sessions;
                $call
            }
            AggregateKind::SettingsDefaults => {
                let $cache = &mut $aggregates.defaults;
                $call
            }
        }
    };
}

impl Aggregates {
    /// `capacity`: how many users and wallets each stay in memory while nothing pins them, and a part of that of sessions.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            users: Cache::new(capacity),
            wallets: Cache::new(capacity),
            sessions: Cache::new(capacity.div_ceil(SESSIONS_PART)),
            // There is one of it.
            defaults: Cache::new(1),
        }
    }

    pub(crate) fn use_now(&mut self, of: AggregateRef) -> bool {
        of_kind!(self, of, |cache| cache.use_now(of.id))
    }

    pub(crate) fn insert_user(&mut self, id: Uuid, loaded: Loaded<User>) {
        self.users.insert(id, loaded);
    }

    pub(crate) fn insert_wallet(&mut self, id: Uuid, loaded: Loaded<Wallet>) {
        self.wallets.insert(id, loaded);
    }

    pub(crate) fn insert_session(&mut self, id: Uuid, loaded: Loaded<TradingSession>) {
        self.sessions.insert(id, loaded);
    }

    pub(crate) fn insert_defaults(&mut self, id: Uuid, loaded: Loaded<SettingsDefaults>) {
        self.defaults.insert(id, loaded);
    }

    /// Folds an event into its aggregate. Returns the event's sequence, its owner, and whether the aggregate was
    /// untouched in the open batch.
    pub(crate) fn evolve(&mut self, of: AggregateRef, event: &Event) -> Evolved {
        let first = match event {
            Event::User(event) => self.users.evolve(of.id, event),
            Event::Wallet(event) => self.wallets.evolve(of.id, event),
            Event::TradingSession(event) => self.sessions.evolve(of.id, event),
            Event::SettingsDefaults(event) => self.defaults.evolve(of.id, event),
        };
        let facts = of_kind!(self, of, |cache| cache
            .peek(of.id)
            .map(|entry| (entry.sequence(), entry.state().owner())));
        let (sequence, owner) = facts.unwrap_or((0, None));
        Evolved { sequence, owner, first }
    }

    /// The wallet that keeps a session's reserve, which goes back when the session stops: only the session knows it.
    pub(crate) fn reserve_of(&self, command: &crate::Command) -> Option<AggregateRef> {
        let crate::Command::Session(step) = command else { return None };
        let session = self.sessions.peek(step.session_id.0)?.state().session()?;
        let hold = session.hold_id?;
        Some(AggregateRef { kind: AggregateKind::Wallet, id: hold.wallet.0 })
    }

    /// The open batch becomes the flying one.
    pub(crate) fn take_off(&mut self, touched: &[AggregateRef]) {
        for of in touched {
            of_kind!(self, of, |cache| cache.take_off(of.id));
        }
    }

    /// The flying batch is committed. Returns the snapshots that are due.
    pub(crate) fn land(&mut self, touched: &[AggregateRef], snapshot_every: i64) -> Vec<Snapshot> {
        let due = |of: &AggregateRef| of_kind!(self, of, |cache| cache.land(of.id, snapshot_every));
        touched.iter().filter_map(due).filter_map(Result::ok).collect()
    }

    /// Back to the committed states.
    pub(crate) fn roll_back(&mut self, touched: &[AggregateRef]) {
        for of in touched {
            of_kind!(self, of, |cache| cache.roll_back(of.id));
        }
    }

    pub(crate) fn evict(&mut self, worth_a_snapshot: i64) -> Vec<Snapshot> {
        let users = self.users.evict(worth_a_snapshot);
        let wallets = self.wallets.evict(worth_a_snapshot);
        let sessions = self.sessions.evict(worth_a_snapshot);
        users.into_iter().chain(wallets).chain(sessions).filter_map(Result::ok).collect()
    }
}

pub(crate) struct Evolved {
    pub(crate) sequence: i64,
    pub(crate) owner: Option<domain::UserId>,
    pub(crate) first: bool,
}
