//! Whose a wallet or a trading session is and in which currency: facts that never change, so once known they stay known.
//!
//! Filled from the journal and not from a read model, so what was begun a moment ago is found.

use crate::remembered::Remembered;
use domain::trading::SessionEvent;
use domain::user::TradingMode;
use domain::wallet::WalletEvent;
use domain::{AggregateKind, AggregateRef, Currency, Event, TradingSessionId, UserId, WalletId};
use journal::{Journal, JournalError, Recorded};

/// Wallets remembered: about 40 MB when full.
const WALLETS_MAX: usize = 200_000;
/// Trading sessions remembered: as many as run, on a large installation.
const SESSIONS_MAX: usize = 200_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WalletFacts {
    pub id: WalletId,
    pub owner: UserId,
    pub currency: Currency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionFacts {
    pub id: TradingSessionId,
    pub owner: UserId,
    pub currency: Currency,
    pub mode: TradingMode,
}

#[derive(Debug)]
pub(crate) struct Directory {
    journal: Journal,
    wallets: Remembered<WalletId, WalletFacts>,
    defaults: Remembered<UserId, WalletId>,
    sessions: Remembered<TradingSessionId, SessionFacts>,
}

impl Directory {
    pub(crate) fn new(journal: Journal) -> Self {
        Self {
            journal,
            wallets: Remembered::new(WALLETS_MAX),
            defaults: Remembered::new(WALLETS_MAX),
            sessions: Remembered::new(SESSIONS_MAX),
        }
    }

    pub(crate) async fn wallet(&self, id: WalletId) -> Result<Option<WalletFacts>, JournalError> {
        if let Some(facts) = self.wallets.get(&id) {
            return Ok(Some(facts));
        }
        let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: id.0 };
        let first = self.journal.read_aggregate(aggregate, 0, 1).await?;
        self.note_opened(&first)
    }

    /// The wallet a user got when they registered.
    pub(crate) async fn default_wallet(&self, owner: UserId) -> Result<Option<WalletFacts>, JournalError> {
        if let Some(id) = self.defaults.get(&owner) {
            return self.wallet(id).await;
        }
        // Registering opens it, before any other.
        let opened = self.journal.first_events_of(owner, AggregateKind::Wallet).await?;
        let facts = self.note_opened(&opened)?;
        if let Some(facts) = facts {
            self.defaults.insert(owner, facts.id);
        }
        Ok(facts)
    }

    pub(crate) async fn session(&self, id: TradingSessionId) -> Result<Option<SessionFacts>, JournalError> {
        if let Some(facts) = self.sessions.get(&id) {
            return Ok(Some(facts));
        }
        let aggregate = AggregateRef { kind: AggregateKind::TradingSession, id: id.0 };
        let first = self.journal.read_aggregate(aggregate, 0, 1).await?;
        let Some(first) = first.first() else { return Ok(None) };
        let Event::TradingSession(SessionEvent::TradingSessionStarted(started)) = first.event()? else {
            return Ok(None);
        };
        let (owner, currency, mode) = (started.user_id, started.currency, started.mode);
        let facts = SessionFacts { id, owner, currency, mode };
        self.sessions.insert(id, facts);
        Ok(Some(facts))
    }

    fn note_opened(&self, recorded: &[Recorded]) -> Result<Option<WalletFacts>, JournalError> {
        let Some(first) = recorded.first() else { return Ok(None) };
        let Event::Wallet(WalletEvent::WalletOpened { wallet_id, user_id, currency }) = first.event()? else {
            return Ok(None);
        };
        let facts = WalletFacts { id: wallet_id, owner: user_id, currency };
        self.wallets.insert(wallet_id, facts);
        Ok(Some(facts))
    }
}
